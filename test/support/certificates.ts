import { KeyObject, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
// The library below needs it, but does not import it.
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

/** A certificate and its key, as `node:tls` takes them. */
export interface KeyedCertificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** Default: the validity of a certificate that is valid today. */
  readonly validFromMs?: number
  readonly validToMs?: number
}

/** A certificate authority. A client that trusts `cert` trusts the certificates that it signs. */
export interface Authority {
  readonly cert: string
  issue(host: string, options?: CertificateOptions): Promise<KeyedCertificate>
}

export async function createAuthority(name = 'CN=Test authority'): Promise<Authority> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity({}),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)
    ]
  })
  return {
    cert: certificate.toString('pem'),
    async issue(host, options = {}) {
      const own = await generateKeys()
      const issued = await X509CertificateGenerator.create({
        subject: `CN=${host}`,
        issuer: certificate.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        ...validity(options),
        extensions: [nameOf(host)]
      })
      return { cert: issued.toString('pem'), key: exportKey(own) }
    }
  }
}

/** A self-signed certificate. */
export async function selfSigned(host: string): Promise<KeyedCertificate> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${host}`,
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity({}),
    extensions: [nameOf(host)]
  })
  return { cert: certificate.toString('pem'), key: exportKey(keys) }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function exportKey({ privateKey }: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }) as string
}

function nameOf(host: string): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }])
}

function validity({
  validFromMs = Date.now() - DAY_MS,
  validToMs = Date.now() + DAY_MS
}: CertificateOptions) {
  return { notBefore: new Date(validFromMs), notAfter: new Date(validToMs) }
}
