/** A request that came in. It never holds a secret or a token. */
export interface ReceivedRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** The client id of the Basic authentication, if there was one to be read. */
  readonly clientId: string | undefined
  /** Whether the secret sent was the right one; `false` if none was sent. */
  readonly secretCorrect: boolean
  /** The scope asked for, if any; known once the body is there. */
  readonly scope: string | undefined
  /** The status answered; `undefined` until then, and for ever where a fault withholds it. */
  readonly status: number | undefined
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
