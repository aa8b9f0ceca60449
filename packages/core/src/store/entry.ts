import type { Instant } from '../support/clock.js'

/** How far the clocks of two members may be apart. */
const CLOCK_SKEW_MS = 60_000

/** A token as it lies in a store, sealed: the fields of the wire, and what the rules of its life need. */
export interface Entry {
  readonly fields: {
    readonly access_token: string
    readonly access_token_id?: string
    readonly expires_in: number
  }
  /** By the clock of whoever wrote it. */
  readonly issuedAtMs: number
  /** How long before its issue the last replacement of a rejected token began. */
  readonly replacedBeforeMs?: number
}

/** Milliseconds that an entry's token has left: by the store's clock, and never more than its own date allows. */
export function leftMs(entry: Entry, ttlMs: number, now: Instant): number {
  const expiresAtMs = entry.issuedAtMs + entry.fields.expires_in * 1000
  return Math.min(ttlMs, entry.fields.expires_in * 1000, expiresAtMs - now.wallMs + CLOCK_SKEW_MS)
}

/** The entry that a text is, as far as its form tells; its fields are checked like an answer of the endpoint. */
export function parseEntry(text: string | undefined): Entry | undefined {
  if (text === undefined) return undefined
  try {
    const entry = JSON.parse(text) as Entry
    const { fields, issuedAtMs, replacedBeforeMs = 0 } = entry
    const isWhole = typeof fields?.expires_in === 'number' && isTime(issuedAtMs) && isTime(replacedBeforeMs)
    return isWhole ? entry : undefined
  } catch {
    return undefined
  }
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value)
}
