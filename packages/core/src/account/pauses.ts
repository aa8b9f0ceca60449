import type { Admission, ClientGate } from '../acquisition/client-gate.js'
import { CoolDown, type Pause } from '../acquisition/cool-down.js'
import { type Failure, NEARLY_DEAD } from '../failure.js'
import type { Instant } from '../support/clock.js'

/** The part of an acquisition that decides which requests its failure holds back. */
export interface Failed {
  readonly isAwaited: boolean
  readonly admission: Admission | undefined
}

/** All that holds back an account's next request: its own cool-down, its client's, and an endpoint with old tokens. */
export class Pauses {
  /** The cool-down after a failed background refresh. It holds back this account alone. */
  readonly #own = new CoolDown()
  readonly #gate: ClientGate
  /** Until then no request is made, because the endpoint sends the same token again, or one about to expire. */
  #pointlessUntilMs = Number.NEGATIVE_INFINITY

  constructor(gate: ClientGate) {
    this.#gate = gate
  }

  /** Why no request may start now, and for how long. If there are several reasons, the longest pause counts. */
  current(now: Instant, servesForMs: number | undefined): Pause | undefined {
    const pointlessMs = this.#pointlessUntilMs - now.monotonicMs
    return [
      this.#own.pause(now, servesForMs),
      this.#gate.coolDown.pause(now, servesForMs),
      pointlessMs > 0 ? { failure: NEARLY_DEAD, leftMs: pointlessMs } : undefined
    ].reduce((longest, pause) => ((pause?.leftMs ?? 0) > (longest?.leftMs ?? 0) ? pause : longest))
  }

  /** The cool-down that holds back this account longer, for the status. */
  longest(now: Instant, servesForMs: number | undefined): CoolDown {
    const client = this.#gate.coolDown
    const leftMs = (coolDown: CoolDown) => coolDown.pause(now, servesForMs)?.leftMs ?? 0
    const isOwn = leftMs(this.#own) > leftMs(client) || client.consecutiveFailures === 0
    return isOwn ? this.#own : client
  }

  /** Whether the next acquisition may make more than one attempt. After a failed background refresh it may not. */
  get mayRetry(): boolean {
    return this.#own.consecutiveFailures === 0
  }

  isPointless(now: Instant): boolean {
    return this.#pointlessUntilMs > now.monotonicMs
  }

  /** Starts a cool-down: the client's, or this account's own after a background refresh that was not refused. */
  failed(failure: Failure, { isAwaited, admission }: Failed, now: Instant): void {
    if (failure.isVerdict === false) return
    const isOwn = !isAwaited && !admission?.isProbe && failure.remedy !== 'reload' && !failure.retryAfterMs
    if (isOwn) this.#own.add(failure, now)
    else this.#gate.failed(failure, admission, now)
  }

  /** Ends the cool-downs. `pointlessUntilMs` is given if the new token is no better than the last one. */
  succeeded(
    admission: Admission | undefined,
    issuedAt: Instant,
    now: Instant,
    pointlessUntilMs = Number.NEGATIVE_INFINITY
  ): void {
    this.#own.end()
    this.#gate.succeeded(admission, issuedAt, now)
    this.#pointlessUntilMs = pointlessUntilMs
  }

  /** Ends the pause of a refusal that began while a token was valid, because that token has reached its hard line. */
  lapsed(served: (then: Instant) => boolean, now: Instant): void {
    this.#own.shorten(served, now)
    this.#gate.coolDown.shorten(served, now)
  }
}
