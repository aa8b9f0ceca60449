import { type Failure, STOOD_STILL, TIMED_OUT } from '../failure.js'
import { type Clock, type Instant, readClock, setBackgroundTimeout } from '../support/clock.js'
import { ageMs } from '../token/lifetime.js'

/** A limit that comes due later than this says that the process stood still, and nothing about the endpoint. */
const LATE_MS = 1_000

/** A time limit that knows a frozen process, a suspended machine and a blocked event loop from a slow endpoint. */
export class TimeLimit {
  readonly startedAt: Instant
  readonly timer: unknown
  readonly #clock: Clock
  readonly #limitMs: number
  #isCleared = false

  /** Calls `end` once the time is up, with `TIMED_OUT` or, if that comes to light too late, `STOOD_STILL`. */
  constructor(clock: Clock, limitMs: number, end: (failure: Failure) => void) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.startedAt = readClock(clock)
    const due = () => {
      if (!this.isLate) end(TIMED_OUT)
      // Node runs timers before it reads sockets: an answer that arrived meanwhile is read within this turn.
      else setImmediate(() => this.#isCleared || end(STOOD_STILL))
    }
    this.timer = setBackgroundTimeout(clock, due, limitMs)
  }

  /** Milliseconds left until the timer is due. */
  get leftMs(): number {
    return this.startedAt.monotonicMs + this.#limitMs - this.#clock.monotonic()
  }

  /** Whether the time is up for longer than a timer may take, by either clock. */
  get isLate(): boolean {
    return ageMs(this.startedAt, readClock(this.#clock)) > this.#limitMs + LATE_MS
  }

  clear(): void {
    this.#isCleared = true
    this.#clock.clearTimeout(this.timer)
  }
}
