/** What the token of an INVITE was worth. */
export type TokenVerdict =
  | 'valid'
  /** There was no Bearer token. */
  | 'missing'
  /** It is none that this emulator has signed. */
  | 'invalid'
  | 'expired'
  | 'revoked'

/** A request that came in, over HTTP or, at the gateway, as SIP. It never holds a secret or a token. */
export interface ReceivedRequest {
  readonly method: string
  /** Without the query; of a SIP request its URI, such as `sip:+15551234567@example.com`. */
  readonly path: string
  /** The client id of the Basic authentication, if there was one to be read. */
  readonly clientId: string | undefined
  /** Whether the secret sent was the right one; `false` if none was sent. */
  readonly secretCorrect: boolean
  /** The scope asked for, if any; known once the body is there. */
  readonly scope: string | undefined
  /** The status answered; `undefined` until then, and for ever where a fault withholds it. */
  readonly status: number | undefined
  /** Of a SIP INVITE that begins a call; of anything else `undefined`, as is what follows. */
  readonly verdict?: TokenVerdict | undefined
  /** The id (`jti`) of its token, if this emulator has signed it. */
  readonly accessTokenId?: string | undefined
}

/** The same, while it is being answered. */
export type Entry = { -readonly [Key in keyof ReceivedRequest]: ReceivedRequest[Key] }

/** Enough for any test, and a bound for an emulator that runs for weeks. */
const capacity = 10_000

export function record(received: Entry[], entry: Entry): Entry {
  if (received.length === capacity) received.shift()
  received.push(entry)
  return entry
}
