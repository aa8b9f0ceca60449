import { randomBytes } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose'

export interface TokenClaims {
  readonly issuer: string
  readonly clientId: string
  /** Absent where the request named none. */
  readonly scope: string | undefined
  /** Seconds. */
  readonly expiresIn: number
}

export interface Signer {
  readonly jwks: JSONWebKeySet
  sign(claims: TokenClaims): Promise<{ token: string; id: string }>
}

const algorithm = 'RS256'
let signer: Promise<Signer> | undefined

/** An RSA key takes a good while to make, so all emulators of a process share one. */
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
    }
  }
}
