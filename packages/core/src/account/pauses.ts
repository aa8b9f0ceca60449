import type { Admission, ClientGate } from '../acquisition/client-gate.js'
import { CoolDown, type Pause } from '../acquisition/cool-down.js'
import type { Failure } from '../failure.js'
import type { PauseWatch } from '../observe/pause-watch.js'
import type { Instant } from '../support/clock.js'
import { SameTokenPause } from './same-token-pause.js'

/** The part of an acquisition that decides which requests its failure holds back. */
export interface Failed {
  readonly isAwaited: boolean
  readonly admission: Admission | undefined
}

/** What all accounts share that have never had a cool-down of their own, to save 100 bytes each. Nothing is added to it. */
const NO_COOL_DOWN = new CoolDown()

/** All that holds back an account's next request: its own cool-down, its client's, and an endpoint with old tokens. */
export class Pauses {
  /** The cool-down after a failed background refresh. It holds back this account alone. */
  #own = NO_COOL_DOWN
  readonly gate: ClientGate
  #pointless: SameTokenPause | undefined
  #hasRecovered = false
  readonly #account: string
  readonly #watch: PauseWatch

  constructor(gate: ClientGate, account: string, watch: PauseWatch) {
    this.gate = gate
    this.#account = account
    this.#watch = watch
  }

  /** Why no request may start now, and for how long. If there are several reasons, the longest pause counts. */
  current(now: Instant, servesForMs: number | undefined): Pause | undefined {
    // At the very instant of its hard line the token still serves, and the gate does not know of it: it would refuse.
    const holdsForMs = servesForMs === 0 ? 1 : servesForMs
    return [
      this.#own.pause(now, servesForMs),
      this.gate.coolDown.pause(now, holdsForMs),
      this.#pointless?.pause(now)
    ].reduce((longest, pause) => ((pause?.leftMs ?? 0) > (longest?.leftMs ?? 0) ? pause : longest))
  }

  /** The cool-down that holds back this account longer, for the status. */
  coolDownForStatus(now: Instant, servesForMs: number | undefined): CoolDown {
    const client = this.gate.coolDown
    const leftMs = (coolDown: CoolDown) => coolDown.pause(now, servesForMs)?.leftMs ?? 0
    const isOwn = leftMs(this.#own) > leftMs(client) || client.consecutiveFailures === 0
    return isOwn ? this.#own : client
  }

  /** Whether the last background refresh of this account failed. */
  get followsFailure(): boolean {
    return this.#own.consecutiveFailures > 0
  }

  /** Whether the last request of this account or of its client failed. */
  get isFailing(): boolean {
    return this.#own.consecutiveFailures > 0 || this.gate.coolDown.consecutiveFailures > 0
  }

  /** Whether the last success ended a series of failures. */
  get hasRecovered(): boolean {
    return this.#hasRecovered
  }

  isPointless(now: Instant): boolean {
    return this.#pointless?.pause(now) !== undefined
  }

  /**
   * Starts a cool-down. It is the client's, unless a background refresh failed in a way that says nothing of the others: it
   * was no probe, was not refused, and was not told when to come back. Then it is this account's own.
   */
  failed(failure: Failure, { isAwaited, admission }: Failed, now: Instant): void {
    if (failure.isVerdict === false) return
    const isOwn =
      !isAwaited && !admission?.isProbe && failure.remedy !== 'reload' && failure.retryAfterMs === undefined
    if (isOwn && this.#own === NO_COOL_DOWN) this.#own = new CoolDown()
    if (isOwn) this.#own.add(failure, now)
    else this.gate.failed(failure, admission, now)
  }

  /** Ends the cool-downs. `isPointless` says that another request now would bring no better token than this one. */
  succeeded(admission: Admission | undefined, issuedAt: Instant, isPointless: boolean, now: Instant): void {
    const wasFailing = this.isFailing
    this.#own.end()
    this.gate.succeeded(admission, issuedAt, now)
    if (isPointless) this.#pointless ??= new SameTokenPause()
    this.#pointless?.set(isPointless, issuedAt, now)
    this.#hasRecovered = wasFailing && !this.isFailing
  }

  /** The token reached its hard line. Ends the lasting pauses that began while it was still valid. */
  lapsed(wasValidAt: (then: Instant) => boolean, now: Instant): void {
    this.#own.shorten(wasValidAt, now)
    this.gate.coolDown.shorten(wasValidAt, now)
    this.publish(now)
  }

  /** Publishes which of them have begun or ended. Call it when the account is ready for a subscriber that calls it. */
  publish(now: Instant): void {
    this.#watch.look(this.#own, this.#account, 'account', now)
    this.#watch.look(this.gate.coolDown, this.#account, 'client', now)
    if (this.#pointless) this.#watch.look(this.#pointless, this.#account, 'account', now)
  }
}
