import { type Failure, STOOD_STILL, TIMED_OUT } from '../failure.js'
import { setBackgroundTimeout } from '../support/background-timer.js'
import { type Clock, type Instant, readClock } from '../support/clock.js'
import { stoodStill } from './freeze.js'

/** A time limit that can tell a slow endpoint from a process that stood still: frozen, suspended or blocked. */
export class TimeLimit {
  readonly startedAt: Instant
  readonly timer: unknown
  readonly #clock: Clock
  readonly #limitMs: number
  #isCleared = false

  /** Calls `end` when the time is up: with `TIMED_OUT`, or with `STOOD_STILL` if the timer ran too late. */
  constructor(clock: Clock, limitMs: number, end: (failure: Failure) => void) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.startedAt = readClock(clock)
    const due = () => {
      if (!this.isLate) end(TIMED_OUT)
      // Node runs timers before it reads sockets. A response that arrived meanwhile is read within this turn.
      else setImmediate(() => this.#isCleared || end(STOOD_STILL))
    }
    this.timer = setBackgroundTimeout(clock, due, limitMs)
  }

  /** Milliseconds left until the timer is due. */
  get leftMs(): number {
    return this.startedAt.monotonicMs + this.#limitMs - this.#clock.monotonic()
  }

  /** Whether the time has been up for longer than a timer may be late, by either clock. */
  get isLate(): boolean {
    return stoodStill(this.startedAt, this.#limitMs, readClock(this.#clock))
  }

  clear(): void {
    this.#isCleared = true
    this.#clock.clearTimeout(this.timer)
  }
}
