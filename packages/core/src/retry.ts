import type { Failure } from './failure.js'

const BACKOFF_BASE_MS = 100
const COOL_DOWN_BASE_MS = 1_000
const COOL_DOWN_CAP_MS = 30_000
const REFUSED_COOL_DOWN_MS = 60_000
const RETRY_AFTER_CAP_MS = 300_000

/** What the decision about a further attempt rests on. */
export interface RetryState {
  /** HTTP attempts made so far, at least 1. */
  readonly attempts: number
  readonly maxAttempts: number
  /** Whether new credentials may still be asked for. */
  readonly mayReload: boolean
  /** Until the deadline of the acquisition. */
  readonly leftMs: number
}

/** How long to wait before the next attempt; `undefined` where there is to be none. */
export function retryDelayMs(failure: Failure, state: RetryState, random: number): number | undefined {
  const mayRetry =
    failure.remedy === 'retry'
      ? state.attempts < state.maxAttempts
      : failure.remedy === 'reload' && state.mayReload
  if (!mayRetry) return undefined
  const backoffMs = failure.remedy === 'retry' ? random * BACKOFF_BASE_MS * 2 ** (state.attempts - 1) : 0
  const delayMs = Math.max(backoffMs, failure.retryAfterMs ?? 0)
  return delayMs < state.leftMs ? delayMs : undefined
}

/**
 * How long callers are refused after a failed acquisition: doubling from a second, half of it fixed and half
 * random; a minute where only a human can mend it; never less than the endpoint asked for.
 */
export function coolDownMs(failure: Failure, earlierFailures: number, random: number): number {
  const doubledMs = Math.min(COOL_DOWN_CAP_MS, COOL_DOWN_BASE_MS * 2 ** earlierFailures)
  const ownMs = failure.remedy === 'retry' ? (doubledMs * (1 + random)) / 2 : REFUSED_COOL_DOWN_MS
  return Math.max(ownMs, failure.retryAfterMs ?? 0)
}

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now, 300 s at most. */
export function parseRetryAfter(header: string | string[] | undefined, nowMs: number): number | undefined {
  const value = typeof header === 'string' ? header.trim() : ''
  // A date begins with the name of a day: what else `Date.parse` would take is no date of HTTP's. All are in GMT;
  // asctime's form does not say so, and for the others to say it twice does no harm.
  const delayMs = /^\d+$/.test(value)
    ? Number(value) * 1000
    : /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)
      ? Date.parse(`${value} GMT`) - nowMs
      : Number.NaN
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(0, delayMs), RETRY_AFTER_CAP_MS)
}
