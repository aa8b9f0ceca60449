const FIRST_BACK_OFF_MS = 1_000
const LONGEST_BACK_OFF_MS = 30_000
const LONGEST_ASKED_FOR_MS = 300_000

/**
 * How long the page leaves the route alone of its own accord: 1 s, doubled with each failure up to 30 s; half of it is
 * random.
 *
 * @param failures failures in a row, this one included
 * @param random from 0 to 1
 */
export const planBackOffMs = (failures: number, random: number): number => {
  const fullMs = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (failures - 1))
  return Math.ceil((fullMs * (1 + random)) / 2)
}

/** What `Retry-After` asks for: seconds or a date (RFC 9110 §10.2.3), at most 5 minutes; 0 for anything else. */
export const retryAfterMs = (header: string | null, nowMs: number): number => {
  const askedForMs = Number(header) * 1000 || Date.parse(`${header}`) - nowMs
  return askedForMs > 0 ? Math.min(LONGEST_ASKED_FOR_MS, askedForMs) : 0
}

/** How long the route is left alone: both run from the failure on, and the longer one counts. */
export const pauseMs = (backOffMs: number, askedForMs = 0): number => Math.max(backOffMs, askedForMs)
