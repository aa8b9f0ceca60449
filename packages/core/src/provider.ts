import { Account } from './account/account.js'
import { AccountCache } from './account/account-cache.js'
import type { AccountContext } from './account/account-context.js'
import { AccountLog } from './account/account-log.js'
import type { RejectedToken } from './account/cached-token.js'
import {
  ACCOUNT_RULE,
  accountAlone,
  GET_TOKEN_RULES,
  type GetTokenOptions
} from './account/get-token-options.js'
import { OutageLog } from './account/outage-log.js'
import type { TokenStatus } from './account/status.js'
import { gatesOf } from './acquisition/client-gate.js'
import { fleetLoader } from './acquisition/fleet-member.js'
import { Places } from './acquisition/places.js'
import { DefaultAgent } from './endpoint/agent.js'
import { CLOSED, toError } from './failure.js'
import { PauseWatch } from './observe/pause-watch.js'
import { publishServeError } from './observe/serve-error.js'
import { resolveOptions, type TokenProviderOptions } from './options.js'
import { rememberContext } from './support/async-context.js'
import { check, checkOptions } from './support/check-options.js'
import { createLog } from './support/logger.js'
import type { AccessToken } from './token/access-token.js'

const EVICTED =
  'A valid token was evicted from the cache to make room for another account. Raise "maxTokens" if you have the memory.'

/**
 * Fetches, caches, refreshes and guards Bandwidth access tokens. Hold one for the life of the process.
 *
 * @example
 * const provider = new TokenProvider({ clientId, clientSecret })
 * const { authorization } = await provider.getToken()
 */
export class TokenProvider {
  readonly #cache: AccountCache
  readonly #context: AccountContext<Account>
  readonly #agent: DefaultAgent | undefined
  readonly #closed = new AbortController()
  #closing: Promise<void> | undefined

  /**
   * Does no I/O.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
   */
  constructor(options?: TokenProviderOptions) {
    const {
      tokenUrl,
      scope,
      dispatcher,
      logger,
      maxTokens,
      store,
      storeKeys,
      network,
      warnings,
      ...resolved
    } = resolveOptions(options)
    const agent = dispatcher === undefined ? new DefaultAgent(resolved.timeoutMs) : undefined
    const inOwnContext = rememberContext()
    const log = createLog(logger)
    const endpoint = { tokenUrl, scope, dispatcher: dispatcher ?? (agent as DefaultAgent).dispatcher }
    const destination = { tokenUrl, network, hasDispatcher: dispatcher !== undefined }
    const outages = new OutageLog(log, destination, resolved.mayReload)
    const cache = new AccountCache(maxTokens, () => log.warnOnce(EVICTED))
    this.#agent = agent
    this.#cache = cache
    this.#context = {
      ...resolved,
      endpoint,
      log,
      accountLog: new AccountLog({ clock: resolved.clock, log, endpoint, inOwnContext }, outages),
      loadFleet:
        store &&
        fleetLoader({
          store,
          storeKeys,
          tokenUrl,
          scope,
          log,
          clock: resolved.clock,
          closed: this.#closed.signal
        }),
      places: new Places(),
      gateOfAccount: gatesOf({ isOneClient: !resolved.mayReload }),
      inOwnContext,
      pauseWatch: new PauseWatch(resolved.clock, inOwnContext),
      isClosed: () => this.#closed.signal.aborted,
      onChange: (account) => {
        if (!this.#closed.signal.aborted) cache.update(account)
      }
    }
    for (const warning of warnings) log.warnConfiguration(warning)
  }

  /**
   * A valid token: the cached one, or one that is fetched now. A failure of the endpoint reaches a caller only when
   * there is no valid token.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED`, `_UNAVAILABLE`, `_TIMEOUT`, `_RESPONSE_INVALID` if no token
   *   can be obtained, `_OPTION_INVALID` for a bad argument, `_CLOSED` after `close()`; the signal's reason once it is
   *   aborted. All of them reject.
   */
  getToken(options?: GetTokenOptions): Promise<AccessToken> {
    try {
      return this.#hot(options) ?? this.#getToken(options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The hot path, if the options name an account and nothing else: the cached promise. */
  #hot(options: GetTokenOptions | undefined): Promise<AccessToken> | undefined {
    const account = options === undefined ? '' : accountAlone(options)
    if (account === undefined) return undefined
    const known = this.#cache.get(account)
    return known?.hot(this.#context.clock.now()) ?? known?.join()
  }

  #getToken(options?: GetTokenOptions): Promise<AccessToken> {
    const { account = '', minimumLifetimeMs, rejected, signal } = this.#checkCaller(options)
    signal?.throwIfAborted()
    return this.#account(account).getToken(minimumLifetimeMs, rejected, signal)
  }

  /** The options of a caller, unless the provider is closed. */
  #checkCaller(options: unknown): GetTokenOptions {
    let caller: GetTokenOptions = {}
    try {
      caller = checkOptions(options, GET_TOKEN_RULES)
      if (this.#closed.signal.aborted) throw toError(CLOSED)
      return caller
    } catch (error) {
      publishServeError(error, { account: caller.account ?? '', sinceMs: undefined }, this.#context)
      throw error
    }
  }

  /**
   * The valid cached token of the account, or `undefined`. Never fetches, but counts as a use of the token: one that was
   * used before its refresh instant is refreshed then.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for a bad account
   */
  peek(account = ''): AccessToken | undefined {
    check('account', account, ACCOUNT_RULE)
    return this.#cache.get(account)?.peek()
  }

  /**
   * The string of a valid token of the default account. Bound, so that you can pass it on:
   * `new Configuration({ accessToken: provider.accessToken })` of `bandwidth-sdk`.
   *
   * @throws as `getToken()`
   */
  readonly accessToken = async (): Promise<string> => (await this.getToken()).accessToken

  /**
   * Drops the cached token if it is the named one and at least 5 s old. Returns whether it did. Only for your server's
   * own code: with `getToken({ rejected })`, other callers still get the cached token meanwhile.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for a bad argument
   */
  invalidate(rejected: RejectedToken, account = ''): boolean {
    check('rejected', rejected, GET_TOKEN_RULES.rejected)
    check('account', account, ACCOUNT_RULE)
    return this.#cache.get(account)?.invalidate(rejected) ?? false
  }

  /**
   * Fetches a token now if there is no valid one.
   *
   * @throws as `getToken()`; all of them reject
   */
  async warmUp(account = ''): Promise<void> {
    this.#checkCaller({ account })
    await this.#account(account).warmUp()
  }

  /**
   * The condition of the account's token, for health checks. No secret is in it.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for a bad account
   */
  status(account = ''): TokenStatus {
    check('account', account, ACCOUNT_RULE)
    return this.#account(account).status()
  }

  /**
   * Ends timers, aborts requests and closes the provider's own dispatcher. Later calls reject with
   * `ERR_BANDWIDTH_TOKEN_CLOSED`. Idempotent.
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      // Closing can call functions of the user, which may call `close()` again.
      this.#closed.abort()
      this.#closing = this.#close()
    }
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#context.pauseWatch.close()
    this.#cache.close()
    await this.#agent?.destroy()
  }

  #account(key: string): Account {
    return this.#cache.get(key) ?? new Account(key, this.#context)
  }
}
