import { createHash } from 'node:crypto'

/** What a token belongs to. Members that differ in any of these never see each other's token. */
export interface Identity {
  readonly tokenUrl: string
  readonly scope: string
  readonly account: string
  readonly clientId: string
  readonly clientSecret: string
}

/** The identity as one text. It is only ever hashed or authenticated, never stored or sent. */
export function identityText({ tokenUrl, scope, account, clientId, clientSecret }: Identity): string {
  const fingerprint = createHash('sha256').update(clientSecret).digest('base64url')
  return JSON.stringify([tokenUrl, clientId, fingerprint, scope, account])
}
