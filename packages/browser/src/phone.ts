import type {
  BandwidthListeners,
  BandwidthSession,
  BandwidthUA,
  CallOptions,
  SipMessage
} from './bandwidth-ua.js'
import { checkOptions, FUNCTION, isFunction, type OptionRules } from './check-options.js'
import { optionInvalid, tokenError } from './errors.js'
import { callListener, type Emit } from './events.js'
import type { PageToken } from './held-token.js'
import { afterAnswer, afterHangUp, afterRefusal, type CallState } from './redial.js'
import type { TokenKeeper } from './token-keeper.js'

/** An agent that dials with tokens of a token source. */
export interface BandwidthPhone {
  /**
   * Gets a token, hands it to the agent and dials. The arguments are those of `BandwidthUA.call()`.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` before `ua.init()`, `ERR_BANDWIDTH_TOKEN_CLOSED` after `detach()` or
   * `close()`, what `getToken()` throws, and what the SDK throws
   */
  call(to: string, extraHeaders?: string[] | null, options?: CallOptions | null): Promise<BandwidthSession>
  /** Frees the agent for another source. Its events no longer reach your listeners; calls in progress go on. */
  detach(): void
}

type DialArguments = Parameters<BandwidthUA['call']>
type ListenerName = keyof BandwidthListeners

/** The SDK calls all seven, so it is given all seven. */
const LISTENER_RULES: OptionRules<BandwidthListeners> = {
  loginStateChanged: FUNCTION,
  outgoingCallProgress: FUNCTION,
  callTerminated: FUNCTION,
  callConfirmed: FUNCTION,
  callShowStreams: FUNCTION,
  incomingCall: FUNCTION,
  callHoldStateChanged: FUNCTION
}

/** For each agent, whether it is attached to a source that is still open. */
const attachments = new WeakMap<BandwidthUA, () => boolean>()

const closedError = () => tokenError('CLOSED', 'Detached or closed. Attach to an open source.')

/** @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID`, `ERR_BANDWIDTH_TOKEN_CLOSED` */
export const attachPhone = (
  ua: BandwidthUA,
  listeners: BandwidthListeners,
  keeper: TokenKeeper,
  emit: Emit,
  closing: AbortSignal
): BandwidthPhone => {
  if (closing.aborted) throw closedError()
  if (!isFunction(ua?.setBWLogger)) throw optionInvalid('ua', 'a BandwidthUA')
  if (attachments.get(ua)?.()) {
    throw optionInvalid('ua', 'a detached BandwidthUA')
  }
  checkOptions('listeners', listeners, LISTENER_RULES, true)

  let isAttached = true
  const isOpen = () => isAttached && !closing.aborted
  /** What to do when the gateway refuses a call of ours that it has not accepted yet. */
  const refusals = new WeakMap<object, (terminated: unknown[]) => void>()

  const tell = (name: ListenerName, args: unknown[]): void => {
    // Looked up at each event, so that the page may change its listeners.
    const listener = listeners[name] as ((...args: unknown[]) => void) | undefined
    // A class may inherit its listeners, but not from a polluted `Object.prototype`.
    const isPolluted = listener === (Object.prototype as BandwidthListeners)[name]
    if (isAttached && !isPolluted) callListener(() => listener?.apply(listeners, args))
  }

  const assertReady = (): void => {
    if (!isOpen()) throw closedError()
    if (!ua.isInitialized()) throw optionInvalid('ua', 'init() before call()')
  }

  /** No `await` in here: the token is valid now, and the agent holds one token for all of its calls. */
  const dial = (token: PageToken, args: DialArguments, isRedial: boolean): BandwidthSession => {
    assertReady()
    ua.setOAuthToken(token.accessToken)
    const session = ua.call(...args)
    follow(session, token, args, isRedial)
    return session
  }

  /** Redials the call if the gateway refuses its token, unless the user ends it first. */
  const follow = (session: BandwidthSession, token: PageToken, args: DialArguments, isRedial: boolean) => {
    const endSession = session.terminate
    let state: CallState = 'dialled'
    let refusal: unknown[] = []
    let end = () => endSession.call(session)

    const enter = (next: CallState, replacedBy?: BandwidthSession) => {
      if (next === state) return
      state = next
      if (next !== 'refused' && next !== 'redialled') return
      emit({ type: 'refused', accessTokenId: token.accessTokenId, session, replacedBy })
      // The page hears of the 401 as it would without us.
      if (next === 'refused') tell('callTerminated', refusal)
    }

    const redial = (other: PageToken) => {
      try {
        const replacement = dial(other, args, true)
        end = () => replacement.terminate()
        enter('redialled', replacement)
      } catch {
        // Detached or closed meanwhile, or the SDK cannot dial.
        enter('refused')
      }
    }

    refusals.set(session, async (terminated) => {
      refusal = terminated
      enter(afterRefusal(state, isRedial))
      if (state !== 'replacing') return
      const other = await keeper.replace(token)
      // With the refused call the SDK has stopped the stream that the page passed in: a redial would be silent.
      const isStreamOver = args[2]?.mediaStream?.active === false
      const next = afterAnswer(state, other !== undefined && !isStreamOver)
      if (other && next === 'redialled') redial(other)
      else enter(next)
    })

    session.terminate = () => {
      enter(afterHangUp(state))
      // Whoever still holds a session that was redialled means the call.
      if (state !== 'refused') end()
    }
  }

  const hear = (name: ListenerName, args: unknown[]): void => {
    const [session, message] = args as [object, SipMessage | null]
    const refuse = refusals.get(session)
    // From here on the gateway has accepted the call.
    if (name === 'callConfirmed') refusals.delete(session)
    // The SDK shows the status of the gateway nowhere else.
    if (refuse && name === 'callTerminated' && message?.status_code === 401) refuse(args)
    else tell(name, args)
  }

  const names = Object.keys(LISTENER_RULES) as ListenerName[]
  const wired = names.map((name) => [name, (...args: unknown[]) => hear(name, args)])
  // The SDK's own logger prints every SIP message to the console, and the token with it.
  ua.setBWLogger(() => {})
  ua.setListeners(Object.fromEntries(wired))
  attachments.set(ua, isOpen)

  return {
    async call(...args) {
      assertReady()
      return dial(await keeper.getTokenForCall(), args, false)
    },
    detach() {
      isAttached = false
    }
  }
}
