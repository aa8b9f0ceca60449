type Reason = 'OPTION_INVALID' | 'FORBIDDEN' | 'UNAVAILABLE' | 'TIMEOUT' | 'RESPONSE_INVALID' | 'CLOSED'

/** Every code that an error of this package can carry. Recognise errors by it, never by `instanceof`. */
export type TokenSourceErrorCode = `ERR_BANDWIDTH_TOKEN_${Reason}`

/** An error of this package. You may show its `message`: no property holds a token. Each caller gets its own object. */
export interface TokenSourceError extends Error {
  /** What went wrong; recognise the error by this. */
  readonly code: TokenSourceErrorCode
  /** The HTTP status of the route; 0 if the page may not read the answer, such as a redirect; `undefined` without one. */
  readonly status?: number | undefined
  /** Whole seconds until the route may be asked again, at least 1. `undefined` if the next call may ask at once. */
  readonly retryAfter?: number | undefined
}

/** What an error can tell beside its code. */
export type ErrorDetails = Pick<TokenSourceError, 'status' | 'retryAfter'>

/** Makes a new error. Never keep one for later: whoever catches it may write on it. */
export const tokenError = (reason: Reason, message: string, details?: ErrorDetails): TokenSourceError =>
  Object.assign(new Error(message), { code: `ERR_BANDWIDTH_TOKEN_${reason}` } as const, details)

/** The error for an option: names it and what to pass instead, never the value. */
export const optionInvalid = (name: string, expected: string): TokenSourceError =>
  tokenError('OPTION_INVALID', `Invalid option "${name}": expected ${expected}`)
