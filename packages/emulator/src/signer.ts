import { randomBytes } from 'node:crypto'
import {
  calculateJwkThumbprint,
  type errors,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify,
  SignJWT
} from 'jose'

export interface TokenClaims {
  readonly issuer: string
  readonly clientId: string
  /** Missing if the request had none. */
  readonly scope: string | undefined
  /** Seconds. */
  readonly expiresIn: number
}

export interface Signer {
  readonly jwks: JSONWebKeySet
  sign(claims: TokenClaims): Promise<{ token: string; id: string }>
  /** Checks a token. Returns its id only if the signature is right. */
  verify(token: string, issuer: string): Promise<VerifiedToken>
}

export interface VerifiedToken {
  readonly verdict: 'valid' | 'invalid' | 'expired'
  readonly id: string | undefined
}

const algorithm = 'RS256'
let signer: Promise<Signer> | undefined

/** Making an RSA key is slow, so all emulators of a process share one. */
export function sharedSigner(): Promise<Signer> {
  signer ??= createSigner()
  return signer
}

async function createSigner(): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm)
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return {
    jwks: { keys: [{ ...jwk, kid, alg: algorithm, use: 'sig' }] },
    async sign({ issuer, clientId, scope, expiresIn }) {
      const id = randomBytes(18).toString('base64url')
      const issuedAt = Math.floor(Date.now() / 1000)
      const token = await new SignJWT(scope === undefined ? {} : { scope })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid })
        .setIssuer(issuer)
        .setSubject(clientId)
        .setJti(id)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresIn)
        .sign(privateKey)
      return { token, id }
    },
    async verify(token, issuer) {
      try {
        const required = { issuer, algorithms: [algorithm], requiredClaims: ['jti', 'exp'] }
        const { payload } = await jwtVerify(token, publicKey, required)
        return { verdict: 'valid', id: payload.jti }
      } catch (error) {
        const { code, payload } = error as Partial<errors.JWTExpired>
        return code === 'ERR_JWT_EXPIRED'
          ? { verdict: 'expired', id: payload?.jti }
          : { verdict: 'invalid', id: undefined }
      }
    }
  }
}
