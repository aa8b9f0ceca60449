/** Client credentials (RFC 6749 §2.3.1), from Bandwidth's portal. */
export interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
}

/** A user id of HTTP Basic holds no colon and no control character (RFC 7617 §2). */
export function isClientId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/[:\p{Cc}]/u.test(value)
}

export function isCredentials(value: unknown): value is Credentials {
  const { clientId, clientSecret } = (value ?? {}) as Partial<Record<string, unknown>>
  return isClientId(clientId) && typeof clientSecret === 'string' && clientSecret !== ''
}
