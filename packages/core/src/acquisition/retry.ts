import type { Failure } from '../failure.js'

/** How many attempts an acquisition may make while a caller waits for it. Otherwise it makes one. */
export const ATTEMPTS_WHILE_AWAITED = 3
const BACKOFF_BASE_MS = 100

/** What decides whether there is another attempt. */
export interface RetryState {
  /** HTTP attempts made so far, since the last freeze. 0 if the credentials could not be loaded. */
  readonly attempts: number
  readonly maxAttempts: number
  /** Whether the credentials may be loaded once more. */
  readonly mayReload: boolean
  /** Milliseconds until the deadline of the acquisition. */
  readonly leftMs: number
}

/** Milliseconds to wait before the next attempt. `undefined` if there is none. `random` is from 0 to 1. */
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
