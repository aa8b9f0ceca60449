import { validateHeaderName, validateHeaderValue } from 'node:http'
import { UNCACHEABLE } from '../errors.js'
import type { AccessToken, TokenResponse } from '../token/access-token.js'

/** An answer of the token route, to be written as it is. Its headers are frozen: copy them to add one. */
export interface RouteAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' }

/** Headers of every answer with a token: it is JSON, and never cached. */
const TOKEN_HEADERS = Object.freeze({ ...UNCACHEABLE, ...JSON_TYPE })

/** Makes the answers with tokens. An answer changes only once a second, so the last one is kept. */
export class TokenAnswers {
  #last: { readonly response: Fields; readonly answer: RouteAnswer } | undefined

  /** The answer with a token: Bandwidth's four fields. */
  of(token: Pick<AccessToken, 'toResponse'>): RouteAnswer {
    const given = token.toResponse()
    if (this.#last === undefined || !isSame(given, this.#last.response)) {
      // A copy of these fields alone: another provider might add some, or change its own object.
      const { access_token, access_token_id, token_type, expires_in } = given
      const response: Fields = { access_token, access_token_id, token_type, expires_in }
      const answer = { status: 200, headers: TOKEN_HEADERS, body: JSON.stringify(response) }
      this.#last = { response, answer }
    }
    return this.#last.answer
  }
}

/** The fields of an answer. JSON leaves out those that are `undefined`. */
type Fields = Readonly<Record<keyof TokenResponse, unknown>>

function isSame(response: TokenResponse, last: Fields): boolean {
  return (
    response.expires_in === last.expires_in &&
    response.access_token === last.access_token &&
    response.access_token_id === last.access_token_id &&
    response.token_type === last.token_type
  )
}

/**
 * The answer to an error of this package: its status, its headers, and JSON of `code`, `message` and `statusCode`, all
 * safe to show. Use it where the framework does not answer errors itself, and in an app's error handler. `undefined`
 * for any other error, because nobody knows what of it is safe to show.
 */
export function errorAnswer(error: unknown): RouteAnswer | undefined {
  const known = knownError(error)
  if (known === undefined) return undefined
  const { code, message, statusCode } = known
  return {
    status: statusCode,
    headers: Object.freeze({ ...errorHeaders(error), ...JSON_TYPE }),
    body: JSON.stringify({ code, message, statusCode })
  }
}

/**
 * The headers that every answer to `error` must have, whatever code writes it: the answer is never cached, and it has
 * `Retry-After` if the error knows when to try again. An adapter sets them on the response before it passes on the
 * error.
 */
export function errorHeaders(error: unknown): Record<string, string> {
  const retryAfter = knownError(error)?.retryAfter
  return Number.isSafeInteger(retryAfter) && (retryAfter as number) >= 0
    ? { ...UNCACHEABLE, 'Retry-After': String(retryAfter) }
    : { ...UNCACHEABLE }
}

/**
 * What to pass to a framework in place of a thrown value: the value itself, if the framework can handle it. Express
 * treats `undefined` and `"route"` as no error and lets the request go on. An error whose getters throw would end the
 * process.
 */
export function toThrowable(thrown: unknown): object {
  if (!isObject(thrown)) return new Error('`authorize` or `account` threw a value that is not an Error.')
  return isReadable(thrown)
    ? thrown
    : new Error('`authorize` or `account` threw an Error that cannot be read, or that has invalid headers.')
}

interface KnownError {
  readonly code: string
  readonly message: string
  readonly statusCode: number
  readonly retryAfter: unknown
}

/** What an error of this package says, whichever copy of the package made it. */
function knownError(error: unknown): KnownError | undefined {
  if (!isObject(error)) return undefined
  try {
    const { code, message, statusCode, retryAfter } = error as Partial<Record<keyof KnownError, unknown>>
    // Its own: a polluted prototype must not make the message of a foreign error public.
    if (!Object.hasOwn(error, 'code') || typeof code !== 'string') return undefined
    if (!code.startsWith('ERR_BANDWIDTH_TOKEN_')) return undefined
    return {
      code,
      message: typeof message === 'string' ? message : '',
      statusCode: isErrorStatus(statusCode) ? statusCode : 500,
      retryAfter
    }
  } catch {
    return undefined // Its getters throw, so it is no error of this package.
  }
}

function isErrorStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function validateHeader(name: string, value: unknown): void {
  validateHeaderName(name)
  validateHeaderValue(name, value as string)
}

const READ_BY_FRAMEWORKS = ['name', 'message', 'code', 'status', 'statusCode']

function isReadable(error: object): boolean {
  try {
    Object.getPrototypeOf(error)
    for (const name of READ_BY_FRAMEWORKS) Reflect.get(error, name)
    const { stack, headers } = error as { readonly stack?: unknown; readonly headers?: unknown }
    // Express prints the one or the other, and sets the headers.
    void `${stack || error.toString()}`
    if (isObject(headers)) for (const [name, value] of Object.entries(headers)) validateHeader(name, value)
    return true
  } catch {
    return false
  }
}
