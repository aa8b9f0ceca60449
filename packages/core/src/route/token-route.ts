import type { IncomingHttpHeaders } from 'node:http'
import { BandwidthTokenError, optionInvalid, UNCACHEABLE } from '../errors.js'
import { ACCOUNT_RULE } from '../provider.js'
import type { OptionRule } from '../support/check-options.js'
import { createLog, type Log } from '../support/logger.js'
import type { AccessToken } from '../token/access-token.js'
import { isOriginAllowed } from './origin.js'
import { type ResolvedRouteOptions, resolveRouteOptions } from './route-options.js'

/**
 * The token route without a framework: an adapter hands in what it knows of a request, and hands on what comes out.
 */
export class TokenRoute<Request> {
  readonly options: ResolvedRouteOptions<Request>
  readonly #log: Log

  /**
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
   */
  constructor(
    options: unknown,
    extraRules: Readonly<Record<string, OptionRule>> = {},
    defaultLogger?: Parameters<typeof createLog>[0]
  ) {
    this.options = resolveRouteOptions(options, extraRules, defaultLogger)
    this.#log = createLog(this.options.logger)
  }

  /** A valid token for a request of the app's own. */
  async tokenFor(request: Request): Promise<AccessToken> {
    const { provider } = this.options
    return provider.getToken(this.#accountOf(request)) as Promise<AccessToken>
  }

  /**
   * Refuses a request that another site's page makes.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN`
   */
  checkOrigin(headers: IncomingHttpHeaders): void {
    if (isOriginAllowed(headers, this.options.allowedOrigins)) return
    throw new BandwidthTokenError(
      'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN',
      'The token route was called from another origin. If its pages may have tokens, list it in "allowedOrigins".'
    )
  }

  /**
   * The headers and the JSON of a token for a page. `url` is that of the request, of which the query is read.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_FORBIDDEN`, what `authorize` throws, and as `TokenProvider.getToken()`
   */
  async answer(request: Request, url: string): Promise<{ headers: Record<string, string>; body: string }> {
    try {
      return await this.#answer(request, url)
    } catch (error) {
      // A framework takes `undefined` or "route" for no error at all, and would let the request go on.
      throw typeof error === 'object' && error !== null
        ? error
        : new Error('What the token route called threw what is no error.')
    }
  }

  async #answer(request: Request, url: string): Promise<{ headers: Record<string, string>; body: string }> {
    await this.#authorize(request)
    const { provider } = this.options
    const account = this.#accountOf(request)
    let token = await provider.getToken(account)
    const rejectedId = rejectedTokenId(url)
    if (rejectedId !== undefined && rejectedId === token.accessTokenId) {
      token = await provider.getToken({ ...account, rejected: token })
    }
    const headers = { ...UNCACHEABLE, 'Content-Type': 'application/json; charset=utf-8' }
    return { headers, body: JSON.stringify(token.toResponse()) }
  }

  /** The headers that an answer has to have when `error` leaves the route, whoever makes an answer of it. */
  errorHeaders(error: unknown): Record<string, string> {
    const { code, headers } = (error ?? {}) as Partial<BandwidthTokenError>
    return code?.startsWith?.('ERR_BANDWIDTH_TOKEN_') ? { ...headers, ...UNCACHEABLE } : { ...UNCACHEABLE }
  }

  async #authorize(request: Request): Promise<void> {
    const verdict = await this.options.authorize(request)
    if (verdict === true) return
    if (verdict !== false) {
      this.#log.warnOnce('"authorize" returned a value that is no boolean; anything but true is a 403')
    }
    throw new BandwidthTokenError('ERR_BANDWIDTH_TOKEN_FORBIDDEN', 'This request may not have a token.')
  }

  #accountOf(request: Request): { account: string } | undefined {
    if (this.options.account === undefined) return undefined
    const account = this.options.account(request)
    const [isValid, expected] = ACCOUNT_RULE
    if (isValid(account)) return { account: account as string }
    // An asynchronous function's: nobody else would hear what it rejects with.
    Promise.resolve(account).catch(() => {})
    throw optionInvalid('account', account, `a function that returns ${expected}`)
  }
}

/** The id of the token that a page says was refused (`?rejected=`); one well-formed value, or none. */
export function rejectedTokenId(url: string): string | undefined {
  // With its "?", of which the parser leaves one out.
  const values = new URLSearchParams(/\?.*/.exec(url)?.[0]).getAll('rejected')
  const [id] = values
  return values.length === 1 && id !== undefined && /^[A-Za-z0-9._~-]{1,128}$/.test(id) ? id : undefined
}
