import { ageMs, type Instant } from '../support/clock.js'

/** No token is refreshed sooner, however short its lifetime (rule 11). */
const LEAST_REFRESH_AGE_MS = 5_000

/** How long a token lives, and when it is refreshed. */
export interface Lifetime {
  readonly lifetimeMs: number
  /** A token with less than this left is never handed out. */
  readonly marginMs: number
  /** The age at which it is refreshed. */
  readonly refreshAgeMs: number
}

/** The life of one token. Its age counts from the moment before its request. */
export interface Life extends Lifetime {
  readonly issuedAt: Instant
}

/**
 * Plans the life of a token. Bandwidth's page says to replace it 10 to 30 seconds before it expires; both margins
 * shrink for a short lifetime. `random`, from 0 to 1, sets the moment of the refresh, so that the servers of a fleet
 * do not all refresh at the same time.
 */
export function planLifetime(
  lifetimeMs: number,
  margins: { readonly refreshAheadMs: number; readonly expiryMarginMs: number },
  random: number
): Lifetime {
  const leastMs = marginMsOf(lifetimeMs, margins.expiryMarginMs)
  const softMs = Math.max(leastMs, Math.min(margins.refreshAheadMs, lifetimeMs / 4))
  // Whole milliseconds take less memory.
  const refreshAgeMs = Math.floor(lifetimeMs - softMs + (random * (softMs - leastMs)) / 2)
  return { lifetimeMs, marginMs: leastMs, refreshAgeMs: Math.max(refreshAgeMs, LEAST_REFRESH_AGE_MS) }
}

/** A token with less than this left is not handed out. At least a millisecond: never at the instant it expires. */
export function marginMsOf(lifetimeMs: number, expiryMarginMs: number): number {
  return Math.max(1, Math.min(expiryMarginMs, lifetimeMs / 10))
}

/** Milliseconds until the token expires, by the clock that says less. */
export function leftMs(life: Pick<Life, 'lifetimeMs' | 'issuedAt'>, now: Instant): number {
  return life.lifetimeMs - ageMs(life.issuedAt, now)
}

/** Milliseconds for which the token may still be handed out; negative when it may not. */
export function usableMs(life: Life, now: Instant): number {
  return leftMs(life, now) - life.marginMs
}

/** Whether the refresh instant of the token has come. */
export function isDue(life: Life, now: Instant): boolean {
  return ageMs(life.issuedAt, now) >= life.refreshAgeMs
}

/** Until when callers get the token without another check, by the wall clock. The timer ends it earlier if need be. */
export function hotUntilMs({ issuedAt, refreshAgeMs, lifetimeMs, marginMs }: Life): number {
  return issuedAt.wallMs + Math.min(refreshAgeMs, lifetimeMs - marginMs)
}

/**
 * Milliseconds until the token needs something without a caller: to be refreshed, to be refreshed again after a failure,
 * or to be dropped at its hard line. `retryInMs` is the time until that second refresh, if there is to be one.
 */
export function nextWakeMs(life: Life, retryInMs: number | undefined, now: Instant): number {
  const untilLapseMs = usableMs(life, now) + 1
  const untilRefreshMs = life.refreshAgeMs - ageMs(life.issuedAt, now)
  return Math.min(untilRefreshMs > 0 ? untilRefreshMs : (retryInMs ?? untilLapseMs), untilLapseMs)
}
