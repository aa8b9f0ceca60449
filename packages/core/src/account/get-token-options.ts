import { hasMethods, type OptionRule } from '../support/check-options.js'
import type { AccessToken } from '../token/access-token.js'
import type { RejectedToken } from './cached-token.js'

/** What `getToken()` is asked for. */
export interface GetTokenOptions {
  /** The account, a string of at most 256 characters. Default: `''`. */
  readonly account?: string | undefined
  /**
   * Milliseconds that the token should have left. If the cached one has less, one new token is fetched, at most one
   * per 5 s. You get that one, even if it has less left than this, unless the cached one lives longer. Default: 0.
   */
  readonly minimumLifetimeMs?: number | undefined
  /**
   * A token that a peer rejected, its string or its id. If it is the cached one and at least 5 s old, it is replaced, once
   * for all callers that name it and at most once per 30 s; if that fails, these callers get the error. Default: none.
   */
  readonly rejected?: RejectedToken | undefined
  /** Ends the wait of this caller alone. Default: none. */
  readonly signal?: AbortSignal | undefined
}

export const ACCOUNT_RULE: OptionRule = [
  (value) => typeof value === 'string' && value.length <= 256,
  'a string of at most 256 characters'
]

const REJECTED: OptionRule = [
  (value) => typeof value === 'string' || typeof (value as AccessToken | null)?.accessToken === 'string',
  'an access token, its string or its id'
]

/** What each option of `getToken()` must be. */
export const GET_TOKEN_RULES: Readonly<Record<keyof GetTokenOptions, OptionRule>> = {
  account: ACCOUNT_RULE,
  minimumLifetimeMs: [
    (value) => typeof value === 'number' && value >= 0,
    'a number of milliseconds, at least 0'
  ],
  rejected: REJECTED,
  signal: [hasMethods('addEventListener', 'removeEventListener', 'throwIfAborted'), 'an AbortSignal']
}

/** V8 compiles it to nothing within a loop over the same object. `Object.hasOwn()` would be a call. */
const isOwn = Object.prototype.hasOwnProperty

/**
 * The account, if the options name one and ask for nothing else. `undefined` for all others, good or bad: those are
 * for `checkOptions()`. It stands on the hot path, so it makes no copy.
 */
export function accountAlone(options: GetTokenOptions): string | undefined {
  if (typeof options !== 'object' || Array.isArray(options)) return undefined
  let account: unknown
  for (const name in options) {
    // The loop meets inherited names too, such as those of a polluted `Object.prototype`. They are no options.
    if (name !== 'account' || !isOwn.call(options, name)) return undefined
    account = options.account
  }
  return typeof account === 'string' ? account : undefined
}
