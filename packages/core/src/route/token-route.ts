import { createLog } from '../support/logger.js'
import type { AccessToken } from '../token/access-token.js'
import { type AdapterTraits, type ResolvedRouteOptions, resolveRouteOptions } from './adapter-options.js'
import { type RouteAnswer, TokenAnswers, toThrowable } from './answers.js'
import { Policy } from './policy.js'
import { type HeaderReader, type RouteRequest, rejectedTokenId } from './request.js'

/**
 * The token route without a framework. An adapter describes the request to it and writes the answer. `Request` is the
 * framework's own type, which is passed to `authorize` and `account`.
 */
export class TokenRoute<Request> {
  /** The checked options with their defaults, and the provider that they describe. */
  readonly options: ResolvedRouteOptions<Request>
  readonly #policy: Policy<Request>
  readonly #answers = new TokenAnswers()

  /**
   * Does no I/O.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
   */
  constructor(options: unknown, traits?: AdapterTraits) {
    this.options = resolveRouteOptions(options, traits)
    this.#policy = new Policy(this.options.policy, createLog(this.options.logger))
  }

  /**
   * A valid token for the app's own code. `authorize` is not called. `signal` ends the wait of this caller alone.
   *
   * @throws what `account` throws, and as `TokenProvider.getToken()`; all of it rejects
   */
  tokenFor(request: Request, signal?: AbortSignal): Promise<AccessToken> {
    try {
      // Not an async function: it would make another promise of the one that the provider has ready.
      return Promise.resolve(this.#getToken(this.#policy.accountOf(request), signal)) as Promise<AccessToken>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Refuses a request from a page of another origin. `answer()` does this too. An adapter for a framework with hooks
   * calls it before they run.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN`
   */
  checkOrigin(header: HeaderReader): void {
    this.#policy.checkOrigin(header)
  }

  /**
   * The answer with a token, for `GET` and `HEAD`. Everything that it throws is an object that frameworks can handle.
   * Before an adapter passes it on, it sets `errorHeaders()` on the response.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN`, `_FORBIDDEN`, what `authorize` and `account` throw, and as
   *   `TokenProvider.getToken()`; all of it rejects
   */
  async answer(request: Request, { url, header, signal }: RouteRequest): Promise<RouteAnswer> {
    try {
      this.#policy.checkOrigin(header)
      const verdict = this.#policy.authorize(request)
      if (verdict !== undefined) await verdict
      const account = this.#policy.accountOf(request)
      const token = await this.#getToken(account, signal)
      const rejectedId = rejectedTokenId(url)
      if (rejectedId === undefined || rejectedId !== token.accessTokenId) return this.#answers.of(token)
      return this.#answers.of(await this.#getToken(account, signal, token))
    } catch (thrown) {
      throw toThrowable(thrown)
    }
  }

  #getToken(
    account: string | undefined,
    signal: AbortSignal | undefined,
    rejected?: { accessToken: string }
  ) {
    const { provider } = this.options
    if (signal === undefined && rejected === undefined) {
      // The provider's hot path takes no options, or an account alone.
      return account === undefined ? provider.getToken() : provider.getToken({ account })
    }
    return provider.getToken({
      ...(account !== undefined && { account }),
      ...(signal !== undefined && { signal }),
      ...(rejected !== undefined && { rejected })
    })
  }
}
