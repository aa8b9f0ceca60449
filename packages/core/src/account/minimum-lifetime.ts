import type { Instant } from '../support/clock.js'
import type { Life } from '../token/lifetime.js'

/** For callers who ask for a token with more life left than the cached one has, a request may start once in this time. */
const RENEWAL_INTERVAL_MS = 5_000

/** Whether a request may start for such a caller. `lastStartMs` is when the account last asked, by the monotonic clock. */
export function mayRenew({ issuedAt }: Life, lastStartMs: number, now: Instant): boolean {
  return now.monotonicMs - Math.max(lastStartMs, issuedAt.monotonicMs) >= RENEWAL_INTERVAL_MS
}

/** Whether a token was issued so shortly before an acquisition began that such a caller gets it, whatever it has left. */
export function isNewest(issuedAt: Instant, { startedAtMs }: { readonly startedAtMs: number }): boolean {
  return startedAtMs - issuedAt.monotonicMs < RENEWAL_INTERVAL_MS
}
