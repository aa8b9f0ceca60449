import type { Failure } from '../failure.js'

const BACKOFF_BASE_MS = 100

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
