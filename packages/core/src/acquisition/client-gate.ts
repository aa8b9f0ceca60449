import type { Failure } from '../failure.js'
import { type Instant, NEVER } from '../support/clock.js'
import { CoolDown } from './cool-down.js'

/** The admission of one acquisition: how many cool-downs had begun before it, and whether it is the probe. */
export interface Admission {
  readonly coolDowns: number
  readonly isProbe: boolean
  /** Wakes the acquisitions that wait for this probe. Call it after the verdict is recorded. */
  leave(): void
}

/** The time that `Retry-After` asked for is not over. */
export interface HeldBack {
  readonly heldMs: number
  readonly failure: Failure
}

/** What a request of the client has to wait for, or the failure with which it is refused. */
export type Obstacle = { readonly failure: Failure } | HeldBack | { readonly probe: Promise<void> }

/**
 * Decides whether requests of one client may be sent. During its cool-down, and before the time that `Retry-After`
 * asked for, none may. After a cool-down one request alone may: the probe.
 */
export class ClientGate {
  readonly coolDown = new CoolDown()
  #coolDowns = 0
  #probe: Promise<void> | undefined
  #held: { readonly untilMs: number; readonly failure: Failure } | undefined

  /** The obstacle for a request now, if there is one. Ask again after every wait. */
  obstacle(now: Instant, admission?: Admission): Obstacle | undefined {
    const pause = this.coolDown.pause(now)
    if (pause !== undefined) return { failure: pause.failure }
    if (this.#held !== undefined && this.#held.untilMs > now.monotonicMs) {
      const heldMs = this.#held.untilMs - now.monotonicMs
      return { heldMs, failure: { ...this.#held.failure, retryAfterMs: heldMs } }
    }
    if (this.#probe !== undefined && !admission?.isProbe) return { probe: this.#probe }
    return undefined
  }

  /** Admits a request. The first one after a cool-down is the probe; all others wait for it. */
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

  /** Whether no cool-down has begun since the admission. */
  isCurrent(admission: Admission): boolean {
    return admission.coolDowns === this.#coolDowns
  }

  /** Holds back all requests for the time that `Retry-After` asked for. The acquisition that was told goes on. */
  hold(failure: Failure, forMs: number, now: Instant): void {
    const untilMs = now.monotonicMs + forMs
    if (untilMs > (this.#held?.untilMs ?? NEVER)) this.#held = { untilMs, failure }
  }

  /**
   * Records the failure of an acquisition. It has no `admission` if it sent no request: another member of the fleet told
   * of the failure, the credentials could not be loaded, or time ran out.
   */
  failed(failure: Failure, admission: Admission | undefined, now: Instant): void {
    // Many accounts may be told of the same failure.
    const wasInFlight =
      admission === undefined ? this.coolDown.pause(now) !== undefined : !this.isCurrent(admission)
    if (wasInFlight && this.coolDown.consecutiveFailures > 0) {
      // The request was in flight when the cool-down began. Only its `Retry-After` counts, if it ends later.
      if (this.coolDown.extend(failure, now)) this.#coolDowns++
      return
    }
    this.#coolDowns++
    this.coolDown.add(failure, now)
  }

  /** Records a success. It ends the cool-down, unless its request was in flight when the cool-down began. */
  succeeded(admission: Admission | undefined, issuedAt: Instant, now: Instant): void {
    // Without an admission another member of the fleet had the success: it counts if it came after the last failure.
    const isProof =
      admission === undefined
        ? this.coolDown.pause(now) === undefined && issuedAt.monotonicMs > this.coolDown.beganAtMs
        : this.isCurrent(admission)
    if (isProof) this.coolDown.end()
  }
}

/**
 * Returns which gate an account has. With fixed credentials all accounts are one client to the endpoint, and share its
 * gate. With a `credentials` function each account is a client of its own.
 */
export function gatesOf({ isOneClient }: { readonly isOneClient: boolean }): () => ClientGate {
  const shared = new ClientGate()
  return () => (isOneClient ? shared : new ClientGate())
}
