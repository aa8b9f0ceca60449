import type { Instant } from '../support/clock.js'

/** The floor between two requests for a token that is the same as before or nearly dead. */
export const REQUEST_INTERVAL_MS = 5_000

const MAX_LIFETIME_S = 86_400
const DEFAULT_LIFETIME_S = 60

/** How long a token lives and when it is refreshed and given up. Ages are counted from its request. */
export interface Lifetime {
  readonly lifetimeMs: number
  /** A token with less than this left is never handed out. */
  readonly marginMs: number
  /** The age from which on it is refreshed. */
  readonly refreshAgeMs: number
}

/**
 * The window of a token (Bandwidth's page: use it until 10 to 30 seconds before it expires). Both lines shrink
 * with a short lifetime; the refresh instant is drawn once, so that a fleet does not refresh in step.
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

/** With how much left a token is handed out no more. At least a millisecond: never at the instant it expires. */
export function marginMs(lifetimeMs: number, expiryMarginMs: number): number {
  return Math.max(1, Math.min(expiryMarginMs, lifetimeMs / 10))
}

/** The age by the clock that says more: neither a stepped wall clock nor a suspended monotonic one makes it younger. */
export function ageMs(issuedAt: Instant, now: Instant): number {
  return Math.max(0, now.wallMs - issuedAt.wallMs, now.monotonicMs - issuedAt.monotonicMs)
}

/**
 * The lifetime in whole seconds that a token response's `expires_in` (RFC 6749 §5.1) stands for: 60 where there is
 * none, a day at most, `undefined` where it makes no sense.
 */
export function parseExpiresIn(value: unknown): number | undefined {
  if (value === undefined || value === null) return DEFAULT_LIFETIME_S
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))
  const seconds = isNumeric ? Math.floor(Number(value)) : 0
  return seconds >= 1 ? Math.min(seconds, MAX_LIFETIME_S) : undefined
}
