import { type Clock, cancelTimeout, setBackgroundTimeout } from './clock.js'

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
