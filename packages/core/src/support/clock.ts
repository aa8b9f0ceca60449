/**
 * Where the provider takes its time from. Every time it reads or waits goes through this, so that a test can
 * live an hour in a second.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970, as `Date.now()`. */
  now(): number
  /** Milliseconds that never go back, as `performance.now()`. */
  monotonic(): number
  /** Runs `callback` once after `delayMs`. If the handle has `ref()` and `unref()`, they are used. */
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(handle: unknown): void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout)
}

/** One moment by both clocks. */
export interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

export function readClock(clock: Clock): Instant {
  return { wallMs: clock.now(), monotonicMs: clock.monotonic() }
}

/** Says whether a timer may hold the process open, where its handle can be told. */
export function holdProcess(handle: unknown, hold: boolean): void {
  const timer = handle as Partial<Pick<NodeJS.Timeout, 'ref' | 'unref'>> | null | undefined
  if (hold) timer?.ref?.()
  else timer?.unref?.()
}

/** A timer that never holds the process open. */
export function setBackgroundTimeout(clock: Clock, callback: () => void, delayMs: number): unknown {
  const handle = clock.setTimeout(callback, Math.ceil(delayMs))
  holdProcess(handle, false)
  return handle
}
