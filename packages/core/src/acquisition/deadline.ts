import { type Failure, toFailure } from '../failure.js'
import { abortable } from '../support/abortable.js'
import { holdProcess } from '../support/background-timer.js'
import type { Clock } from '../support/clock.js'
import { sleep } from '../support/sleep.js'
import { TimeLimit } from './time-limit.js'

/** The end of an acquisition: its deadline, or an earlier `end()`. All that it waits for ends with it. */
export class Deadline {
  readonly #clock: Clock
  readonly #ended = new AbortController()
  readonly #limit: TimeLimit

  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock
    this.#limit = new TimeLimit(clock, deadlineMs, (failure) => this.end(failure))
  }

  /** Aborts at the end. Its reason is the failure with which the acquisition has ended. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  get leftMs(): number {
    return this.#limit.leftMs
  }

  /** Whether the deadline has passed for so long that the process must have stood still. */
  get isLate(): boolean {
    return this.#limit.isLate
  }

  end(failure: Failure): void {
    this.#ended.abort(failure)
  }

  /** Sets whether the process stays alive until the deadline. */
  holdProcess(hold: boolean): void {
    holdProcess(this.#limit.timer, hold)
  }

  clear(): void {
    this.#limit.clear()
  }

  /** The result of `work`, or the failure with which the acquisition has ended meanwhile. Never rejects. */
  inTime<T>(work: Promise<T>): Promise<T | Failure> {
    return abortable(work, this.signal).catch(toFailure)
  }

  /** Resolves after `delayMs`, or at the end. */
  sleep(delayMs: number): Promise<void> {
    return sleep(this.#clock, delayMs, this.signal)
  }
}
