import { isNamedBy, type RejectedToken } from './account/cached-token.js'
import { GET_TOKEN_RULES, type GetTokenOptions } from './account/get-token-options.js'
import type { TokenStatus } from './account/status.js'
import { BandwidthTokenError, type BandwidthTokenErrorCode, STATUS_CODES } from './errors.js'
import { CLOSED, toError } from './failure.js'
import type { TokenProvider } from './provider.js'
import { check, checkOptions, type OptionRule } from './support/check-options.js'
import type { Clock } from './support/clock.js'
import { AccessToken } from './token/access-token.js'

/** The options of `testProvider()`, all optional. */
export interface TestProviderOptions {
  /** The token itself. Default: `'test-access-token'`. */
  accessToken?: string | undefined
  /** Its id; `''` is a token without one. Default: `'test-access-token-id'`. */
  accessTokenId?: string | undefined
  /** Seconds that the token has left whenever you look, from 1 to 86,400. Default: 600. */
  expiresIn?: number | undefined
  /** The code of the error that every request for a token rejects with. Default: none, requests succeed. */
  error?: BandwidthTokenErrorCode | undefined
}

/** Everything that a `TokenProvider` has, and the calls that were made. */
export interface TestProvider extends Pick<TokenProvider, keyof TokenProvider> {
  /** The options of each `getToken()`, oldest first; `{}` for a call without any. */
  readonly calls: readonly GetTokenOptions[]
}

/**
 * A token provider for the tests of your app, without a network, a timer or credentials: pass it to an adapter as
 * `provider`. It behaves as a provider that has a token already, the same one for every account, and time stands
 * still for that token: `expiresIn` stays what you asked for.
 *
 * With `error` it has no token, and `getToken()`, `accessToken()` and `warmUp()` reject with an error of that code.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown or ill-typed option
 *
 * @example
 * const provider = testProvider({ error: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
 * const app = express().use(bandwidthToken({ provider, authorize: () => true }))
 */
export function testProvider(options?: TestProviderOptions): TestProvider {
  return new StillProvider(checkOptions(options, RULES) as TestProviderOptions)
}

/** The codes of failed requests: a real provider says with them when it will try again. */
const ENDPOINT_FAILURES: ReadonlySet<BandwidthTokenErrorCode> = new Set<BandwidthTokenErrorCode>([
  'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
  'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  'ERR_BANDWIDTH_TOKEN_TIMEOUT',
  'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID'
])
const RETRY_AFTER_S = 1

const RULES: Readonly<Record<keyof TestProviderOptions, OptionRule>> = {
  // RFC 6750 §2.1
  accessToken: [matches(/^[A-Za-z0-9._~+/-]+=*$/), 'a string of the characters that a bearer token may have'],
  accessTokenId: [
    matches(/^[A-Za-z0-9._~-]{0,128}$/),
    'a string of at most 128 letters, digits and . _ ~ -, or an empty one for a token without an id'
  ],
  expiresIn: [
    (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 86_400,
    'a whole number of seconds from 1 to 86400'
  ],
  error: [
    (value) => typeof value === 'string' && Object.hasOwn(STATUS_CODES, value),
    `one of the codes ${Object.keys(STATUS_CODES).join(', ')}`
  ]
}

class StillProvider implements TestProvider {
  readonly calls: GetTokenOptions[] = []
  readonly #token: AccessToken
  readonly #error: BandwidthTokenErrorCode | undefined
  #isClosed = false

  constructor({
    accessToken = 'test-access-token',
    accessTokenId = 'test-access-token-id',
    expiresIn = 600,
    error
  }: TestProviderOptions) {
    const now = Date.now()
    const clock: Clock = {
      now: () => now,
      monotonic: () => 0,
      setTimeout: () => undefined,
      clearTimeout() {}
    }
    const lifetimeMs = expiresIn * 1000
    const issuedAt = { wallMs: now, monotonicMs: 0 }
    this.#token = new AccessToken(
      { accessToken, accessTokenId: accessTokenId || undefined, lifetimeMs, issuedAt },
      clock
    )
    this.#error = error
  }

  async getToken(options?: GetTokenOptions): Promise<AccessToken> {
    const request: GetTokenOptions = { ...checkOptions(options, GET_TOKEN_RULES) }
    this.calls.push(request)
    return this.#request(request.signal)
  }

  peek(account = ''): AccessToken | undefined {
    check('account', account, GET_TOKEN_RULES.account)
    return this.#cached
  }

  readonly accessToken = async (): Promise<string> => (await this.getToken()).accessToken

  /** Returns whether the token was named. There is no other one, so it stays. */
  invalidate(rejected: RejectedToken, account = ''): boolean {
    check('rejected', rejected, GET_TOKEN_RULES.rejected)
    check('account', account, GET_TOKEN_RULES.account)
    const token = this.#cached
    return token !== undefined && isNamedBy(rejected, { token })
  }

  async warmUp(account = ''): Promise<void> {
    check('account', account, GET_TOKEN_RULES.account)
    this.#request()
  }

  status(account = ''): TokenStatus {
    check('account', account, GET_TOKEN_RULES.account)
    const cached = this.#cached
    const lastErrorCode = this.#isClosed ? undefined : this.#error
    const isFailing = lastErrorCode !== undefined
    return {
      state: cached !== undefined ? 'fresh' : isFailing ? 'cooling' : 'empty',
      expiresInMs: cached && cached.expiresIn * 1000,
      lastErrorCode,
      consecutiveFailures: isFailing ? 1 : 0,
      retryInMs: isFailing ? RETRY_AFTER_S * 1000 : undefined
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #cached(): AccessToken | undefined {
    return this.#isClosed || this.#error !== undefined ? undefined : this.#token
  }

  #request(signal?: AbortSignal): AccessToken {
    if (this.#isClosed) throw toError(CLOSED)
    signal?.throwIfAborted()
    if (this.#error !== undefined) throw createError(this.#error)
    return this.#token
  }
}

function createError(code: BandwidthTokenErrorCode): BandwidthTokenError {
  return new BandwidthTokenError(code, `testProvider() was asked to reject with ${code}.`, {
    retryAfter: ENDPOINT_FAILURES.has(code) ? RETRY_AFTER_S : undefined
  })
}

function matches(pattern: RegExp): OptionRule[0] {
  return (value) => typeof value === 'string' && pattern.test(value)
}
