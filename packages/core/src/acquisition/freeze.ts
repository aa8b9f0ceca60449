import type { Grant } from '../endpoint/parse.js'
import { CLOSED, type Failure, isFailure } from '../failure.js'
import { ageMs, type Instant } from '../support/clock.js'
import { leftMs, marginMsOf } from '../token/lifetime.js'

/** A time limit that comes due later than this shows that the process stood still: frozen, suspended or blocked (rule 14). */
const LATE_MS = 1_000
/** How often an acquisition starts anew after a freeze while a caller waits. A background refresh does so every time. */
export const RESTARTS_WHILE_AWAITED = 3

/** Whether a time limit has been up for longer than a timer may be late, by either clock. */
export function stoodStill(startedAt: Instant, limitMs: number, now: Instant): boolean {
  return ageMs(startedAt, now) > limitMs + LATE_MS
}

/**
 * Whether a result that came to light after a freeze says nothing about the endpoint: a network error, or a token that
 * died meanwhile. A status always says something.
 */
export function saysNothing(
  result: Grant | Failure,
  issuedAt: Instant,
  now: Instant,
  expiryMarginMs: number
): boolean {
  if (isFailure(result)) return result !== CLOSED && result.upstreamStatus === undefined
  const lifetimeMs = result.expiresIn * 1000
  return leftMs({ lifetimeMs, issuedAt }, now) < marginMsOf(lifetimeMs, expiryMarginMs)
}
