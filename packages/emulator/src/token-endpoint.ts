import { type Answer, json, oauthError } from './answer.js'
import type { Credentials } from './credentials.js'
import type { ResolvedOptions } from './options.js'
import type { Signer } from './signer.js'

export interface TokenRequest {
  readonly credentials: Credentials
  readonly contentType: string | undefined
  /** `undefined` if it was larger than {@link tokenRequestLimit}. */
  readonly body: string | undefined
}

export interface TokenIssuer {
  readonly origin: string
  readonly options: ResolvedOptions
  readonly signer: Signer
}

/** Bytes of body that are read. A token request has fewer than a hundred. */
export const tokenRequestLimit = 16 * 1024

/** RFC 6749 §5.1: no cache may store a token response. */
export const notStored = { 'cache-control': 'no-store', pragma: 'no-cache' }

/** The ordinary answer: a token, or an error (RFC 6749 §5.2). */
export async function answerTokenRequest(request: TokenRequest, issuer: TokenIssuer): Promise<Answer> {
  return refusal(request) ?? grant(requestedScope(request), issuer)
}

export function requestedScope(request: TokenRequest): string | undefined {
  // RFC 6749 §3.1: a parameter without a value counts as missing.
  return parseForm(request).get('scope') || undefined
}

/** The form of the request. Empty if the body is not a form. */
function parseForm({ contentType, body }: TokenRequest): URLSearchParams {
  return new URLSearchParams(isForm(contentType) ? body : '')
}

function refusal(request: TokenRequest): Answer | undefined {
  const { idCorrect, secretCorrect } = request.credentials
  if (!idCorrect || !secretCorrect) {
    return oauthError(401, 'invalid_client', 'client id and secret must be sent as HTTP Basic authentication')
  }
  if (!isForm(request.contentType)) {
    return invalidRequest('the content type must be application/x-www-form-urlencoded')
  }
  if (request.body === undefined) return invalidRequest(`the body is larger than ${tokenRequestLimit} bytes`)
  const form = parseForm(request)
  const repeated = [...form.keys()].some((name) => form.getAll(name).length > 1)
  if (repeated) return invalidRequest('a parameter is repeated')
  if (!form.get('grant_type')) return invalidRequest('the parameter grant_type is missing')
  if (form.get('grant_type') !== 'client_credentials') {
    return oauthError(400, 'unsupported_grant_type', 'grant_type must be client_credentials')
  }
  const scope = requestedScope(request)
  if (scope !== undefined && scope !== 'voice.webrtc') {
    return oauthError(400, 'invalid_scope', 'scope must be voice.webrtc, or absent as on the US network')
  }
  return undefined
}

async function grant(scope: string | undefined, issuer: TokenIssuer): Promise<Answer> {
  const { origin, options, signer } = issuer
  const { clientId, expiresIn } = options
  const { token, id } = await signer.sign({ issuer: origin, clientId, scope, expiresIn })
  return json({ access_token: token, access_token_id: id, token_type: 'Bearer', expires_in: expiresIn })
}

function isForm(contentType = ''): boolean {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
}

function invalidRequest(description: string): Answer {
  return oauthError(400, 'invalid_request', description)
}
