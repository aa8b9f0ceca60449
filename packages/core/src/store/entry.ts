import type { Instant } from '../support/clock.js'

/** How far apart the clocks of two members may be. */
const CLOCK_SKEW_MS = 60_000

/** What a sealed entry in a store contains: the fields of the token response, and what the rules of its life need. */
export interface Entry {
  readonly fields: {
    readonly access_token: string
    readonly access_token_id?: string
    readonly expires_in: number
  }
  /** By the wall clock of the member that wrote it. */
  readonly issuedAtMs: number
  /** How long before the issue of this token the last replacement of a rejected token began. */
  readonly replacedBeforeMs?: number
}

/** Milliseconds that the token of an entry has left: what the store's clock says, limited by its own expiry date. */
export function leftMs(entry: Entry, ttlMs: number, now: Instant): number {
  const expiresAtMs = entry.issuedAtMs + entry.fields.expires_in * 1000
  return Math.min(ttlMs, entry.fields.expires_in * 1000, expiresAtMs - now.wallMs + CLOCK_SKEW_MS)
}

/** Parses an entry and checks its form. Its fields are checked later, like those of a token response. */
export function parseEntry(text: string | undefined): Entry | undefined {
  try {
    const entry = JSON.parse(String(text)) as Entry
    const { fields, issuedAtMs, replacedBeforeMs } = entry
    const isWhole =
      typeof fields.expires_in === 'number' &&
      isTime(issuedAtMs) &&
      (replacedBeforeMs === undefined || isTime(replacedBeforeMs))
    return isWhole ? entry : undefined
  } catch {
    return undefined
  }
}

function isTime(value: number): boolean {
  return Number.isFinite(value) && value >= 0
}
