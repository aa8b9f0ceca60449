import { ageMs, type Instant } from '../support/clock.js'

/** How long a token is valid. Its age counts from the moment before its request. */
export interface Life {
  readonly lifetimeMs: number
  /** A token with less than this left is never handed out. */
  readonly marginMs: number
  readonly issuedAt: Instant
}

/**
 * A token with less than this left is not handed out: the hard line. Bandwidth's page says to replace a token at least
 * 10 seconds before it expires. A short lifetime shrinks the margin. It is at least a millisecond: no token is handed out
 * at the instant it expires.
 */
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
