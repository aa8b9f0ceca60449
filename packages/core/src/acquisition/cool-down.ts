import type { Failure } from '../failure.js'
import { type Instant, NEVER } from '../support/clock.js'

const COOL_DOWN_BASE_MS = 1_000
const COOL_DOWN_CAP_MS = 30_000
const REFUSED_COOL_DOWN_MS = 60_000

/** Why no request may start, and for how long. */
export interface Pause {
  readonly failure: Failure
  readonly leftMs: number
}

/** By its own property: a polluted prototype must not turn an acquisition into a pause. */
export function isPause(value: object): value is Pause {
  return Object.hasOwn(value, 'failure')
}

/** The cool-down of an account or a client: until when it sends no request, and why. */
export class CoolDown {
  #failure: Failure | undefined
  #consecutiveFailures = 0
  #beganAt: Instant | undefined
  #untilMs = NEVER
  /** The time that `Retry-After` asked for, in monotonic milliseconds. Nothing shortens it. */
  #askedUntilMs = NEVER

  /** The failure behind the last pause, until `end()`. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  /** How many failures there were since the last success. Each but the first makes the pause longer. */
  get consecutiveFailures(): number {
    return this.#consecutiveFailures
  }

  /** When the last pause began, in monotonic milliseconds. */
  get beganAtMs(): number {
    return this.#beganAt?.monotonicMs ?? NEVER
  }

  /**
   * What is left of the pause. `servesForMs` is how long the account's cached token may still be handed out: the pause
   * after a lasting failure ends with it, so that the account asks again as soon as it has no token.
   */
  pause(now: Instant, servesForMs = Number.POSITIVE_INFINITY): Pause | undefined {
    const untilMs = this.#isLasting
      ? Math.max(this.#askedUntilMs, Math.min(this.#untilMs, now.monotonicMs + servesForMs))
      : this.#untilMs
    const leftMs = untilMs - now.monotonicMs
    return leftMs > 0 ? { failure: this.#failure as Failure, leftMs } : undefined
  }

  /** Adds a failure and starts a pause, which is longer the more failures there were. */
  add(failure: Failure, now: Instant): void {
    this.#failure = failure
    this.#beganAt = now
    this.#untilMs = now.monotonicMs + coolDownMs(failure, this.#consecutiveFailures++, Math.random())
    this.extend(failure, now)
  }

  /**
   * Lengthens the pause by the `Retry-After` of a failure, without another step of the schedule. Returns whether there is
   * a pause now that ends later than before.
   */
  extend(failure: Failure, now: Instant): boolean {
    const askedUntilMs = now.monotonicMs + (failure.retryAfterMs ?? 0)
    const isLonger = askedUntilMs > Math.max(this.#untilMs, now.monotonicMs)
    if (this.pause(now) === undefined) {
      this.#failure = failure
      if (isLonger) this.#beganAt = now
    }
    this.#askedUntilMs = Math.max(this.#askedUntilMs, askedUntilMs)
    this.#untilMs = Math.max(this.#untilMs, askedUntilMs)
    return isLonger
  }

  /**
   * The token reached its hard line. Ends a lasting pause that began while it was still valid: the account must ask again.
   */
  shorten(wasValidAt: (then: Instant) => boolean, now: Instant): void {
    if (this.#beganAt === undefined || !this.#isLasting || !wasValidAt(this.#beganAt)) return
    this.#untilMs = Math.max(this.#askedUntilMs, Math.min(this.#untilMs, now.monotonicMs))
  }

  /** Ends the cool-down after a success. */
  end(): void {
    this.#failure = undefined
    this.#consecutiveFailures = 0
    this.#untilMs = this.#askedUntilMs = NEVER
  }

  /** Whether another attempt cannot help: only other credentials or time can. */
  get #isLasting(): boolean {
    return this.#failure !== undefined && this.#failure.remedy !== 'retry'
  }
}

/**
 * The length of a cool-down, without `Retry-After`. It doubles from one second to 30, half of it fixed and half random.
 * It is 60 s where only a human can solve the problem. `random` is from 0 to 1.
 */
export function coolDownMs({ remedy }: Failure, earlierFailures: number, random: number): number {
  const doubledMs = Math.min(COOL_DOWN_CAP_MS, COOL_DOWN_BASE_MS * 2 ** earlierFailures)
  return remedy === 'retry' ? (doubledMs * (1 + random)) / 2 : REFUSED_COOL_DOWN_MS
}
