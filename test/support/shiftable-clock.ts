import type { Clock } from '@bandwidth-token/core'

/** Real time that can be put forward; timers stay real, so that real sockets keep their pace. */
export function shiftableClock(): Clock & { advance(ms: number): void } {
  let aheadMs = 0
  return {
    now: () => Date.now() + aheadMs,
    monotonic: () => performance.now() + aheadMs,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
    advance(ms) {
      aheadMs += ms
    }
  }
}

/**
 * Time that stands still until it is put forward. Of the timers only those of `realMs` go off, at their real pace: an
 * attempt runs out of time, and nothing else happens by itself.
 */
export function stillClock(realMs: number): Clock & { advance(ms: number): void } {
  let nowMs = Date.now()
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    setTimeout: (callback, delayMs) => (delayMs === realMs ? setTimeout(callback, delayMs) : undefined),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
    advance(ms) {
      nowMs += ms
    }
  }
}
