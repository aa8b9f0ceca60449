/** The codes of this package's errors. Recognise an error by its code, never by `instanceof`. */
export type BandwidthTokenErrorCode =
  | 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID'
  | 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  | 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
  | 'ERR_BANDWIDTH_TOKEN_TIMEOUT'
  | 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID'
  | 'ERR_BANDWIDTH_TOKEN_FORBIDDEN'
  | 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN'
  | 'ERR_BANDWIDTH_TOKEN_CLOSED'

/** The HTTP status of each code. */
export const STATUS_CODES: Readonly<Record<BandwidthTokenErrorCode, number>> = {
  ERR_BANDWIDTH_TOKEN_OPTION_INVALID: 500,
  ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED: 502,
  ERR_BANDWIDTH_TOKEN_UNAVAILABLE: 503,
  ERR_BANDWIDTH_TOKEN_TIMEOUT: 504,
  ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID: 502,
  ERR_BANDWIDTH_TOKEN_FORBIDDEN: 403,
  ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN: 403,
  ERR_BANDWIDTH_TOKEN_CLOSED: 503
}

/** Headers of every error and of every answer of the token route (RFC 6749 §5.1). */
export const UNCACHEABLE: Readonly<Record<string, string>> = Object.freeze({
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff'
})

/** What is known about a failure besides its code. */
export interface BandwidthTokenErrorDetails {
  readonly retryAfter?: number | undefined
  readonly attempts?: number | undefined
  readonly upstreamStatus?: number | undefined
  readonly oauthError?: string | undefined
  readonly cause?: Error | undefined
}

/**
 * The one error class of this package. Its `message` is safe to show to a browser. No property of it contains a
 * secret or a token.
 */
export class BandwidthTokenError extends Error {
  /** What went wrong. Recognise the error by this. */
  readonly code: BandwidthTokenErrorCode
  /** The HTTP status to answer with. Fastify reads it. */
  readonly statusCode: number
  /** The same as `statusCode`: many Express error handlers read this name. */
  readonly status: number
  /** Seconds until it makes sense to try again: whole, rounded up, at least 1. Missing if not known. */
  declare readonly retryAfter?: number
  /** How many HTTP requests were made. Missing if there was none. */
  declare readonly attempts?: number
  /** The HTTP status of the token endpoint's response. Missing if it did not respond. */
  declare readonly upstreamStatus?: number
  /** The `error` of the token endpoint's response (RFC 6749 §5.2), such as `invalid_client`. Missing without one. */
  declare readonly oauthError?: string

  constructor(
    code: BandwidthTokenErrorCode,
    message: string,
    { cause, ...details }: BandwidthTokenErrorDetails = {}
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.statusCode = this.status = STATUS_CODES[code]
    for (const [name, value] of Object.entries(details)) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true })
    }
  }

  override get name(): string {
    return 'BandwidthTokenError'
  }

  /** Tells frameworks that follow `http-errors`, such as Koa and NestJS 12, that they may show the message. */
  get expose(): true {
    return true
  }

  /** Response headers to answer with: no caching, and `Retry-After` if known. A new object at each reading. */
  get headers(): Record<string, string> {
    return this.retryAfter === undefined
      ? { ...UNCACHEABLE }
      : { ...UNCACHEABLE, 'Retry-After': String(this.retryAfter) }
  }
}

/**
 * The error of a refusal. A refusal is no fault of the program, so its `stack` has no frames and an app's log shows one
 * line. Error's constructor would collect them, so it is not called: this is cheaper too.
 */
export function routeRefusal(code: BandwidthTokenErrorCode, message: string): BandwidthTokenError {
  const error: BandwidthTokenError = Object.create(BandwidthTokenError.prototype)
  for (const [name, value] of Object.entries({ message, stack: `${error.name}: ${message}` })) {
    Object.defineProperty(error, name, { value, writable: true, configurable: true })
  }
  const statusCode = STATUS_CODES[code]
  return Object.assign(error, { code, statusCode, status: statusCode })
}

/**
 * The error for a bad option: it names the option, what is expected and what was given. By default that is the type
 * of the value; the message never shows the value itself.
 */
export function optionInvalid(
  name: string,
  value: unknown,
  expected: string,
  given = typeName(value)
): BandwidthTokenError {
  return new BandwidthTokenError(
    'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
    `Invalid option "${name}": expected ${expected}; got ${given}.`
  )
}

/** The type of a value in words, such as `a string`. Never the value itself. */
export function typeName(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return 'an array'
  if (Number.isNaN(value)) return 'NaN'
  return /^[aeiou]/.test(typeof value) ? `an ${typeof value}` : `a ${typeof value}`
}
