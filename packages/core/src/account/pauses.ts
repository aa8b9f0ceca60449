import type { Admission, ClientGate } from '../acquisition/client-gate.js'
import { CoolDown, type Pause } from '../acquisition/cool-down.js'
import { type Failure, NEARLY_DEAD } from '../failure.js'
import type { Instant } from '../support/clock.js'

/** What tells whom the failure of an acquisition holds back. */
export interface Failed {
  readonly isAwaited: boolean
  readonly admission: Admission | undefined
}

/** Everything that holds back an account's next request: its own cool-down, its client's, and a pointless endpoint. */
export class Pauses {
  /** Of refreshes in the background that failed: they hold back this account alone. */
  readonly #own = new CoolDown()
  readonly #gate: ClientGate
  /** Until when no request is made because the endpoint sends the same or a nearly dead token. */
  #pointlessUntilMs = Number.NEGATIVE_INFINITY

  constructor(gate: ClientGate) {
    this.#gate = gate
  }

  /** Why no request may start now, and for how long: the longest of the reasons. */
  current(now: Instant, servesForMs: number | undefined): Pause | undefined {
    const pointlessMs = this.#pointlessUntilMs - now.monotonicMs
    return [
      this.#own.pause(now, servesForMs),
      this.#gate.coolDown.pause(now, servesForMs),
      pointlessMs > 0 ? { failure: NEARLY_DEAD, leftMs: pointlessMs } : undefined
    ].reduce((longest, pause) => ((pause?.leftMs ?? 0) > (longest?.leftMs ?? 0) ? pause : longest))
  }

  /** The cool-down that ends last, for the status. */
  get longest(): CoolDown {
    return this.#own.untilMs > this.#gate.coolDown.untilMs ? this.#own : this.#gate.coolDown
  }

  /** Whether the next acquisition may make more than one attempt: none does after a failure of the account's own. */
  get mayRetry(): boolean {
    return this.#own.consecutiveFailures === 0
  }

  isPointless(now: Instant): boolean {
    return this.#pointlessUntilMs > now.monotonicMs
  }

  /** Holds back the whole client, or only this account if the failed refresh was in the background and not refused. */
  failed(failure: Failure, { isAwaited, admission }: Failed, now: Instant): void {
    if (failure.isVerdict === false) return
    const isOwn =
      !isAwaited && !admission?.isProbe && failure.remedy !== 'reload' && failure.retryAfterMs === undefined
    if (isOwn) this.#own.add(failure, now)
    else this.#gate.failed(failure, admission, now)
  }

  /** `pointlessUntilMs` is set where the new token is no better than the one before it. */
  succeeded(admission: Admission | undefined, pointlessUntilMs = Number.NEGATIVE_INFINITY): void {
    this.#own.end()
    if (admission !== undefined) this.#gate.succeeded(admission)
    this.#pointlessUntilMs = pointlessUntilMs
  }

  /** A token has lapsed: a refusal that began while it served no longer keeps its callers from asking. */
  lapsed(served: (then: Instant) => boolean, now: Instant): void {
    this.#own.shorten(served, now)
    this.#gate.coolDown.shorten(served, now)
  }
}
