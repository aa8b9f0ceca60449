import type { Grant } from '../endpoint/parse.js'
import type { Instant } from '../support/clock.js'

/** A grant and the instant just before its request was sent. */
export interface Acquired extends Grant {
  readonly issuedAt: Instant
  /** Where a fleet shares it: takes it out of the store. */
  readonly withdraw?: (() => void) | undefined
  /** When the fleet last began to replace a rejected token, in monotonic milliseconds. */
  readonly replacedAtMs?: number | undefined
}
