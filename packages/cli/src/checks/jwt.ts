/** The claims of a JWT that are used here (RFC 7519 §4.1). */
export interface Claims {
  readonly jti?: string
  /** In seconds. */
  readonly exp?: number
}

/** The claims of a token. Empty if it is no JWT. The signature is not checked: only Bandwidth's gateway needs that. */
export function claimsOf(token: string): Claims {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const { jti, exp } = payload as Record<string, unknown>
    return {
      ...(typeof jti === 'string' && { jti }),
      ...(typeof exp === 'number' && { exp })
    }
  } catch {
    return {}
  }
}
