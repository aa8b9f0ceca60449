import { createHash, timingSafeEqual } from 'node:crypto'

/** What an `Authorization` header contained, without the secret. */
export interface Credentials {
  /** `undefined` if there was no readable header. */
  readonly clientId: string | undefined
  readonly idCorrect: boolean
  readonly secretCorrect: boolean
}

interface Client {
  readonly clientId: string
  readonly clientSecret: string
}

const colon = 0x3a

/**
 * Reads HTTP Basic authentication as Bandwidth does: raw UTF-8, not percent-encoded, split at the first
 * colon. Compares bytes, so that decoding cannot make two different credentials equal.
 */
export function readCredentials(authorization: string | undefined, client: Client): Credentials {
  const encoded = /^basic +([a-z0-9+/]+=*) *$/i.exec(authorization ?? '')?.[1] ?? ''
  const bytes = Buffer.from(encoded, 'base64')
  const split = bytes.indexOf(colon)
  if (split === -1) return { clientId: undefined, idCorrect: false, secretCorrect: false }
  const clientId = bytes.subarray(0, split).toString()
  const idCorrect = equal(bytes.subarray(0, split), client.clientId)
  const secretCorrect = equal(bytes.subarray(split + 1), client.clientSecret)
  // If a client swaps the two, its id is the secret. Do not keep it: `received` shows ids.
  const isSecret = !idCorrect && clientId === client.clientSecret
  return { clientId: isSecret ? undefined : clientId, idCorrect, secretCorrect }
}

/** In constant time, whatever the lengths. */
function equal(sent: Buffer, expected: string): boolean {
  return timingSafeEqual(sha256(sent), sha256(expected))
}

function sha256(data: Buffer | string): Buffer {
  return createHash('sha256').update(data).digest()
}
