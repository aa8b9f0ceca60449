import type { Acquired } from '../acquisition/acquired.js'
import { ageMs, type Clock, type Instant } from '../support/clock.js'
import { AccessToken } from '../token/access-token.js'
import { type Lifetime, planLifetime } from '../token/lifetime.js'

/** For callers who need a token with more life left, a request may start once in this time. */
export const RENEWAL_INTERVAL_MS = 5_000

/** A token that a peer refused: itself, its string or its id. */
export type RejectedToken = string | { readonly accessToken: string }

/** A cached token with its lifetime, and the promise that callers get. */
export interface CachedToken extends Lifetime {
  readonly token: AccessToken
  readonly promise: Promise<AccessToken>
  readonly issuedAt: Instant
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
  const { lifetimeMs, marginMs, refreshAgeMs } = planLifetime(
    acquired.expiresIn * 1000,
    margins,
    Math.random()
  )
  const token = new AccessToken({ accessToken, accessTokenId, lifetimeMs, issuedAt }, clock)
  // Each field by name: V8 gives objects that begin with a spread a hidden class each, 300 bytes for every account.
  return {
    lifetimeMs,
    marginMs,
    refreshAgeMs,
    token,
    promise: Promise.resolve(token),
    issuedAt,
    withdraw,
    isUsed: false,
    wasRejectedYoung: false
  }
}

/** Milliseconds for which the token may still be handed out; negative when it may not. */
export function usableMs(cached: CachedToken, now: Instant): number {
  return cached.lifetimeMs - cached.marginMs - ageMs(cached.issuedAt, now)
}

/** Until when callers get the token without another check, by the wall clock. The timer ends it earlier if need be. */
export function hotUntilMs({ issuedAt, refreshAgeMs, lifetimeMs, marginMs }: CachedToken): number {
  return issuedAt.wallMs + Math.min(refreshAgeMs, lifetimeMs - marginMs)
}

/**
 * Milliseconds until the account has something to do without a caller: to refresh the token, to repeat a failed refresh
 * while the token is in use, or to drop the token at its hard line.
 */
export function nextWakeMs(cached: CachedToken, retryInMs: number | undefined, now: Instant): number {
  const untilLapseMs = usableMs(cached, now) + 1
  const untilRefreshMs = cached.refreshAgeMs - ageMs(cached.issuedAt, now)
  if (untilRefreshMs > 0) return Math.min(untilRefreshMs, untilLapseMs)
  return cached.isUsed && retryInMs !== undefined ? Math.min(retryInMs, untilLapseMs) : untilLapseMs
}

export function isNamedBy(
  rejected: RejectedToken | undefined,
  { token }: Pick<CachedToken, 'token'>
): boolean {
  return typeof rejected === 'string'
    ? rejected === token.accessToken || rejected === token.accessTokenId
    : rejected?.accessToken === token.accessToken
}

/** The token to cache: the new one, unless it is not usable, or the previous one lives longer and was not rejected. */
export function chooseToken(
  next: CachedToken,
  previous: CachedToken | undefined,
  isReplacement: boolean,
  now: Instant
): CachedToken | undefined {
  const nextMs = usableMs(next, now)
  const isOther = previous !== undefined && previous.token.accessToken !== next.token.accessToken
  if (isOther && (nextMs < 0 || (!isReplacement && nextMs < usableMs(previous, now)))) return previous
  return nextMs < 0 ? undefined : next
}
