import type { Instant } from './clock.js'
import type { Failure } from './failure.js'
import { coolDownMs } from './retry.js'

/** How long an account leaves the token endpoint alone, and why. */
export class CoolDown {
  #failure: Failure | undefined
  #untilMs = Number.NEGATIVE_INFINITY
  #consecutiveFailures = 0

  /** The reason of the last pause, until `end()`. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  get consecutiveFailures(): number {
    return this.#consecutiveFailures
  }

  /** Milliseconds that are left; `undefined` where a request may be made. */
  leftMs(now: Instant): number | undefined {
    const leftMs = this.#untilMs - now.monotonicMs
    return leftMs > 0 ? leftMs : undefined
  }

  /** One more failure: the pause grows with their number. Returns its length in milliseconds. */
  add(failure: Failure, now: Instant): number {
    const forMs = coolDownMs(failure, this.#consecutiveFailures++, Math.random())
    this.#failure = failure
    this.#untilMs = now.monotonicMs + forMs
    return forMs
  }

  /** A success ends it, but for a pause that the token itself asks for. */
  end(pause?: { readonly failure: Failure; readonly untilMs: number }): void {
    this.#consecutiveFailures = 0
    this.#failure = pause?.failure
    this.#untilMs = pause?.untilMs ?? Number.NEGATIVE_INFINITY
  }
}
