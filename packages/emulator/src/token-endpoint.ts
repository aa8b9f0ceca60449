import { type Answer, json, oauthError } from './answer.js'
import type { Credentials } from './credentials.js'
import type { ResolvedOptions } from './options.js'
import type { Network } from './received.js'
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

const globalScope = 'voice.webrtc'

/** What each network of Bandwidth expects. */
const expectations: Readonly<Record<Network, string>> = {
  global: `Bandwidth's Global network, which expects the scope ${globalScope}`,
  us: "Bandwidth's US network, which expects no scope"
}

/** RFC 6749 §5.1: no cache may store a token response. */
export const notStored = { 'cache-control': 'no-store', pragma: 'no-cache' }

/** The ordinary answer: a token, or an error (RFC 6749 §5.2). */
export async function answerTokenRequest(request: TokenRequest, issuer: TokenIssuer): Promise<Answer> {
  return refusal(request, issuer.options) ?? grant(requestedScope(request), issuer)
}

export function requestedScope(request: TokenRequest): string | undefined {
  // RFC 6749 §3.1: a parameter without a value counts as missing.
  return parseForm(request).get('scope') || undefined
}

/** Whether the emulated network expects the scope of this request. `undefined` if the emulator stands for both. */
export function isScopeCorrect(request: TokenRequest, { network }: ResolvedOptions): boolean | undefined {
  return network === undefined ? undefined : networkOf(requestedScope(request)) === network
}

function networkOf(scope: string | undefined): Network | undefined {
  if (scope === undefined) return 'us'
  return scope === globalScope ? 'global' : undefined
}

/** The form of the request. Empty if the body is not a form. */
function parseForm({ contentType, body }: TokenRequest): URLSearchParams {
  return new URLSearchParams(isForm(contentType) ? body : '')
}

function refusal(request: TokenRequest, { network }: ResolvedOptions): Answer | undefined {
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
  const requested = networkOf(requestedScope(request))
  if (requested === undefined) {
    return oauthError(400, 'invalid_scope', `scope must be ${globalScope}, or absent as on the US network`)
  }
  if (network !== undefined && requested !== network) {
    return oauthError(400, 'invalid_scope', `this stands in for ${expectations[network]}`)
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
