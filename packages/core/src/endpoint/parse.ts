import type { Failure } from '../failure.js'
import { sharesWithSecret } from '../support/shares-with-secret.js'
import { withoutPrototype } from '../support/without-prototype.js'
import { refused } from './status-failure.js'

/** The used parts of a token response. */
export interface Grant {
  readonly accessToken: string
  readonly accessTokenId: string | undefined
  /** Whole seconds. */
  readonly expiresIn: number
  /** Whether the response had an `expires_in`. */
  readonly hasExpiresIn: boolean
}

/** A shorter secret can be part of an id by chance. */
const MIN_SECRET_LENGTH = 8
const MAX_LIFETIME_S = 86_400
const DEFAULT_LIFETIME_S = 60
/** `Retry-After` is obeyed no longer than this. */
export const RETRY_AFTER_CAP_MS = 300_000

/**
 * Checks the body of a response with status 200 (RFC 6749 §5.1). The token must consist of the characters of RFC 6750
 * §2.1.
 */
export function parseGrant(answer: unknown, secrets: readonly string[] = []): Grant | Failure {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    return unusable('is not a JSON object of at most 64 KiB')
  }
  const fields = withoutPrototype(answer as Record<string, unknown>)
  const { access_token, access_token_id, token_type, expires_in } = fields
  if (isMissing(access_token) && !isMissing(fields['error'])) {
    // Some servers refuse a client with status 200.
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
    hasExpiresIn: !isMissing(expires_in)
  }
}

/**
 * The lifetime of `expires_in` (RFC 6749 §5.1), in whole seconds: 60 if it is missing, at most a day.
 * `undefined` if it is not a number of at least 1.
 */
export function parseExpiresIn(value: unknown): number | undefined {
  if (value === undefined || value === null) return DEFAULT_LIFETIME_S
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))
  const seconds = isNumeric ? Math.floor(Number(value)) : 0
  return seconds >= 1 ? Math.min(seconds, MAX_LIFETIME_S) : undefined
}

function isMissing(field: unknown): boolean {
  return field === undefined || field === null
}

/**
 * Whether an `access_token_id` can be used. Logs and pages show ids, so one that contains the token or a secret is
 * dropped.
 */
function isShowable(id: unknown, token: string, secrets: readonly string[]): id is string {
  if (typeof id !== 'string' || !/^[A-Za-z0-9._~-]{1,128}$/.test(id) || id.includes(token)) return false
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

/** The `error` of a response (RFC 6749 §5.2). `undefined` if it is malformed or contains part of a secret. */
export function parseOauthError(answer: unknown, secrets: readonly string[]): string | undefined {
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, 'error')) return undefined
  const { error } = answer as { error: unknown }
  return typeof error === 'string' &&
    /^[a-z][a-z0-9_.-]{0,63}$/.test(error) &&
    !sharesWithSecret(error, secrets)
    ? error
    : undefined
}

/**
 * The delay that `Retry-After` asks for (RFC 9110 §10.2.3), seconds or a date, in milliseconds; at most 300 s. If the
 * header was sent more than once, the longest delay counts.
 */
export function parseRetryAfter(header: string | string[] | undefined, nowMs: number): number | undefined {
  // A dispatcher of the user's may pass on anything.
  const values = [header].flat().filter((value) => typeof value === 'string')
  const delays = values.map((value) => parseDelay(value.trim(), nowMs))
  return delays.reduce(
    (longest, delay) => (delay === undefined ? longest : Math.max(longest ?? 0, delay)),
    undefined
  )
}

function parseDelay(value: string, nowMs: number): number | undefined {
  // `Date.parse` accepts more than the dates of HTTP, which all begin with the name of a day. They are all in GMT. The
  // asctime form does not say so; in the other forms, a second "GMT" does no harm.
  const delayMs = /^\d+$/.test(value)
    ? Number(value) * 1000
    : /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)
      ? Date.parse(`${value} GMT`) - nowMs
      : Number.NaN
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(0, delayMs), RETRY_AFTER_CAP_MS)
}
