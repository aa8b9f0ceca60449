/**
 * The provider's source of time. It reads the time and waits only through this, so that a test can run through an hour
 * in a second.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970, as `Date.now()`. */
  now(): number
  /** Milliseconds that never go back, as `performance.now()`. */
  monotonic(): number
  /** Calls `callback` once after `delayMs`. If the returned handle has `ref()` and `unref()`, they are used. */
  setTimeout(callback: () => void, delayMs: number): unknown
  /** Cancels a timer by its handle. */
  clearTimeout(handle: unknown): void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout)
}

/** Before every instant, in milliseconds of either clock. */
export const NEVER = Number.NEGATIVE_INFINITY

/** One moment, as both clocks show it. */
export interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

export function readClock(clock: Clock): Instant {
  return { wallMs: clock.now(), monotonicMs: clock.monotonic() }
}

/**
 * The age by the clock that shows more. So a token does not look younger when the wall clock is set back, or when the
 * monotonic clock stops during a suspend.
 */
export function ageMs(issuedAt: Instant, now: Instant): number {
  return Math.max(0, now.wallMs - issuedAt.wallMs, now.monotonicMs - issuedAt.monotonicMs)
}
