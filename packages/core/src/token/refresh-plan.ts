import { ageMs, type Instant } from '../support/clock.js'
import { type Life, usableMs } from './lifetime.js'

/** No token is refreshed sooner, however short its lifetime (rule 11). */
const LEAST_REFRESH_AGE_MS = 5_000

/** The life of a token with its refresh instant. */
export interface PlannedLife extends Life {
  /** The age at which it is refreshed. */
  readonly refreshAgeMs: number
}

/**
 * The age at which a token is refreshed. Bandwidth's page says to replace a token 10 to 30 seconds before it expires: the
 * instant lies between the soft line and half of the way to the hard line, which is at `marginMs`. A short lifetime
 * shrinks both. `random`, from 0 to 1, sets the instant, so that the servers of a fleet do not all refresh at the same
 * time.
 */
export function refreshAgeMsOf(
  lifetimeMs: number,
  { marginMs, refreshAheadMs }: { readonly marginMs: number; readonly refreshAheadMs: number },
  random: number
): number {
  const softMs = Math.max(marginMs, Math.min(refreshAheadMs, lifetimeMs / 4))
  // Whole milliseconds take less memory.
  const ageMs = Math.floor(lifetimeMs - softMs + (random * (softMs - marginMs)) / 2)
  return Math.max(ageMs, LEAST_REFRESH_AGE_MS)
}

/** Whether the refresh instant of the token has come. */
export function isDue(life: PlannedLife, now: Instant): boolean {
  return ageMs(life.issuedAt, now) >= life.refreshAgeMs
}

/** Until when callers get the token without another check, by the wall clock. The timer ends it earlier if need be. */
export function hotUntilMs({ issuedAt, refreshAgeMs, lifetimeMs, marginMs }: PlannedLife): number {
  return issuedAt.wallMs + Math.min(refreshAgeMs, lifetimeMs - marginMs)
}

/**
 * Milliseconds until the token needs something without a caller: to be refreshed, to be refreshed again after a failure,
 * or to be dropped at its hard line. `retryInMs` is the time until that second refresh, if there is to be one.
 */
export function nextWakeMs(life: PlannedLife, retryInMs: number | undefined, now: Instant): number {
  const untilLapseMs = usableMs(life, now) + 1
  const untilRefreshMs = life.refreshAgeMs - ageMs(life.issuedAt, now)
  return Math.min(untilRefreshMs > 0 ? untilRefreshMs : (retryInMs ?? untilLapseMs), untilLapseMs)
}
