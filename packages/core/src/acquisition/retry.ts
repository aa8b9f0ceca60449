import type { Failure } from '../failure.js'

const ATTEMPTS_WHILE_AWAITED = 3
const BACKOFF_BASE_MS = 100

/** What decides how many attempts an acquisition may make. */
interface Attempting {
  readonly isAwaited: boolean
  /** Whether it is the probe after a cool-down. */
  readonly isProbe: boolean
  /** Whether the last background refresh of the account failed. */
  readonly followsFailure: boolean
}

/** Three attempts while a caller waits, but one as a probe or after a failed background refresh. Else one. */
export function maxAttempts({ isAwaited, isProbe, followsFailure }: Attempting): number {
  return isAwaited && !isProbe && !followsFailure ? ATTEMPTS_WHILE_AWAITED : 1
}

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
