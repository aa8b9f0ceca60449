import { createHash, timingSafeEqual } from 'node:crypto'

/** What an `Authorization` header was worth. It keeps no secret. */
export interface Credentials {
  /** `undefined` where there was no readable header. */
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
 * colon. Works on bytes, so that no two credentials can become equal by decoding.
 */
export function readCredentials(authorization: string | undefined, client: Client): Credentials {
  const encoded = /^basic +([a-z0-9+/]+=*) *$/i.exec(authorization ?? '')?.[1] ?? ''
  const bytes = Buffer.from(encoded, 'base64')
  const split = bytes.indexOf(colon)
  if (split === -1) return { clientId: undefined, idCorrect: false, secretCorrect: false }
  const clientId = bytes.subarray(0, split).toString()
  const idCorrect = equal(bytes.subarray(0, split), client.clientId)
  const secretCorrect = equal(bytes.subarray(split + 1), client.clientSecret)
  // Whoever swaps the two sends the secret as the id, and the id is shown to whoever asks what came in.
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
