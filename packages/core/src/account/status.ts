import type { BandwidthTokenErrorCode } from '../errors.js'
import type { Instant } from '../support/clock.js'
import { leftMs, usableMs } from '../token/lifetime.js'
import type { CachedToken } from './cached-token.js'
import type { Pauses } from './pauses.js'

/** The condition of an account; it holds no secret. */
export interface TokenStatus {
  /**
   * `empty`: no token. `fresh`: a valid one. `refreshing`: a valid one while a new one is requested. `degraded`: a
   * valid one, but the last request failed. `cooling`: no token, and callers are refused for a while.
   */
  readonly state: 'empty' | 'fresh' | 'refreshing' | 'degraded' | 'cooling'
  /** Milliseconds until the valid token expires. It is handed out until `expiryMarginMs` before. */
  readonly expiresInMs: number | undefined
  /** The code of the last failure, until a request succeeds. */
  readonly lastErrorCode: BandwidthTokenErrorCode | undefined
  /**
   * How many acquisitions, each with all its attempts, have failed since one succeeded: the client's, or the account's own
   * if those hold it back longer.
   */
  readonly consecutiveFailures: number
  /** Milliseconds until the next request may be made, while there is a wait. */
  readonly retryInMs: number | undefined
}

/** The status of an account from what is known of it. */
export function describeStatus(
  cached: CachedToken | undefined,
  pauses: Pick<Pauses, 'current' | 'coolDownForStatus'>,
  isAcquiring: boolean,
  now: Instant
): TokenStatus {
  const expiresInMs = cached && leftMs(cached, now)
  const servesForMs = cached && usableMs(cached, now)
  const { failure, consecutiveFailures } = pauses.coolDownForStatus(now, servesForMs)
  const pause = pauses.current(now, servesForMs)
  // A token that is about to expire is not an error while it is still valid.
  const last = failure ?? (cached === undefined ? pause?.failure : undefined)
  const known = { expiresInMs, lastErrorCode: last?.code, consecutiveFailures, retryInMs: pause?.leftMs }
  return { state: stateOf(known, isAcquiring), ...known }
}

function stateOf(known: Omit<TokenStatus, 'state'>, isAcquiring: boolean): TokenStatus['state'] {
  if (known.expiresInMs === undefined) return known.retryInMs === undefined ? 'empty' : 'cooling'
  if (known.consecutiveFailures > 0) return 'degraded'
  return isAcquiring ? 'refreshing' : 'fresh'
}
