import type { Acquired } from '../acquisition/acquired.js'
import type { Clock } from '../support/clock.js'
import { AccessToken } from '../token/access-token.js'
import { marginMsOf } from '../token/lifetime.js'
import { type PlannedLife, refreshAgeMsOf } from '../token/refresh-plan.js'

/** A token that a peer refused: itself, its string or its id. */
export type RejectedToken = string | { readonly accessToken: string }

/** A cached token with its life, and the promise that callers get. */
export interface CachedToken extends PlannedLife {
  readonly token: AccessToken
  readonly promise: Promise<AccessToken>
  /** Deletes the token from the fleet's store, if there is one. */
  readonly withdraw: (() => void) | undefined
  /** Whether the token was handed out. An idle token is not refreshed by the timer. */
  isUsed: boolean
  /** Whether the log has already warned that this token was rejected while too young to be replaced. */
  wasRejectedYoung: boolean
}

/** Makes the cached token from an acquired token, and draws its refresh instant. */
export function createCachedToken(
  acquired: Acquired,
  margins: { readonly refreshAheadMs: number; readonly expiryMarginMs: number },
  clock: Clock
): CachedToken {
  const { accessToken, accessTokenId, issuedAt, withdraw } = acquired
  const { refreshAheadMs, expiryMarginMs } = margins
  const lifetimeMs = acquired.expiresIn * 1000
  const marginMs = marginMsOf(lifetimeMs, expiryMarginMs)
  const token = new AccessToken({ accessToken, accessTokenId, lifetimeMs, issuedAt }, clock)
  // Each field by name: V8 gives objects that begin with a spread a hidden class each, 300 bytes for every account.
  return {
    lifetimeMs,
    marginMs,
    refreshAgeMs: refreshAgeMsOf(lifetimeMs, { marginMs, refreshAheadMs }, Math.random()),
    token,
    promise: Promise.resolve(token),
    issuedAt,
    withdraw,
    isUsed: false,
    wasRejectedYoung: false
  }
}

export function isNamedBy(
  rejected: RejectedToken | undefined,
  { token }: Pick<CachedToken, 'token'>
): boolean {
  return typeof rejected === 'string'
    ? rejected === token.accessToken || rejected === token.accessTokenId
    : rejected?.accessToken === token.accessToken
}
