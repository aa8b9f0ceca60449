import type { Grant } from '../endpoint/parse.js'
import type { Instant } from '../support/clock.js'

/** A grant and the instant just before its request was sent. */
export interface Acquired extends Grant {
  readonly issuedAt: Instant
  /** Deletes the token from the fleet's store, if there is one. */
  readonly withdraw?: (() => void) | undefined
  /** When the last replacement of a rejected token in the fleet began, in monotonic milliseconds. */
  readonly replacedAtMs?: number | undefined
}
