import type { Acquired } from '../acquisition/acquired.js'
import { ageMs, type Instant } from '../support/clock.js'
import { leftMs, marginMsOf, usableMs } from '../token/lifetime.js'
import type { CachedToken } from './cached-token.js'
import { isNewest } from './minimum-lifetime.js'

/** The token to cache: the new one, unless it is not usable, or the previous one lives longer and was not rejected. */
export function betterToken(
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
  wanted: Wanted,
  expiryMarginMs: number,
  now: Instant
): boolean {
  const { minimumLifetimeMs, isReplacement } = wanted
  const lifetimeMs = expiresIn * 1000
  const nextMs = leftMs({ lifetimeMs, issuedAt }, now)
  // What another member has just fetched is the newest token, whatever it has left.
  const isNew = isNewest(issuedAt, wanted)
  const leastMs = isNew ? 0 : minimumLifetimeMs
  if (nextMs < Math.max(marginMsOf(lifetimeMs, expiryMarginMs), leastMs)) return false
  if (cached === undefined) return true
  const isYounger = ageMs(issuedAt, now) < ageMs(cached.issuedAt, now)
  // What the fleet got after a rejected token replaces it, however long either of them lives.
  if (isReplacement) return isYounger
  // The endpoint may send the same token again.
  if (accessToken === cached.token.accessToken) return isNew && isYounger
  // A refresh takes no token that ends soon itself: it would be refreshed, or lapse, before anybody has used it.
  const endsSoon = minimumLifetimeMs === 0 && nextMs < lifetimeMs / 2
  return nextMs > leftMs(cached, now) && !endsSoon
}
