import type { TokenVerdict } from '../received.js'
import type { Signer } from '../signer.js'
import { headersOf, type SipRequest } from './sip.js'

/** Which tokens the gateway accepts: their signer and issuer, and the ids that were revoked. */
export interface TokenCheck {
  readonly signer: Signer
  readonly issuer: string
  readonly revoked: ReadonlySet<string>
}

export interface CheckedToken {
  readonly verdict: TokenVerdict
  readonly id: string | undefined
}

/** The verdict on the token of an INVITE (RFC 8898 §3). */
export async function checkBearer(request: SipRequest, check: TokenCheck): Promise<CheckedToken> {
  const sent = headersOf(request, 'authorization').filter((value) => /^bearer\b/i.test(value))
  if (sent.length === 0) return { verdict: 'missing', id: undefined }
  const token = /^bearer +([a-z0-9._~+/-]+=*)$/i.exec(sent[0] ?? '')?.[1]
  if (token === undefined || sent.length > 1) return { verdict: 'invalid', id: undefined }
  const { verdict, id } = await check.signer.verify(token, check.issuer)
  const revoked = verdict === 'valid' && id !== undefined && check.revoked.has(id)
  return { verdict: revoked ? 'revoked' : verdict, id }
}
