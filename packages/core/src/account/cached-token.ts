import type { Acquired } from '../acquisition/acquired.js'
import type { Clock, Instant } from '../support/clock.js'
import { AccessToken } from '../token/access-token.js'
import { ageMs, type Lifetime, marginMs, planLifetime, REQUEST_INTERVAL_MS } from '../token/lifetime.js'

/** A token that a peer refused: itself, its string or its id. */
export type RejectedToken = string | { readonly accessToken: string }

/** A cached token with its window, and the promise that callers are given. */
export interface CachedToken extends Lifetime {
  readonly token: AccessToken
  readonly promise: Promise<AccessToken>
  readonly issuedAt: Instant
  /** Takes it out of the fleet's store, where there is one. */
  readonly withdraw: (() => void) | undefined
  /** Whether it was handed out: an idle token is not refreshed. */
  isUsed: boolean
  /** Whether a rejection of it was refused, and logged, because it was too young to be replaced. */
  wasRejectedYoung: boolean
}

/** The cached form of what the endpoint granted. */
export function createCachedToken(
  grant: Acquired,
  margins: { readonly refreshAheadMs: number; readonly expiryMarginMs: number },
  clock: Clock
): CachedToken {
  const lifetime = planLifetime(grant.expiresIn * 1000, margins, Math.random())
  const token = new AccessToken({ ...grant, lifetimeMs: lifetime.lifetimeMs }, clock)
  return {
    ...lifetime,
    token,
    promise: Promise.resolve(token),
    issuedAt: grant.issuedAt,
    withdraw: grant.withdraw,
    isUsed: false,
    wasRejectedYoung: false
  }
}

/** Milliseconds for which the token may still be handed out; negative when it may not. */
export function usableMs(cached: CachedToken, now: Instant): number {
  return cached.lifetimeMs - cached.marginMs - ageMs(cached.issuedAt, now)
}

/**
 * Milliseconds until something is to be done without a caller: the refresh, another try of it while the token is in
 * use, or the end of the token.
 */
export function nextWakeMs(cached: CachedToken, retryInMs: number | undefined, now: Instant): number {
  const untilLapseMs = usableMs(cached, now) + 1
  const untilRefreshMs = cached.refreshAgeMs - ageMs(cached.issuedAt, now)
  if (untilRefreshMs > 0) return Math.min(untilRefreshMs, untilLapseMs)
  return cached.isUsed && retryInMs !== undefined ? Math.min(retryInMs, untilLapseMs) : untilLapseMs
}

/** A token that was just issued is not replaced: a rejection is then no reason to believe in the next one. */
export function isYoung(cached: CachedToken, now: Instant): boolean {
  return ageMs(cached.issuedAt, now) < REQUEST_INTERVAL_MS
}

export function isNamedBy(
  rejected: RejectedToken | undefined,
  { token }: Pick<CachedToken, 'token'>
): boolean {
  return typeof rejected === 'string'
    ? rejected === token.accessToken || rejected === token.accessTokenId
    : rejected?.accessToken === token.accessToken
}

/** Whether the endpoint handed out a token too short-lived to ask for another at once. */
export function isNearlyDead(next: CachedToken, now: Instant): boolean {
  // By the monotonic clock: a step of the wall clock is not the endpoint's fault.
  const usedUpMs = now.monotonicMs - next.issuedAt.monotonicMs + next.marginMs
  return next.lifetimeMs - usedUpMs < REQUEST_INTERVAL_MS
}

/** The token that serves from now on: the new one, unless it is dead or would be outlived by the one it replaces. */
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

/** Whether a token that the fleet shares may serve, and would serve for longer than the cached one. */
export function isImprovement(
  { accessToken, expiresIn, issuedAt }: Acquired,
  cached: CachedToken | undefined,
  wanted: { readonly minimumLifetimeMs: number; readonly expiryMarginMs: number },
  now: Instant
): boolean {
  const lifetimeMs = expiresIn * 1000
  const leftMs = lifetimeMs - ageMs(issuedAt, now)
  if (leftMs < Math.max(marginMs(lifetimeMs, wanted.expiryMarginMs), wanted.minimumLifetimeMs)) return false
  if (cached === undefined) return true
  return accessToken !== cached.token.accessToken && leftMs > cached.lifetimeMs - ageMs(cached.issuedAt, now)
}
