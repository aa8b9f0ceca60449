import { FUNCTION, isObject, type OptionRules } from './check-options.js'

/** The options of `createTokenSource()`, all optional. */
export interface TokenSourceOptions {
  /** The token route of your server, relative to the page or absolute. Default: `'/bandwidth/token'`. */
  url?: string
  /** What sends the requests. Default: the page's `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Headers to send along. For one that changes, pass a `fetch` that adds it. */
  headers?: HeadersInit
  /** Whether cookies are sent along, as in `fetch`. Default: `'same-origin'`. */
  credentials?: 'omit' | 'same-origin' | 'include'
}

const CREDENTIALS: readonly unknown[] = ['omit', 'same-origin', 'include']

export const OPTION_RULES: OptionRules<TokenSourceOptions> = {
  url: [(value) => typeof value === 'string' && value !== '', 'a non-empty string'],
  fetch: FUNCTION,
  headers: [isObject, 'an object'],
  credentials: [(value) => CREDENTIALS.includes(value), CREDENTIALS.join(', ')]
}
