type Reason = 'OPTION_INVALID' | 'FORBIDDEN' | 'UNAVAILABLE' | 'TIMEOUT' | 'RESPONSE_INVALID' | 'CLOSED'

/** Every code that an error of this package can carry. Recognise errors by it, never by `instanceof`. */
export type TokenSourceErrorCode = `ERR_BANDWIDTH_TOKEN_${Reason}`

/** An error of this package. Its `message` can be shown: no token is in any of its properties. */
export interface TokenSourceError extends Error {
  /** What went wrong; recognise the error by this. */
  readonly code: TokenSourceErrorCode
  /** The HTTP status of the route, where it answered; 0 for an answer that a page may not read, such as a redirect. */
  readonly status?: number
  /** Whole seconds until the route is asked again, at least 1, where it is. */
  readonly retryAfter?: number
}

export const tokenError = (reason: Reason, message: string, details?: object): TokenSourceError =>
  Object.assign(new Error(message), { code: `ERR_BANDWIDTH_TOKEN_${reason}` } as const, details)

/** The error for an option: names it and what would be right, never the value. */
export const optionInvalid = (name: string, expected: unknown): TokenSourceError =>
  tokenError('OPTION_INVALID', `Invalid option "${name}": expected ${expected}`)

/** The types or values that each option may have; `undefined` leaves it out. */
export type Kinds = Readonly<Record<string, readonly unknown[]>>

/** @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown or ill-typed option */
export const checkOptions = (options: object, expected: Kinds): void => {
  for (const [name, value] of Object.entries(options)) {
    const kinds = expected[name]
    // What every object inherits, such as `constructor`, is no list.
    if (!kinds?.map) throw optionInvalid(name, Object.keys(expected))
    if (value !== undefined && !kinds.includes(value) && !kinds.includes(value && typeof value)) {
      throw optionInvalid(name, kinds)
    }
  }
}
