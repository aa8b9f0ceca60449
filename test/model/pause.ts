import type { Instant } from './rules.js'

/** How a request failed, as far as what may follow depends on it. */
export interface Failed {
  readonly remedy: 'retry' | 'reload' | 'wait'
  /** What `Retry-After` asked for, if it was sent. */
  readonly retryAfterMs?: number | undefined
}

const NEVER = Number.NEGATIVE_INFINITY
const CAP_MS = 30_000
const REFUSED_MS = 60_000
const RETRY_AFTER_CAP_MS = 300_000

/**
 * What is known from outside of the cool-downs of a client, or of an account whose refreshes in the background fail:
 * when the present one ends at the earliest and at the latest. Half of its length is random, and now and then nobody
 * outside can tell whether it has begun.
 */
export class PauseRules {
  /** Failures in a row: this many at least, and at most. */
  readonly failures = { least: 0, most: 0 }
  /** Cool-downs that have begun: this many at least, and at most. */
  readonly begun = { least: 0, most: 0 }
  readonly #untilMs = { least: NEVER, most: NEVER }
  #refusedAt: Instant | undefined
  #askedUntilMs = NEVER

  /** When the last refusal was, if one is the reason of the pause: it ends with a token that served. */
  get refusedAt(): Instant | undefined {
    return this.#refusedAt
  }

  /** Until when `Retry-After` forbids every request. Nothing shortens that. */
  get askedUntilMs(): number {
    return this.#askedUntilMs
  }

  /** Until when no request may start. */
  get leastUntilMs(): number {
    return this.#untilMs.least
  }

  /** From when on nobody may be refused any more. */
  get mostUntilMs(): number {
    return Math.max(this.#untilMs.most, this.#askedUntilMs)
  }

  asked({ retryAfterMs = 0 }: Failed, now: Instant): void {
    const forMs = Math.min(RETRY_AFTER_CAP_MS, retryAfterMs)
    this.#askedUntilMs = Math.max(this.#askedUntilMs, now.monotonicMs + forMs)
  }

  /** One more failure. Where it is not certain that it counts, it may only excuse a refusal. */
  begin({ remedy }: Failed, now: Instant, isCertain: boolean): void {
    const [leastMs, mostMs] =
      remedy === 'retry'
        ? [stepMs(this.failures.least) / 2, stepMs(this.failures.most)]
        : [REFUSED_MS, REFUSED_MS]
    this.failures.most++
    this.begun.most++
    this.#untilMs.most = Math.max(this.#untilMs.most, now.monotonicMs + mostMs)
    if (!isCertain) return
    this.failures.least++
    this.begun.least++
    // That of a refusal may have ended early, with a token that served. The request that failed now came after it.
    const earlierMs = this.#refusedAt === undefined ? this.#untilMs.least : NEVER
    this.#untilMs.least = Math.max(earlierMs, now.monotonicMs + leastMs)
    this.#refusedAt = remedy === 'retry' ? undefined : now
  }

  /** A success has ended it; where that is not certain, it forbids nothing any more. */
  end(isCertain: boolean): void {
    this.failures.least = 0
    this.#untilMs.least = NEVER
    if (!isCertain) return
    this.failures.most = 0
    this.#untilMs.most = NEVER
  }
}

function stepMs(failures: number): number {
  return Math.min(CAP_MS, 1_000 * 2 ** failures)
}
