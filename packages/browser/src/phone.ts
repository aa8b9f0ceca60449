import type {
  BandwidthListeners,
  BandwidthSession,
  BandwidthUA,
  CallOptions,
  SipMessage
} from './bandwidth-ua.js'
import { checkOptions, type Kinds, optionInvalid, tokenError } from './errors.js'
import type { PageToken } from './route.js'
import type { TokenSourceEvent } from './token-source.js'

/** An agent that dials with tokens of a token source. */
export interface BandwidthPhone {
  /**
   * Obtains a token, hands it to the agent and dials. Arguments are those of `BandwidthUA.call()`.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` before `ua.init()`, `ERR_BANDWIDTH_TOKEN_CLOSED` after `detach()` or
   * `close()`, what `getToken()` throws, and what the SDK throws
   */
  call(to: string, extraHeaders?: string[] | null, options?: CallOptions | null): Promise<BandwidthSession>
  /** Gives the agent free. Its events reach `listeners` no more; calls that are under way go on. */
  detach(): void
}

type DialArguments = Parameters<BandwidthUA['call']>

const LISTENERS: Kinds = Object.fromEntries(
  'loginStateChanged outgoingCallProgress callTerminated callConfirmed callShowStreams incomingCall callHoldStateChanged'
    .split(' ')
    .map((name) => [name, ['function']])
)

/** Whether an agent is attached to a source that is still open. */
const attached = new WeakMap<BandwidthUA, () => boolean>()

export const attachPhone = (
  ua: BandwidthUA,
  listeners: BandwidthListeners,
  closing: AbortSignal,
  obtainForCall: () => Promise<PageToken>,
  replace: (refused: PageToken) => Promise<PageToken | undefined>,
  emit: (event: TokenSourceEvent) => void
): BandwidthPhone => {
  closing.throwIfAborted()
  if (typeof ua?.setBWLogger !== 'function' || attached.get(ua)?.()) {
    throw optionInvalid('ua', 'a detached BandwidthUA')
  }
  checkOptions(listeners, LISTENERS)

  /** What to do when the gateway refuses a session that it has not accepted yet. */
  const refusals = new Map<unknown, (terminated: unknown[]) => void>()
  let isAttached = true

  const tell = (name: string, args: unknown[]): void => {
    if (isAttached) (listeners as Record<string, (...args: unknown[]) => void>)[name]?.(...args)
  }

  const checkReady = (): void => {
    closing.throwIfAborted()
    if (!isAttached) throw tokenError('CLOSED', 'Agent detached')
    if (!ua.isInitialized()) throw optionInvalid('ua', 'init() first')
  }

  /** No `await` in here: the token is valid now, and the agent holds one for all calls. */
  const dial = (token: PageToken, args: DialArguments, isLast?: boolean): BandwidthSession => {
    checkReady()
    ua.setOAuthToken(token.accessToken)
    const session = ua.call(...args)
    let end = session.terminate?.bind(session)
    // Once the gateway has refused the call, the SDK tells nobody that the user has ended it.
    session.terminate = () => {
      isLast = true
      end?.()
    }
    refusals.set(session, async (terminated) => {
      let replacedBy: BandwidthSession | undefined
      end = () => {
        // From here on the user who hangs up means the redial.
        end = () => replacedBy?.terminate()
        emit({ type: 'refused', accessTokenId: token.accessTokenId, session, replacedBy })
        if (!replacedBy) tell('callTerminated', terminated)
      }
      try {
        const other = !isLast && (await replace(token))
        // A stream that the page has handed in ends with the refused call: a redial would be a silent one.
        const isSilent = args[2]?.mediaStream?.active === false
        if (other && !isLast && !isSilent) replacedBy = dial(other, args, true)
      } catch {
        // The source has told its subscribers; the call ends as it would without us.
      }
      end()
    })
    return session
  }

  const wired: Record<string, (...args: unknown[]) => void> = {}
  for (const name in LISTENERS) {
    wired[name] = (...args) => {
      const refuse = refusals.get(args[0])
      if (name === 'callTerminated' || name === 'callConfirmed') refusals.delete(args[0])
      // The SDK shows the answer of the gateway nowhere else.
      if (refuse && (args[1] as SipMessage | undefined)?.status_code === 401) refuse(args)
      else tell(name, args)
    }
  }
  // It prints every SIP message, and with it the token.
  ua.setBWLogger(() => {})
  ua.setListeners(wired as unknown as Required<BandwidthListeners>)
  attached.set(ua, () => isAttached && !closing.aborted)

  return {
    async call(...args) {
      checkReady()
      return dial(await obtainForCall(), args)
    },
    detach() {
      isAttached = false
    }
  }
}
