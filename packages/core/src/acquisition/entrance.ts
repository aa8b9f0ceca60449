import { type Failure, TIMED_OUT, WAITED_IN_VAIN } from '../failure.js'
import { type Clock, readClock } from '../support/clock.js'
import type { Admission, ClientGate, HeldBack, Obstacle } from './client-gate.js'
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
  /** The deadline of the wait in progress. It stays here if the time ran out during that wait. */
  #waitsUnder: Deadline | undefined

  constructor(clock: Clock, gate: ClientGate, places: Places) {
    this.#clock = clock
    this.#gate = gate
    this.#places = places
  }

  /** Admits one request, as soon as it may be sent. */
  enter(deadline: Deadline): Promise<Failure | undefined> {
    return this.#pass(deadline, () => this.#admit())
  }

  /** Waits until a request may be sent, and takes a place for it. Never rejects. */
  async wait(deadline: Deadline): Promise<Failure | undefined> {
    // After a freeze, a run that has ended can still come here, beside the one that follows it.
    const { aborted, reason } = deadline.signal
    return aborted ? reason : this.#pass(deadline, () => {})
  }

  /** Whether a request would have to wait now, for a probe or for the time that `Retry-After` asked for. */
  hasToWait(deadline: Deadline): boolean {
    const obstacle = this.#gate.obstacle(readClock(this.#clock), this.admission)
    return obstacle !== undefined && ('probe' in obstacle || canWait(obstacle, deadline))
  }

  /** Whether time ran out while it waited here. */
  waitedInVain(deadline: Deadline): boolean {
    return deadline.signal.reason === TIMED_OUT && this.#waitsUnder === deadline
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

  /**
   * Waits until nothing holds back the client and there is a place, and calls `passed` in that very moment. Being refused
   * here, or running out of time, is no verdict: it starts no cool-down.
   */
  async #pass(deadline: Deadline, passed: () => void): Promise<Failure | undefined> {
    this.#waitsUnder = deadline
    const failure = await this.#waitInTime(deadline, passed)
    // After a freeze, another wait may have begun under another deadline.
    if (failure !== WAITED_IN_VAIN && this.#waitsUnder === deadline) this.#waitsUnder = undefined
    return failure
  }

  async #waitInTime(deadline: Deadline, passed: () => void): Promise<Failure | undefined> {
    for (;;) {
      const obstacle = this.#gate.obstacle(readClock(this.#clock), this.admission)
      let wait: Promise<unknown>
      if (deadline.leftMs <= 0) {
        // The timer of the deadline is due. It ends the wait, and knows whether the process stood still.
        wait = new Promise(() => {})
      } else if (obstacle === undefined) {
        if (this.#hasPlace) {
          passed()
          return undefined
        }
        wait = this.#takePlace(deadline)
      } else if ('probe' in obstacle) {
        wait = obstacle.probe
      } else if (canWait(obstacle, deadline)) {
        wait = deadline.sleep(obstacle.heldMs)
      } else {
        return { ...obstacle.failure, isVerdict: false }
      }
      await deadline.inTime(wait)
      const { aborted, reason } = deadline.signal
      if (aborted) return reason === TIMED_OUT ? WAITED_IN_VAIN : reason
    }
  }

  async #takePlace({ signal }: Deadline): Promise<void> {
    if (await this.#places.take(signal)) this.#hasPlace = true
  }

  #admit(): void {
    if (this.admission !== undefined && this.#gate.isCurrent(this.admission)) return
    // Others have begun a cool-down since. It is admitted again, like a new acquisition, and may be the probe.
    this.admission?.leave()
    this.admission = this.#gate.admit()
  }
}

function canWait(obstacle: Obstacle, { leftMs }: Deadline): obstacle is HeldBack {
  return 'heldMs' in obstacle && obstacle.heldMs < leftMs
}
