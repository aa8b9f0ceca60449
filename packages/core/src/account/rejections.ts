import type { Instant } from '../support/clock.js'
import type { CachedToken } from './cached-token.js'

const REPLACEMENT_INTERVAL_MS = 30_000
const NEVER = Number.NEGATIVE_INFINITY

/** What an account knows of tokens that peers rejected, and when it last replaced one. */
export class Rejections {
  /** The token that was rejected or invalidated last. It is not taken from the fleet's store again. */
  #rejected: string | undefined
  #lastReplacementMs = NEVER

  /** When the last replacement began, in this process or in the fleet, in monotonic milliseconds. */
  get lastReplacementMs(): number {
    return this.#lastReplacementMs
  }

  isKnown(accessToken: string): boolean {
    return accessToken === this.#rejected
  }

  add({ token }: CachedToken): void {
    this.#rejected = token.accessToken
  }

  replacementBegan(atMs: number): void {
    this.#lastReplacementMs = Math.max(this.#lastReplacementMs, atMs)
  }

  /** Whether the last replacement is long enough ago for another one. */
  mayReplace(now: Instant): boolean {
    return now.monotonicMs - this.#lastReplacementMs >= REPLACEMENT_INTERVAL_MS
  }
}
