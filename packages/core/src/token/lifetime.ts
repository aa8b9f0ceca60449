import type { Instant } from '../support/clock.js'

/** The least time between two requests while the endpoint sends tokens that are unchanged or about to expire. */
export const REQUEST_INTERVAL_MS = 5_000

const MAX_LIFETIME_S = 86_400
const DEFAULT_LIFETIME_S = 60

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
  const leastMs = marginMs(lifetimeMs, margins.expiryMarginMs)
  const softMs = Math.max(leastMs, Math.min(margins.refreshAheadMs, lifetimeMs / 4))
  const refreshAgeMs = lifetimeMs - softMs + (random * (softMs - leastMs)) / 2
  return { lifetimeMs, marginMs: leastMs, refreshAgeMs: Math.max(refreshAgeMs, REQUEST_INTERVAL_MS) }
}

/** A token with less than this left is not handed out. At least a millisecond: never at the instant it expires. */
export function marginMs(lifetimeMs: number, expiryMarginMs: number): number {
  return Math.max(1, Math.min(expiryMarginMs, lifetimeMs / 10))
}

/**
 * The age by the clock that shows more. So a token does not look younger when the wall clock is set back, or when the
 * monotonic clock stops during a suspend.
 */
export function ageMs(issuedAt: Instant, now: Instant): number {
  return Math.max(0, now.wallMs - issuedAt.wallMs, now.monotonicMs - issuedAt.monotonicMs)
}

/**
 * The lifetime of `expires_in` (RFC 6749 §5.1), in whole seconds: 60 if it is missing, at most a day.
 * `undefined` if it is not a number of at least 1.
 */
export function parseExpiresIn(value: unknown): number | undefined {
  if (value === undefined || value === null) return DEFAULT_LIFETIME_S
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))
  const seconds = isNumeric ? Math.floor(Number(value)) : 0
  return seconds >= 1 ? Math.min(seconds, MAX_LIFETIME_S) : undefined
}
