import type { Clock } from '@bandwidth-token/core'

/** Real time that can be moved forward. Timers stay real, because real sockets need real time. */
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
 * Time that stands still until it is moved forward. Only timers of `realMs` fire, after that real time: an attempt
 * times out, and nothing else happens by itself.
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
