import type { Pause } from '../acquisition/cool-down.js'
import { POINTLESS } from '../failure.js'
import { type Instant, NEVER } from '../support/clock.js'
import type { Life } from '../token/lifetime.js'

/** How long nothing is requested after a token that was no better than the last one, or was about to expire (rule 11). */
const POINTLESS_MS = 5_000

/** The time without requests because the endpoint sends the same token again, or one about to expire. */
export class SameTokenPause {
  beganAtMs = NEVER
  #untilMs = NEVER

  /** A token came that was issued at `issuedAt`. `isPointless` says that another request would bring no better one. */
  set(isPointless: boolean, issuedAt: Instant, now: Instant): void {
    this.beganAtMs = now.monotonicMs
    this.#untilMs = isPointless ? issuedAt.monotonicMs + POINTLESS_MS : NEVER
  }

  pause(now: Instant): Pause | undefined {
    const leftMs = this.#untilMs - now.monotonicMs
    return leftMs > 0 ? { failure: POINTLESS, leftMs } : undefined
  }
}

/** Whether the endpoint sent a token so close to its expiry that asking again at once would only repeat. */
export function isNearlyDead(next: Life, now: Instant): boolean {
  // The monotonic clock alone counts: if somebody sets the wall clock, that is not the endpoint's fault.
  const usedUpMs = now.monotonicMs - next.issuedAt.monotonicMs + next.marginMs
  return next.lifetimeMs - usedUpMs < POINTLESS_MS
}
