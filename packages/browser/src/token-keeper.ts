import { pauseMs, planBackOffMs } from './back-off.js'
import type { Emit } from './events.js'
import type { HeldToken, PageToken } from './held-token.js'
import { nextStep } from './next-step.js'
import type { AskRoute, RouteOutcome } from './route.js'
import { errorOf, type RouteFailure } from './route-failure.js'
import { startStopwatch, startTimer, within } from './timer.js'
import { isShortForCall, isUsable, refreshInMs, sameTokenRefreshLeftMs } from './token-lifetime.js'

/** What the rest of a token source needs of the one token that it keeps. */
export interface TokenKeeper {
  getToken(): Promise<PageToken>
  /** A token that is unlikely to expire while the browser asks for the microphone. */
  getTokenForCall(): Promise<PageToken>
  /** Another token than one that the gateway refused; `undefined` if there is none. */
  replace(refused: PageToken): Promise<PageToken | undefined>
  /** Looks at the clocks again: timers may have slept. */
  wake(): void
  /** Ends a back-off, but not a pause that the route asked for, and looks at the clocks again. */
  endBackOff(): void
  /** Drops the token and stops refreshing until somebody asks for a token. */
  forget(): void
  /** Drops everything, for a source that is closed. */
  close(): void
}

/** A failure, and our own back-off after it. Meanwhile callers without a token are refused. */
interface CoolDown {
  readonly failure: RouteFailure
  backOffMs: number
  /** Milliseconds since the failure. */
  readonly ageMs: () => number
}

// How long a call waits for a token with more left than the cached one.
const PATIENCE_MS = 2_000

/** Keeps one token: fetches it, refreshes it while the page is visible, and backs off when the route fails. */
export const createTokenKeeper = (askRoute: AskRoute, emit: Emit): TokenKeeper => {
  let isWanted = false
  let held: HeldToken | null = null
  let flight: Promise<RouteOutcome> | null = null
  let failures = 0
  let coolDown: CoolDown | null = null
  let cancelTimer = () => {}

  const usableToken = (): PageToken | undefined =>
    held && isUsable(held, held.leftMs()) ? held.token : undefined

  const pauseLeftMs = (): number =>
    coolDown ? pauseMs(coolDown.backOffMs, coolDown.failure.askedForMs) - coolDown.ageMs() : 0

  const tokenOf = (outcome: RouteOutcome): PageToken => {
    if ('token' in outcome) return outcome.token
    throw errorOf(outcome)
  }

  /** Joins the request in flight or sends one. While the route is left alone, the last failure is the answer. */
  const request = async (rejectedId?: string): Promise<RouteOutcome> => {
    if (flight) return flight
    const retryInMs = pauseLeftMs()
    if (coolDown && retryInMs > 0) return { ...coolDown.failure, retryInMs }
    const own: Promise<RouteOutcome> = askRoute(rejectedId).then((outcome) => {
      // `forget()` disowns a request in flight: those who wait for it get its token, and nobody else does.
      return flight === own ? settle(outcome) : outcome
    })
    flight = own
    return own
  }

  const settle = (outcome: RouteOutcome): RouteOutcome => {
    flight = null
    if ('token' in outcome) adopt(outcome)
    else if (outcome.reason === 'FORBIDDEN') signOut()
    else if (outcome.reason !== 'CLOSED') return backOff(outcome)
    return outcome
  }

  const adopt = (granted: HeldToken): void => {
    const { token, leftMs } = granted
    const isNew = token.accessToken !== held?.token.accessToken
    held = isNew ? granted : { ...granted, refreshLeftMs: sameTokenRefreshLeftMs(granted, leftMs()) }
    failures = 0
    coolDown = null
    wake()
    if (isNew) emit({ type: 'token', accessTokenId: token.accessTokenId, expiresIn: token.expiresIn })
  }

  const signOut = (): void => {
    forget()
    emit({ type: 'signed-out' })
  }

  /** @returns the failure, with when the route may be asked again */
  const backOff = (failure: RouteFailure): RouteFailure => {
    failures++
    coolDown = { failure, backOffMs: planBackOffMs(failures, Math.random()), ageMs: startStopwatch() }
    const retryInMs = pauseMs(coolDown.backOffMs, failure.askedForMs)
    const told = { ...failure, retryInMs }
    wake()
    emit({ type: 'error', error: errorOf(told), retryInMs })
    return told
  }

  const wake = (): void => {
    cancelTimer()
    const next = nextStep({
      isActive: isWanted && globalThis.document?.visibilityState !== 'hidden',
      refreshInMs: held ? refreshInMs(held, held.leftMs()) : 0,
      pauseLeftMs: pauseLeftMs()
    })
    if (next === 'rest') return
    if (next === 'ask') request()
    // A timer may go off a fraction of a millisecond early.
    else cancelTimer = startTimer(next.waitMs + 1, wake)
  }

  const endBackOff = (): void => {
    failures = 0
    if (coolDown) coolDown.backOffMs = 0
    wake()
  }

  const forget = (): void => {
    held = null
    flight = null
    isWanted = false
    endBackOff()
  }

  const getToken = async (): Promise<PageToken> => {
    isWanted = true
    const token = usableToken()
    if (!token) return tokenOf(await request())
    wake()
    return token
  }

  return {
    getToken,
    async getTokenForCall() {
      if (held && isShortForCall(held, held.leftMs())) {
        const outcome = await within(PATIENCE_MS, request())
        if (outcome && !usableToken()) return tokenOf(outcome)
      }
      return getToken()
    },
    async replace(refused) {
      const other = (token = usableToken()) =>
        token?.accessToken === refused.accessToken ? undefined : token
      // A refresh in flight may bring the refused token once more, so its answer alone does not settle it.
      while (flight) {
        if ('reason' in (await flight)) return other()
      }
      const current = other()
      if (current) return current
      const outcome = await request(refused.accessTokenId)
      return 'token' in outcome ? other(outcome.token) : undefined
    },
    wake,
    endBackOff,
    forget,
    close() {
      forget()
      coolDown = null
    }
  }
}
