import { optionInvalid } from '../errors.js'
import { PROVIDER_RULES, type ProviderOptions } from '../options.js'
import { TokenProvider } from '../provider.js'
import { checkOptions, hasMethods, type OptionRule } from '../support/check-options.js'
import type { Logger } from '../support/logger.js'
import type { AccessToken } from '../token/access-token.js'
import { isSerializedOrigin } from './origin.js'

/** What the token route needs of a provider: an object of this shape will do. */
export interface TokenProviderLike {
  getToken(options?: {
    account?: string
    rejected?: string | { readonly accessToken: string }
  }): Promise<Pick<AccessToken, 'accessToken' | 'accessTokenId' | 'toResponse'>>
}

/** The options of an adapter: all of the core's, and those of the token route. */
export interface TokenRouteOptions<Request> extends ProviderOptions {
  /**
   * A provider of yours, which the adapter uses and does not close. Of the core's options only `logger` may stand
   * beside it.
   */
  provider?: TokenProviderLike
  /** The name on the request. Default: `'bandwidthToken'`. Another one asks for a `path` of its own, or `false`. */
  decorateAs?: string
  /** Where `GET` and `HEAD` are answered, a literal path; `false` mounts no route. Default: `'/bandwidth/token'`. */
  path?: string | false
  /**
   * Who may have a token: anything but `true` is a 403. Required when the route is mounted, because a token lets its
   * holder place calls that the account pays for. Let it rest on a credential such as a session, not on an address.
   */
  authorize?: (request: Request) => boolean | Promise<boolean>
  /** The account of a request. Take it from the session, never from what a caller may choose. Default: `''`. */
  account?: (request: Request) => string
  /** Other origins whose pages may ask, each as a browser writes it in `Origin`. Grants no CORS. Default: none. */
  allowedOrigins?: readonly string[]
}

/** An adapter's options, complete and checked. */
export interface ResolvedRouteOptions<Request> {
  readonly provider: TokenProviderLike
  /** Whether `provider` is the adapter's own, to be warmed up and closed by it. */
  readonly ownProvider: TokenProvider | undefined
  readonly decorateAs: string
  readonly path: string | false
  readonly authorize: (request: Request) => unknown
  readonly account: ((request: Request) => unknown) | undefined
  readonly allowedOrigins: ReadonlySet<string>
  readonly logger: Logger | undefined
  /** What was given of the options that only this adapter has. */
  readonly extra: Readonly<Record<string, unknown>>
}

const isFunction = (value: unknown) => typeof value === 'function'

const ROUTE_RULES: Readonly<
  Record<Exclude<keyof TokenRouteOptions<never>, keyof ProviderOptions>, OptionRule>
> = {
  provider: [hasMethods('getToken'), 'a TokenProvider, or an object with its method getToken'],
  decorateAs: [
    (value) => typeof value === 'string' && /^[A-Za-z_$][\w$]*$/.test(value) && !(value in {}),
    'the name of a property'
  ],
  path: [
    (value) => value === false || (typeof value === 'string' && /^(\/|(\/[\w.~-]+)+\/?)$/.test(value)),
    'a literal path that begins with "/" and holds letters, digits and . _ ~ - only, or false'
  ],
  authorize: [
    isFunction,
    'a function of the request that returns true for those who may have a token, such as ' +
      '(request) => request.session.user !== undefined. There is no default, because a token lets its holder place ' +
      'calls that the account pays for'
  ],
  account: [isFunction, 'a function of the request that returns the name of an account'],
  allowedOrigins: [
    (value) => Array.isArray(value) && value.every(isSerializedOrigin),
    'an array of origins as a browser writes them, such as "https://app.example" (no path, no default port)'
  ]
}

/**
 * Checks the options of an adapter and makes its provider. `extraRules` are those of options that only this
 * adapter has.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
 */
export function resolveRouteOptions<Request>(
  given: unknown,
  extraRules: Readonly<Record<string, OptionRule>>,
  defaultLogger: Logger | undefined
): ResolvedRouteOptions<Request> {
  const options = checkOptions(given, { ...ROUTE_RULES, ...PROVIDER_RULES, ...extraRules })
  const { provider, decorateAs, path, authorize, account, allowedOrigins } =
    options as TokenRouteOptions<Request>
  const logger = (options as ProviderOptions).logger ?? defaultLogger
  if (path === undefined && decorateAs !== undefined && decorateAs !== DEFAULT_NAME) {
    throw optionInvalid('path', path, 'a path of its own, or false, beside "decorateAs"')
  }
  if (path !== false && authorize === undefined)
    throw optionInvalid('authorize', authorize, ROUTE_RULES.authorize[1])
  const providerOptions = Object.entries(options).filter(([name]) => Object.hasOwn(PROVIDER_RULES, name))
  if (provider !== undefined) {
    const stray = providerOptions.find(([name]) => name !== 'logger')
    if (stray !== undefined)
      throw optionInvalid(stray[0], stray[1], 'none beside "provider", which has its own')
  }
  const ownProvider =
    provider === undefined
      ? new TokenProvider({ ...Object.fromEntries(providerOptions), ...(logger && { logger }) })
      : undefined
  return {
    provider: provider ?? (ownProvider as TokenProvider),
    ownProvider,
    decorateAs: decorateAs ?? DEFAULT_NAME,
    path: path ?? '/bandwidth/token',
    authorize: authorize ?? (() => false),
    account,
    allowedOrigins: new Set(allowedOrigins),
    logger,
    extra: Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(extraRules, name)))
  }
}

const DEFAULT_NAME = 'bandwidthToken'
