import { ACCOUNT_RULE } from '../account/get-token-options.js'
import { optionInvalid } from '../errors.js'
import { check, checkOptions, listOf, type OptionRule } from '../support/check-options.js'
import { PROVIDER_SHAPE } from '../support/provider-shape.js'
import { isLoopback, isSerializedOrigin, parseUrl } from '../support/url.js'
import { callerOf } from './callers.js'
import { Exchange, type SendableToken } from './exchange.js'
import { copyHeaders, hasAuthorization } from './headers.js'
import type { Dispatch, DispatchHandler, DispatchOptions } from './undici-types.js'

/** What `bandwidthAuth()` needs of a provider: an object of this shape will do. */
export interface BandwidthAuthProvider {
  getToken(options?: {
    account?: string
    rejected?: { readonly accessToken: string }
  }): Promise<{ readonly accessToken: string }>
}

/** The options of `bandwidthAuth()`. */
export interface BandwidthAuthOptions {
  /**
   * The origins that get a token, at least one, each as a browser writes it: `'https://voice.bandwidth.com'`. `http:` is
   * for loopback hosts only. No other origin gets a token, even if a listed one redirects to it.
   */
  origins: readonly string[]
  /** The account whose token is sent, a string of at most 256 characters. Default: `''`. */
  account?: string | undefined
}

/** An interceptor for the `compose()` of an undici 6, 7 or 8 dispatcher. */
export type BandwidthAuthInterceptor = <Dispatch extends (options: never, handler: never) => boolean>(
  dispatch: Dispatch
) => Dispatch

const RULES: Readonly<Record<keyof BandwidthAuthOptions, OptionRule>> = {
  origins: listOf(
    isSafeOrigin,
    'a list of one or more origins as a browser writes them, such as "https://voice.bandwidth.com" (no path, no ' +
      'default port); http: is for loopback hosts',
    1
  ),
  account: ACCOUNT_RULE
}

/**
 * An interceptor that sends a token as `Authorization` with every request to the listed origins. If the server answers
 * 401, it asks the provider for another token and sends the request again, once. The 401 is passed on if there is no
 * other token, or if the body is a stream or an iterator, which cannot be sent twice. A request that has an
 * `Authorization` already is passed on as it is.
 *
 * List it before `redirect()` and `retry()`, so that these go through it, and after `dns()`, `cache()` and
 * `deduplicate()`: those two must see its `Authorization`, or one account gets another's response. Compose it onto an
 * `Agent` or a proxy agent. A `Client` or a `Pool` of undici 6 and 7 sends every request to its own origin and does not
 * say so: that origin must be a listed one.
 *
 * If the provider has no token, the request rejects with the provider's error.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for a bad provider, or an unknown, ill-typed or missing option
 *
 * @example
 * const dispatcher = new Agent().compose(bandwidthAuth(provider, { origins: ['https://voice.bandwidth.com'] }))
 */
export function bandwidthAuth(
  provider: BandwidthAuthProvider,
  options: BandwidthAuthOptions
): BandwidthAuthInterceptor {
  check('provider', provider, PROVIDER_SHAPE)
  const { origins, account } = checkOptions(options, RULES) as Partial<BandwidthAuthOptions>
  if (origins === undefined) throw optionInvalid('origins', origins, RULES.origins[1])
  const listed = new Set(origins)

  const getToken = async (rejected?: SendableToken): Promise<SendableToken> => {
    const token = await provider.getToken(
      // Without options the provider takes its hot path.
      account === undefined && rejected === undefined
        ? undefined
        : { ...(account !== undefined && { account }), ...(rejected !== undefined && { rejected }) }
    )
    if (typeof token?.accessToken === 'string') return token
    throw optionInvalid('provider', token, 'a provider whose getToken() resolves to an access token')
  }

  // undici 8 says where a dispatcher sends every request, whatever the request says: `null` for several places.
  const interceptor = (dispatch: Dispatch, boundTo?: unknown): Dispatch => {
    return function bandwidthAuthDispatch(given: DispatchOptions, handler: DispatchHandler): boolean {
      // A copy: while the token is awaited, nobody can change where it goes.
      const options = { ...given, origin: String(given.origin) }
      const mayHaveToken = isFor(listed, options) && (boundTo === undefined || isOriginIn(listed, boundTo))
      const headers = mayHaveToken ? copyHeaders(given.headers) : undefined
      if (headers === undefined) return dispatch(given, handler)
      if (hasAuthorization(headers)) return dispatch({ ...options, headers }, handler)
      void new Exchange({ dispatch, options, headers }, callerOf(handler), getToken).run()
      return true
    }
  }
  return interceptor as unknown as BandwidthAuthInterceptor
}

/** Whether a request goes to a listed origin. A path that is a URL of its own may mean another one. */
function isFor(listed: ReadonlySet<string>, { origin, path }: DispatchOptions): boolean {
  return typeof path === 'string' && path.startsWith('/') && isOriginIn(listed, origin)
}

function isOriginIn(listed: ReadonlySet<string | undefined>, origin: unknown): boolean {
  return typeof origin === 'string' && listed.has(parseUrl(origin)?.origin)
}

/** Whether a token may be sent to an origin: it is encrypted on its way, or does not leave this host. */
function isSafeOrigin(value: unknown): boolean {
  if (!isSerializedOrigin(value)) return false
  const { protocol, hostname } = new URL(value as string)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}
