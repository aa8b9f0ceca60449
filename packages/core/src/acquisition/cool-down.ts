import type { Failure } from '../failure.js'
import type { Instant } from '../support/clock.js'

const COOL_DOWN_BASE_MS = 1_000
const COOL_DOWN_CAP_MS = 30_000
const REFUSED_COOL_DOWN_MS = 60_000

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

/**
 * How long callers are refused after a failed acquisition: doubling from a second, half of it fixed and half
 * random; a minute where only a human can mend it; never less than the endpoint asked for.
 */
export function coolDownMs(failure: Failure, earlierFailures: number, random: number): number {
  const doubledMs = Math.min(COOL_DOWN_CAP_MS, COOL_DOWN_BASE_MS * 2 ** earlierFailures)
  const ownMs = failure.remedy === 'retry' ? (doubledMs * (1 + random)) / 2 : REFUSED_COOL_DOWN_MS
  return Math.max(ownMs, failure.retryAfterMs ?? 0)
}
