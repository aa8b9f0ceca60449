import { type Failure, TIMED_OUT, WAITED_IN_VAIN } from '../failure.js'
import { type Clock, readClock } from '../support/clock.js'
import type { Admission, ClientGate } from './client-gate.js'
import type { Deadline } from './deadline.js'
import type { Places } from './places.js'

/** The way of one acquisition to the endpoint: past the client's gate, and to one of the provider's places. */
export class Entrance {
  /** The admission by the client's gate, once it has one. */
  admission: Admission | undefined
  readonly #clock: Clock
  readonly #gate: ClientGate
  readonly #places: Places
  #hasPlace = false
  /** The deadline of the last wait for a place that got none. */
  #queuedUnder: Deadline | undefined

  constructor(clock: Clock, gate: ClientGate, places: Places) {
    this.#clock = clock
    this.#gate = gate
    this.#places = places
  }

  /**
   * Waits until a request may be sent. Being refused here, or running out of time, is no verdict: it starts no
   * cool-down.
   */
  async enter(deadline: Deadline): Promise<Failure | undefined> {
    for (;;) {
      const obstacle = this.#gate.obstacle(readClock(this.#clock), this.admission)
      let wait: Promise<unknown>
      if (deadline.leftMs <= 0) {
        // The timer of the deadline is due. It ends the wait, and knows whether the process stood still.
        wait = new Promise(() => {})
      } else if (obstacle === undefined) {
        if (this.#hasPlace) break
        wait = this.takePlace(deadline)
      } else if ('probe' in obstacle) {
        wait = obstacle.probe
      } else if ('heldMs' in obstacle && obstacle.heldMs < deadline.leftMs) {
        wait = deadline.sleep(obstacle.heldMs)
      } else {
        return { ...obstacle.failure, isVerdict: false }
      }
      await deadline.inTime(wait)
      const { aborted, reason } = deadline.signal
      if (aborted) return reason === TIMED_OUT ? WAITED_IN_VAIN : reason
    }
    if (this.admission === undefined || !this.#gate.isCurrent(this.admission)) {
      // Others have begun a cool-down since. It is admitted again, like a new acquisition, and may be the probe.
      this.admission?.leave()
      this.admission = this.#gate.admit()
    }
    return undefined
  }

  /** Resolves once this acquisition has a place, or has ended without one. Never rejects. */
  async takePlace(deadline: Deadline): Promise<void> {
    if (this.#hasPlace) return
    this.#queuedUnder = deadline
    if (!(await this.#places.take(deadline.signal))) return
    this.#hasPlace = true
    this.#queuedUnder = undefined
  }

  /** Whether it ended while it waited for a place. That is no verdict. */
  waitedInVain({ signal }: Deadline): boolean {
    return signal.reason === TIMED_OUT && this.#queuedUnder?.signal === signal
  }

  leavePlace(): void {
    if (this.#hasPlace) this.#places.release()
    this.#hasPlace = false
  }

  /** Lets others in. Call it after the verdict is recorded, because they look at it. */
  leave(): void {
    this.admission?.leave()
    this.leavePlace()
  }
}
