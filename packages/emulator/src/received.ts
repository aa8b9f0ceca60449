/** The verdict on the token of an INVITE. */
export type TokenVerdict =
  | 'valid'
  /** There was no Bearer token. */
  | 'missing'
  /** This emulator did not sign it. */
  | 'invalid'
  | 'expired'
  | 'revoked'

/** Bandwidth's networks, by the names that the core's option `network` has for them. */
export type Network = 'global' | 'us'

/** A received request: HTTP, or SIP at the gateway. It never contains a secret or a token. */
export interface ReceivedRequest {
  readonly method: string
  /** The path without the query. For a SIP request its URI, such as `sip:+15551234567@example.com`. */
  readonly path: string
  /** The client id of the Basic authentication. `undefined` if it could not be read, or is the secret. */
  readonly clientId: string | undefined
  /** Whether the right secret was sent. */
  readonly secretCorrect: boolean
  /** The requested scope, if any. Known once the body has arrived. */
  readonly scope: string | undefined
  /** Whether the option `network` expects this scope. `undefined` without that option, and for all other requests. */
  readonly scopeCorrect?: boolean | undefined
  /** The status of the answer. `undefined` until it is sent; if a fault prevents that, for ever. */
  readonly status: number | undefined
  /** The verdict on the token of an INVITE that begins a call. `undefined` for all other requests. */
  readonly verdict?: TokenVerdict | undefined
  /** The id (`jti`) of its token, if this emulator has signed it. */
  readonly accessTokenId?: string | undefined
}

/** A received request whose answer is not sent yet. */
export type Entry = { -readonly [Key in keyof ReceivedRequest]: ReceivedRequest[Key] }

/** Enough for any test. It limits the memory of an emulator that runs for weeks. */
const capacity = 10_000

export function record(received: Entry[], entry: Entry): Entry {
  if (received.length === capacity) received.shift()
  received.push(entry)
  return entry
}
