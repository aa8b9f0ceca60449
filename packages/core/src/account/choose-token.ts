import type { Acquired } from '../acquisition/acquired.js'
import { ageMs, type Instant } from '../support/clock.js'
import { marginMsOf, usableMs } from '../token/lifetime.js'
import { type CachedToken, RENEWAL_INTERVAL_MS } from './cached-token.js'

/** The token to cache: the new one, unless it is not usable, or the previous one lives longer and was not rejected. */
export function chooseToken(
  next: CachedToken,
  previous: CachedToken | undefined,
  isReplacement: boolean,
  now: Instant
): CachedToken | undefined {
  const nextMs = usableMs(next, now)
  const isOther = previous !== undefined && previous.token.accessToken !== next.token.accessToken
  if (isOther && (nextMs < 0 || (!isReplacement && nextMs < usableMs(previous, now)))) return previous
  return nextMs < 0 ? undefined : next
}

/** What an acquisition wants of a token. */
interface Wanted {
  readonly startedAtMs: number
  readonly minimumLifetimeMs: number
  readonly isReplacement: boolean
}

/** Whether a token from the fleet's store is valid, and lives longer than the cached one or replaces it. */
export function isImprovement(
  { accessToken, expiresIn, issuedAt }: Acquired,
  cached: CachedToken | undefined,
  { startedAtMs, minimumLifetimeMs, isReplacement }: Wanted,
  expiryMarginMs: number,
  now: Instant
): boolean {
  const lifetimeMs = expiresIn * 1000
  const leftMs = lifetimeMs - ageMs(issuedAt, now)
  // What another member has just fetched is the newest token, whatever it has left.
  const isNewest = startedAtMs - issuedAt.monotonicMs < RENEWAL_INTERVAL_MS
  const leastMs = isNewest ? 0 : minimumLifetimeMs
  if (leftMs < Math.max(marginMsOf(lifetimeMs, expiryMarginMs), leastMs)) return false
  if (cached === undefined) return true
  const cachedAgeMs = ageMs(cached.issuedAt, now)
  // What the fleet got after a rejected token replaces it, however long either of them lives.
  if (isReplacement) return lifetimeMs - leftMs < cachedAgeMs
  // The endpoint may send the same token again.
  if (accessToken === cached.token.accessToken) return isNewest && lifetimeMs - leftMs < cachedAgeMs
  // A refresh takes no token that ends soon itself: it would be refreshed, or lapse, before anybody has used it.
  const endsSoon = minimumLifetimeMs === 0 && leftMs < lifetimeMs / 2
  return leftMs > cached.lifetimeMs - cachedAgeMs && !endsSoon
}
