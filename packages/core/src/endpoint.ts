import type { Readable } from 'node:stream'
import type { Credentials } from './credentials.js'
import { type Failure, networkFailure } from './failure.js'
import { parseExpiresIn } from './lifetime.js'
import { parseRetryAfter } from './retry.js'
import { VERSION } from './version.js'

/** The part of an undici `Dispatcher` that is used, so that one of version 6, 7 or 8 fits. */
export interface TokenDispatcher {
  request(options: {
    origin: string
    path: string
    method: 'POST'
    headers: Record<string, string>
    body: string
    signal: AbortSignal
    headersTimeout: number
    bodyTimeout: number
  }): Promise<{
    statusCode: number
    headers: Record<string, string | string[] | undefined>
    body: Readable
  }>
}

export interface Endpoint {
  readonly tokenUrl: string
  readonly scope: string
  readonly dispatcher: TokenDispatcher
}

/** A usable answer of the token endpoint. */
export interface Grant {
  readonly accessToken: string
  readonly accessTokenId: string | undefined
  /** Whole seconds. */
  readonly expiresIn: number
  /** Whether the answer said how long the token lives. */
  readonly hasExpiresIn: boolean
}

const MAX_BODY_BYTES = 64 * 1024
const MIN_SECRET_LENGTH = 8

/**
 * One exchange with the token endpoint: a client credentials request over HTTP Basic (RFC 6749 §4.4, Bandwidth's
 * page). Never follows a redirect.
 */
export async function requestToken(
  endpoint: Endpoint,
  { clientId, clientSecret }: Credentials,
  signal: AbortSignal,
  nowMs: () => number
): Promise<Grant | Failure> {
  const { origin, pathname, search } = new URL(endpoint.tokenUrl)
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (endpoint.scope !== '') form.set('scope', endpoint.scope)
  try {
    const { statusCode, headers, body } = await endpoint.dispatcher.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: {
        Accept: 'application/json',
        // As Bandwidth documents it: raw, not percent-encoded as RFC 6749 §2.3.1 would have it.
        Authorization: `Basic ${basic}`,
        'Content-Type': 'application/x-www-form-urlencoded',
        'User-Agent': `@bandwidth-token/core/${VERSION}`
      },
      body: form.toString(),
      signal,
      // The provider's own clock bounds the attempt.
      headersTimeout: 0,
      bodyTimeout: 0
    })
    if (statusCode === 200) return parseGrant(await readJson(body), [clientSecret, basic])
    const answer = await readJson(body).catch(() => undefined)
    return statusFailure(
      statusCode,
      parseRetryAfter(headers['retry-after'], nowMs()),
      parseOauthError(answer, clientSecret)
    )
  } catch (error) {
    return networkFailure(error)
  }
}

/** The body as JSON; `undefined` where it is not JSON or longer than the limit. */
async function readJson(body: Readable): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder().decode(Buffer.concat(chunks)))
  } catch {
    return undefined
  }
}

/** Checks a token response (RFC 6749 §5.1); the token must be RFC 6750 §2.1 characters. */
export function parseGrant(answer: unknown, secrets: readonly string[] = []): Grant | Failure {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    return unusable('is not a JSON object of at most 64 KiB')
  }
  // Without a prototype, so that what pollutes that of every object is not taken for a field.
  const fields: Record<string, unknown> = Object.assign(Object.create(null), answer)
  const { access_token, access_token_id, token_type, expires_in } = fields
  if (typeof access_token !== 'string' || !/^[A-Za-z0-9._~+/-]+=*$/.test(access_token)) {
    return unusable('has no valid "access_token"')
  }
  if (token_type !== undefined && !(typeof token_type === 'string' && /^bearer$/i.test(token_type))) {
    return unusable('has a "token_type" other than "Bearer"')
  }
  const expiresIn = parseExpiresIn(expires_in)
  if (expiresIn === undefined) return unusable('has an invalid "expires_in"')
  return {
    accessToken: access_token,
    accessTokenId: isShowable(access_token_id, access_token, secrets) ? access_token_id : undefined,
    expiresIn,
    hasExpiresIn: expires_in !== undefined && expires_in !== null
  }
}

/** Ids are shown in logs and to pages: one that repeats the token or a secret is none. */
function isShowable(id: unknown, token: string, secrets: readonly string[]): id is string {
  if (typeof id !== 'string' || id.includes(token)) return false
  // A short secret is found in an id by chance.
  return !secrets.some(
    (secret) => id === secret || (secret.length >= MIN_SECRET_LENGTH && id.includes(secret))
  )
}

function unusable(problem: string): Failure {
  return {
    code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
    message: `The answer of the token endpoint ${problem}.`,
    remedy: 'retry',
    upstreamStatus: 200
  }
}

function statusFailure(
  upstreamStatus: number,
  retryAfterMs: number | undefined,
  oauthError: string | undefined
): Failure {
  const known = { upstreamStatus, retryAfterMs, oauthError }
  if (upstreamStatus === 400 || upstreamStatus === 401 || upstreamStatus === 403) {
    return {
      code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
      message: 'The token endpoint rejected the client credentials.',
      remedy: 'reload',
      ...known
    }
  }
  if (upstreamStatus === 408 || upstreamStatus === 429 || upstreamStatus >= 500) {
    return {
      code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
      message: `The token endpoint is unavailable (status ${upstreamStatus}).`,
      remedy: 'retry',
      ...known
    }
  }
  return {
    code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
    message: `The token endpoint answered with an unexpected status (${upstreamStatus}).`,
    remedy: 'wait',
    ...known
  }
}

/** The `error` of an answer (RFC 6749 §5.2), unless it is malformed or repeats the secret. */
export function parseOauthError(answer: unknown, clientSecret: string): string | undefined {
  const error = (answer as { error?: unknown } | null | undefined)?.error
  return typeof error === 'string' && /^[a-z][a-z0-9_.-]{0,63}$/.test(error) && !error.includes(clientSecret)
    ? error
    : undefined
}
