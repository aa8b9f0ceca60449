/** No token is refreshed sooner, however short its lifetime (rule 11). */
const LEAST_REFRESH_AGE_MS = 5_000

/** How long a token lives, and when it is refreshed. Its age counts from the moment before its request. */
export interface Lifetime {
  readonly lifetimeMs: number
  /** A token with less than this left is never handed out. */
  readonly marginMs: number
  /** The age at which it is refreshed. */
  readonly refreshAgeMs: number
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
