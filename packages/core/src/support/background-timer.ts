import type { Clock } from './clock.js'

/** One timer that is set again and again. It never holds the process open. */
export class BackgroundTimer {
  readonly #clock: Clock
  #handle: unknown

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `callback` after `delayMs`, in place of what was set before. */
  set(callback: () => void, delayMs: number): void {
    this.clear()
    this.#handle = setBackgroundTimeout(this.#clock, callback, delayMs)
  }

  clear(): void {
    this.#handle = cancelTimeout(this.#clock, this.#handle)
  }
}

/** Sets whether a timer holds the process open, if its handle has `ref()` and `unref()`. */
export function holdProcess(handle: unknown, hold: boolean): void {
  const timer = handle as Partial<Pick<NodeJS.Timeout, 'ref' | 'unref'>> | null | undefined
  if (hold) timer?.ref?.()
  else timer?.unref?.()
}

/** Starts a timer that does not hold the process open. */
export function setBackgroundTimeout(clock: Clock, callback: () => void, delayMs: number): unknown {
  const handle = clock.setTimeout(callback, Math.ceil(delayMs))
  holdProcess(handle, false)
  return handle
}

/** Cancels a timer, if there is one. Returns the handle that remains: none. */
export function cancelTimeout(clock: Clock, handle: unknown): undefined {
  if (handle !== undefined) clock.clearTimeout(handle)
}
