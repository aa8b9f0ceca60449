import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import {
  errorAnswer,
  errorHeaders,
  optionInvalid,
  type RouteAnswer,
  TokenRoute,
  type UnmountedRouteOptions
} from '@bandwidth-token/core/adapter'

/** The options of the handler: the core's, and who may have a token. */
export type TokenHandlerOptions<AppRequest extends Request = Request> = UnmountedRouteOptions<AppRequest>

/** The handler of the token route, with the provider of its tokens. */
export interface TokenHandler<AppRequest extends Request = Request> {
  (request: AppRequest): Promise<Response>
  readonly provider: TokenProvider
  /**
   * A valid token for the app's own code, of the request's account. `authorize` is not called.
   *
   * @throws what `account` throws, and as `TokenProvider.getToken()`; all of it rejects
   */
  tokenFor(request: AppRequest): Promise<AccessToken>
  /** Closes the provider, unless you passed your own. */
  close(): Promise<void>
}

/**
 * The token route of a web-standard server, as a function from `Request` to `Response`: it hands a Bandwidth access
 * token to the app's own pages. Mount it for `GET` and `HEAD`, at `/bandwidth/token`. It fetches nothing until it is
 * asked, and answers this package's errors itself. A `Response` that `authorize` or `account` throws is the answer.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option. The handler
 *   itself rejects with what `authorize` and `account` throw, if it is not a `Response`
 *
 * @example
 * const handler = tokenHandler({ authorize: (request) => isSignedIn(request.headers.get('cookie')) })
 */
export function tokenHandler<AppRequest extends Request = Request>(
  options: TokenHandlerOptions<AppRequest>
): TokenHandler<AppRequest> {
  const route = new TokenRoute<AppRequest>(options, { isMounted: false })
  const { provider, ownProvider } = route.options

  async function handler(request: AppRequest): Promise<Response> {
    const { method, url, headers, signal } = request
    const isHead = method === 'HEAD'
    if (method !== 'GET' && !isHead) {
      return new Response(null, { status: 405, headers: { ...errorHeaders(undefined), Allow: 'GET, HEAD' } })
    }
    const header = (name: string) => headers.get(name) ?? (name === 'host' ? new URL(url).host : undefined)
    try {
      return toResponse(await route.answer(request, { url, header, signal }), isHead)
    } catch (thrown) {
      if (canBeSent(thrown)) return await uncacheable(thrown, isHead)
      const error = isResponse(thrown) ? optionInvalid('authorize', thrown, SENDABLE, UNSENDABLE) : thrown
      const answer = errorAnswer(error)
      if (answer === undefined) throw error
      return toResponse(answer, isHead)
    }
  }

  return Object.assign(handler, {
    provider: provider as TokenProvider,
    tokenFor: (request: AppRequest) => route.tokenFor(request, request.signal),
    close: async () => ownProvider?.close()
  })
}

function toResponse({ status, headers, body }: RouteAnswer, isHead: boolean): Response {
  const length = { 'Content-Length': String(Buffer.byteLength(body)) }
  return new Response(isHead ? null : body, { status, headers: { ...headers, ...length } })
}

/** By its tag: frameworks have classes of their own, and a server may have loaded several. */
function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]'
}

const SENDABLE = 'a function that, like "account", throws a Response only with an unread body and a status'

const UNSENDABLE = 'one that threw a Response which cannot be sent: throw a new one each time'

/** Whether a thrown value can be the answer: a response that was read, or that of `Response.error()`, cannot. */
function canBeSent(thrown: unknown): thrown is Response {
  return isResponse(thrown) && !thrown.bodyUsed && !thrown.body?.locked && thrown.status !== 0
}

/** A copy, because the headers of some responses cannot be changed, and an app may throw one response many times. */
async function uncacheable(response: Response, isHead: boolean): Promise<Response> {
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(errorHeaders(response))) headers.set(name, value)
  return new Response(isHead ? null : await bodyOf(response), { status, statusText, headers })
}

/** The responses that were thrown before, and the body of each that was thrown more than once. */
const known = new WeakMap<Response, Promise<ArrayBuffer | null> | undefined>()

/** A copy of the body: streamed the first time. From the second time on, the body is read once for all later answers. */
function bodyOf(response: Response): Response['body'] | Promise<ArrayBuffer | null> {
  if (response.body === null) return null
  if (!known.has(response)) {
    known.set(response, undefined)
    return response.clone().body
  }
  // Each further copy would leave a branch that nobody reads.
  const body =
    known.get(response) ??
    response
      .clone()
      .arrayBuffer()
      .catch(() => null)
  known.set(response, body)
  return body
}
