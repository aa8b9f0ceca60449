import type { Failure } from '../failure.js'
import type { Instant } from '../support/clock.js'
import { CoolDown } from './cool-down.js'

/** Stands for one admission: which cool-down it came after, and how a probe is ended. */
export interface Admission {
  readonly coolDowns: number
  readonly isProbe: boolean
  /** Lets those go on who waited for this probe. To be called after its verdict. */
  leave(): void
}

/** What a request of a client has to wait for, or the failure that refuses it. */
export type Obstacle =
  | { readonly refusal: Failure }
  | { readonly heldMs: number; readonly refusal: Failure }
  | { readonly probe: Promise<void> }

/**
 * Whether one client's requests may be sent: none during its cool-down, one alone after it, none before the time that
 * `Retry-After` asked for. With fixed credentials all accounts share it; with a `credentials` function each has its own.
 */
export class ClientGate {
  readonly coolDown = new CoolDown()
  #coolDowns = 0
  #probe: Promise<void> | undefined
  #held: { readonly untilMs: number; readonly failure: Failure } | undefined

  /** What stands in the way of a request now. Ask again after every wait. */
  obstacle(now: Instant, admission?: Admission): Obstacle | undefined {
    const pause = this.coolDown.pause(now)
    if (pause !== undefined) return { refusal: pause.failure }
    if (this.#held !== undefined && this.#held.untilMs > now.monotonicMs) {
      return { heldMs: this.#held.untilMs - now.monotonicMs, refusal: this.#held.failure }
    }
    if (this.#probe !== undefined && !admission?.isProbe) return { probe: this.#probe }
    return undefined
  }

  /** Lets a request pass. The first one after a cool-down is the probe, for which all others wait. */
  admit(): Admission {
    const isProbe = this.coolDown.consecutiveFailures > 0
    let leave = () => {}
    if (isProbe) {
      this.#probe = new Promise((resolve) => {
        leave = () => {
          this.#probe = undefined
          resolve()
        }
      })
    }
    return { coolDowns: this.#coolDowns, isProbe, leave }
  }

  /** Nobody sends a request before the time that was asked for, though the acquisition goes on. */
  hold(failure: Failure, forMs: number, now: Instant): void {
    const untilMs = now.monotonicMs + forMs
    if (untilMs > (this.#held?.untilMs ?? 0)) this.#held = { untilMs, failure }
  }

  /** A verdict of an acquisition that was admitted, or that failed before it was. */
  failed(failure: Failure, admission: Admission | undefined, now: Instant): void {
    // A request that was in flight when the cool-down began says nothing new.
    if (admission !== undefined && admission.coolDowns !== this.#coolDowns) {
      this.coolDown.extend(failure, now)
      return
    }
    this.#coolDowns++
    this.coolDown.add(failure, now)
  }

  /** A token was issued: to a request that was admitted, or to another member of a fleet. */
  succeeded(admission: Admission | undefined, issuedAt: Instant, now: Instant): void {
    const isProof =
      admission === undefined
        ? this.coolDown.pause(now) === undefined && issuedAt.monotonicMs > this.coolDown.failedAtMs
        : admission.coolDowns === this.#coolDowns
    if (isProof) this.coolDown.end()
  }
}
