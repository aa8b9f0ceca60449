import { ACCOUNT_RULE } from '../account/get-token-options.js'
import { optionInvalid, routeRefusal } from '../errors.js'
import { listOf, type OptionRule } from '../support/check-options.js'
import type { Log } from '../support/logger.js'
import { isSerializedOrigin } from '../support/url.js'
import { isOriginAllowed } from './origin.js'
import type { HeaderReader } from './request.js'

/** Who may get a token from the route, and of which account. */
export interface PolicyOptions<Request> {
  /**
   * Returns `true` for a request that may get a token. Anything else is a 403. Required, because a token lets its
   * holder place calls that the account pays for. Decide by a credential such as a session, not by an IP address.
   */
  authorize: (request: Request) => boolean | Promise<boolean>
  /** The account of a request. Take it from the session, never from what a caller may choose. Default: `''`. */
  account?: ((request: Request) => string) | undefined
  /** Other origins whose pages may ask, each as a browser writes it in `Origin`. Grants no CORS. Default: none. */
  allowedOrigins?: readonly string[] | undefined
}

const isFunction = (value: unknown) => typeof value === 'function'

export const POLICY_RULES: Readonly<Record<keyof PolicyOptions<never>, OptionRule>> = {
  authorize: [
    isFunction,
    'a function of the request that returns true for those who may have a token, such as ' +
      '(request) => request.session.user !== undefined. There is no default, because a token lets its holder place ' +
      'calls that the account pays for'
  ],
  account: [isFunction, 'a function of the request that returns the name of an account'],
  allowedOrigins: listOf(
    isSerializedOrigin,
    'an array of origins as a browser writes them, such as "https://app.example" (no path, no default port)'
  )
}

/** The checks before a token is handed out. `TokenRoute.answer()` calls them in their order. */
export class Policy<Request> {
  readonly #allowedOrigins: ReadonlySet<string>
  readonly #authorize: ((request: Request) => unknown) | undefined
  readonly #account: ((request: Request) => unknown) | undefined
  readonly #log: Log

  /** Without `authorize` every request is refused. */
  constructor(options: Partial<PolicyOptions<Request>>, log: Log) {
    this.#allowedOrigins = new Set(options.allowedOrigins)
    this.#authorize = options.authorize
    this.#account = options.account
    this.#log = log
  }

  /** @throws `ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN` for a page of another origin that is not allowed */
  checkOrigin(header: HeaderReader): void {
    if (isOriginAllowed(header, this.#allowedOrigins)) return
    throw routeRefusal(
      'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN',
      'The token route was called from another origin. To let its pages have tokens, list it in "allowedOrigins".'
    )
  }

  /**
   * Returns a promise only if there is something to wait for.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_FORBIDDEN` unless `authorize` says `true`, and what it throws; or it rejects with that
   */
  authorize(request: Request): Promise<void> | undefined {
    const verdict = this.#authorize?.(request)
    return verdict === true ? undefined : this.#refuseUnless(verdict)
  }

  async #refuseUnless(given: unknown): Promise<void> {
    const verdict = await given
    if (verdict === true) return
    if (verdict !== false && this.#authorize !== undefined) {
      this.#log.warnConfiguration(
        '"authorize" returned a value that is not a boolean. Anything but true is a 403: return true or false.'
      )
    }
    throw routeRefusal('ERR_BANDWIDTH_TOKEN_FORBIDDEN', 'Sign in first: this request may not have a token.')
  }

  /**
   * The account of a request; `undefined` where all requests share one.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` if `account` returns none, and what it throws
   */
  accountOf(request: Request): string | undefined {
    if (this.#account === undefined) return undefined
    const account = this.#account(request)
    const [isValid, expected] = ACCOUNT_RULE
    if (isValid(account)) return account as string
    // If the function is asynchronous, it returned a promise: handle its rejection.
    Promise.resolve(account).catch(() => {})
    throw optionInvalid('account', account, `a function that returns ${expected}`)
  }
}
