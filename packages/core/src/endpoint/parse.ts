import type { Failure } from '../failure.js'
import { sharesWithSecret } from '../support/secrets.js'
import { parseExpiresIn } from '../token/lifetime.js'

/** A usable answer of the token endpoint. */
export interface Grant {
  readonly accessToken: string
  readonly accessTokenId: string | undefined
  /** Whole seconds. */
  readonly expiresIn: number
  /** Whether the answer said how long the token lives. */
  readonly hasExpiresIn: boolean
}

const MIN_SECRET_LENGTH = 8
const RETRY_AFTER_CAP_MS = 300_000

/** Checks a token response (RFC 6749 §5.1); the token must be RFC 6750 §2.1 characters. */
export function parseGrant(answer: unknown, secrets: readonly string[] = []): Grant | Failure {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    return unusable('is not a JSON object of at most 64 KiB')
  }
  // Without a prototype, so that what pollutes that of every object is not taken for a field.
  const fields: Record<string, unknown> = Object.assign(Object.create(null), answer)
  const { access_token, access_token_id, token_type, expires_in } = fields
  if (access_token === undefined && fields['error'] !== undefined) {
    // Some servers refuse a client with a 200.
    return refused({ upstreamStatus: 200, oauthError: parseOauthError(answer, secrets) })
  }
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
  if (typeof id !== 'string' || !/^[A-Za-z0-9._~-]{1,128}$/.test(id) || id.includes(token)) return false
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

/** What a status other than 200 says. */
export function statusFailure(
  upstreamStatus: number,
  retryAfterMs: number | undefined,
  oauthError: string | undefined
): Failure {
  const known = { upstreamStatus, retryAfterMs, oauthError }
  if (upstreamStatus === 400 || upstreamStatus === 401 || upstreamStatus === 403) return refused(known)
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

function refused(known: Partial<Failure>): Failure {
  return {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    message: 'The token endpoint rejected the client credentials.',
    remedy: 'reload',
    ...known
  }
}

/** The `error` of an answer (RFC 6749 §5.2), unless it is malformed or shows a part of a secret. */
export function parseOauthError(answer: unknown, secrets: readonly string[]): string | undefined {
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, 'error')) return undefined
  const { error } = answer as { error: unknown }
  return typeof error === 'string' &&
    /^[a-z][a-z0-9_.-]{0,63}$/.test(error) &&
    !sharesWithSecret(error, secrets)
    ? error
    : undefined
}

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now, 300 s at most. */
export function parseRetryAfter(header: string | string[] | undefined, nowMs: number): number | undefined {
  const value = typeof header === 'string' ? header.trim() : ''
  // A date begins with the name of a day: what else `Date.parse` would take is no date of HTTP's. All are in GMT;
  // asctime's form does not say so, and for the others to say it twice does no harm.
  const delayMs = /^\d+$/.test(value)
    ? Number(value) * 1000
    : /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)
      ? Date.parse(`${value} GMT`) - nowMs
      : Number.NaN
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(0, delayMs), RETRY_AFTER_CAP_MS)
}
