import type { Failure } from '../failure.js'
import type { Instant } from '../support/clock.js'

const COOL_DOWN_BASE_MS = 1_000
const COOL_DOWN_CAP_MS = 30_000
const REFUSED_COOL_DOWN_MS = 60_000
const NEVER = Number.NEGATIVE_INFINITY

/** Why no request may start, and for how long. */
export interface Pause {
  readonly failure: Failure
  readonly leftMs: number
}

/** How long an account or a client leaves the token endpoint alone, and why. */
export class CoolDown {
  #failure: Failure | undefined
  #consecutiveFailures = 0
  #failedAtMs = NEVER
  #untilMs = NEVER
  /** What `Retry-After` asked for; nothing shortens that. */
  #askedUntilMs = NEVER

  /** The reason of the last pause, until `end()`. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  /** Failures since the last success; each but the first makes the pause longer. */
  get consecutiveFailures(): number {
    return this.#consecutiveFailures
  }

  /** When the last failure was, in monotonic milliseconds. */
  get failedAtMs(): number {
    return this.#failedAtMs
  }

  /** When it ends or ended, in monotonic milliseconds. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** What is left of it for an account whose token serves for `servesForMs` more. */
  pause(now: Instant, servesForMs = Number.POSITIVE_INFINITY): Pause | undefined {
    const untilMs = this.#isRefusal
      ? Math.max(this.#askedUntilMs, Math.min(this.#untilMs, now.monotonicMs + servesForMs))
      : this.#untilMs
    const leftMs = untilMs - now.monotonicMs
    return leftMs > 0 ? { failure: this.#failure as Failure, leftMs } : undefined
  }

  /** One more failure: the pause grows with their number. */
  add(failure: Failure, now: Instant): void {
    this.#failure = failure
    this.#failedAtMs = now.monotonicMs
    this.#untilMs = now.monotonicMs + coolDownMs(failure, this.#consecutiveFailures++, Math.random())
    this.extend(failure, now)
  }

  /** Obeys the `Retry-After` of a failure, without another step of the schedule. */
  extend(failure: Failure, now: Instant): void {
    const askedUntilMs = now.monotonicMs + (failure.retryAfterMs ?? 0)
    if (this.pause(now) === undefined) this.#failure = failure
    this.#askedUntilMs = Math.max(this.#askedUntilMs, askedUntilMs)
    this.#untilMs = Math.max(this.#untilMs, askedUntilMs)
  }

  /** A token that served has lapsed: a refusal must not keep its callers from asking once more. */
  shorten(now: Instant): void {
    if (this.#isRefusal)
      this.#untilMs = Math.max(this.#askedUntilMs, Math.min(this.#untilMs, now.monotonicMs))
  }

  /** A success ends it. */
  end(): void {
    this.#failure = undefined
    this.#consecutiveFailures = 0
    this.#untilMs = this.#askedUntilMs = NEVER
  }

  get #isRefusal(): boolean {
    return this.#failure !== undefined && this.#failure.remedy !== 'retry'
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
