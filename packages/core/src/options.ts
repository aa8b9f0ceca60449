import { CREDENTIALS_RULES, type Credentials, NAMES } from './acquisition/credentials.js'
import type { TokenDispatcher } from './endpoint/request.js'
import { environmentTokenUrl, fixedCredentials } from './environment.js'
import { optionInvalid } from './errors.js'
import type { TokenStore } from './store/token-store.js'
import { checkOptions, hasMethods, listOf, type OptionRule } from './support/check-options.js'
import { type Clock, systemClock } from './support/clock.js'
import type { Logger } from './support/logger.js'
import { isInsecure, isTokenUrl } from './support/url.js'

/**
 * All options of a `TokenProvider`. All are optional, all durations are milliseconds, and only own properties count.
 * `TokenProviderOptions` is the type to use; this interface is for option types that extend it.
 */
export interface ProviderOptions {
  /**
   * The client id from Bandwidth's portal, without `:` and control characters. Default: `BW_CLIENT_ID` in the
   * environment, read at construction.
   */
  clientId?: string | undefined
  /**
   * The client secret from Bandwidth's portal, without control characters. Default: `BW_CLIENT_SECRET` in the
   * environment, read at construction.
   */
  clientSecret?: string | undefined
  /**
   * A function that returns the credentials of an account, `''` if none was named. It is called for each token
   * request, so a rotated secret is picked up without a restart. Both properties must be the object's own: fields of
   * a class instance are, getters of its class are not. Throw for an account that you do not know. Cannot be combined
   * with `clientId` and `clientSecret`. Default: none.
   *
   * @example
   * credentials: async (account) => ({ clientId: 'my-client', clientSecret: await vault.read('bandwidth') })
   */
  credentials?: ((account: string) => Credentials | Promise<Credentials>) | undefined
  /**
   * Bandwidth's network: a preset of `tokenUrl` and `scope`. `'us'` is also right for Bandwidth's Voice, Messaging
   * and Numbers APIs. Default: `'global'`.
   */
  network?: 'global' | 'us' | undefined
  /**
   * The URL of the token endpoint: `https:`, or `http:` to a loopback host, without user name, password and
   * fragment. Default: `BW_TOKEN_URL` in the environment, read at construction; else that of `network`.
   */
  tokenUrl?: string | undefined
  /**
   * Allows a token URL with `http:` to any host, such as an emulator in another container. The client secret is then
   * sent unencrypted: never use it in production. Each provider made with it logs a warning. Default: `false`.
   */
  allowInsecureTokenUrl?: boolean | undefined
  /** The scope to ask for; `''` sends none. Default: that of `network`. */
  scope?: string | undefined
  /**
   * A token is refreshed in the background once it has less than this left, in milliseconds. At least
   * `expiryMarginMs`; at most a quarter of the token's lifetime is used. Default: 30,000.
   */
  refreshAheadMs?: number | undefined
  /**
   * A token with less than this left, in milliseconds, is never handed out. At most a tenth of the token's lifetime
   * is used. Default: 10,000.
   */
  expiryMarginMs?: number | undefined
  /** The limit of one HTTP request, headers and body together, in milliseconds. Default: 4,000. */
  timeoutMs?: number | undefined
  /** The limit of one acquisition of a token with its retries, in milliseconds. Default: 10,000. */
  deadlineMs?: number | undefined
  /**
   * How many accounts' tokens are cached, 1 to 1,000,000. Above that, the token that was not used for the longest
   * time is evicted. Set it to at least the number of accounts in use at the same time. Default: 10,000.
   */
  maxTokens?: number | undefined
  /** A store through which a fleet shares one token. Needs `storeKeys`. Default: none. */
  store?: TokenStore | undefined
  /**
   * The keys that seal what is in the store, the same for the whole fleet: each 32 bytes in base64 or base64url. The
   * first key encrypts, all of them decrypt, so that you can rotate a key. This command makes one:
   * `node -p "crypto.randomBytes(32).toString('base64url')"`. Default: none.
   */
  storeKeys?: readonly string[] | undefined
  /**
   * An undici 6, 7 or 8 `Dispatcher` that sends the requests: for a proxy, a custom CA, mTLS. Closing it is up to you.
   * Default: an `Agent` that the provider closes. It does not read `HTTPS_PROXY`; undici's `EnvHttpProxyAgent` does.
   */
  dispatcher?: TokenDispatcher | undefined
  /** A logger with the methods of pino: `debug`, `info`, `warn` and `error`. Default: none. */
  logger?: Logger | undefined
  /** The source of time and timers, for tests. Default: the system's. */
  clock?: Clock | undefined
}

/**
 * The options of a `TokenProvider`: `ProviderOptions`, either with `credentials` or with `clientId` and
 * `clientSecret`. All are optional.
 */
export type TokenProviderOptions = ProviderOptions &
  ({ credentials?: undefined } | { clientId?: undefined; clientSecret?: undefined })

/** The options of a provider, checked and complete. */
export interface ResolvedOptions {
  readonly credentials: (account: string) => Credentials | Promise<Credentials>
  /** Whether `credentials` is a function of the user's, which may return others when it is called again. */
  readonly mayReload: boolean
  readonly network: 'global' | 'us'
  readonly tokenUrl: string
  readonly scope: string
  readonly refreshAheadMs: number
  readonly expiryMarginMs: number
  readonly timeoutMs: number
  readonly deadlineMs: number
  readonly maxTokens: number
  readonly store: TokenStore | undefined
  readonly storeKeys: readonly Buffer[]
  readonly dispatcher: TokenDispatcher | undefined
  readonly logger: Logger | undefined
  readonly clock: Clock
  /** Warnings for the operator about the configuration. */
  readonly warnings: readonly string[]
}

/** Bandwidth's networks, as it documents them. */
const NETWORKS = {
  global: { tokenUrl: 'https://id.voxbone.com/api/v1/oauth2/token', scope: 'voice.webrtc' },
  us: { tokenUrl: 'https://api.bandwidth.com/api/v1/oauth2/token', scope: '' }
} as const

/** The longest delay of a timer in Node. */
const MAX_DURATION_MS = 2 ** 31 - 1
const MAX_TOKENS = 1_000_000

const isDuration = (value: unknown) => typeof value === 'number' && value >= 0 && value <= MAX_DURATION_MS
const LIMIT: OptionRule = [
  (value) => isDuration(value) && value !== 0,
  `a number of milliseconds above 0 and at most ${MAX_DURATION_MS}`
]
const MARGIN: OptionRule = [isDuration, `a number of milliseconds from 0 to ${MAX_DURATION_MS}`]

const RULES: Readonly<Record<keyof ProviderOptions, OptionRule>> = {
  ...CREDENTIALS_RULES,
  credentials: [
    (value) => typeof value === 'function',
    'a function of the account that returns { clientId, clientSecret }'
  ],
  network: [(value) => typeof value === 'string' && Object.hasOwn(NETWORKS, value), '"global" or "us"'],
  tokenUrl: [
    isTokenUrl,
    'an https: URL without user name, password and fragment; http: is for loopback hosts, or needs ' +
      '"allowInsecureTokenUrl"'
  ],
  allowInsecureTokenUrl: [(value) => typeof value === 'boolean', 'true or false'],
  // RFC 6749 §3.3
  scope: [
    (value) => typeof value === 'string' && /^([!#-[\]-~]+( [!#-[\]-~]+)*)?$/.test(value),
    'a string of scopes with one space between them, or an empty one to send none'
  ],
  refreshAheadMs: MARGIN,
  expiryMarginMs: MARGIN,
  timeoutMs: LIMIT,
  deadlineMs: LIMIT,
  maxTokens: [
    (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_TOKENS,
    `a whole number from 1 to ${MAX_TOKENS}`
  ],
  store: [hasMethods('get', 'set', 'delete', 'lock', 'unlock'), 'a TokenStore'],
  storeKeys: listOf(
    isStoreKey,
    'an array of keys of 32 bytes each in base64 or base64url, as `node -p "crypto.randomBytes(32).toString(\'base64url\')"` makes them',
    1
  ),
  dispatcher: [hasMethods('request'), 'an undici Dispatcher'],
  logger: [
    hasMethods('debug', 'info', 'warn', 'error'),
    'a logger with the methods debug, info, warn and error'
  ],
  clock: [
    hasMethods('now', 'monotonic', 'setTimeout', 'clearTimeout'),
    'a clock with the methods now, monotonic, setTimeout and clearTimeout'
  ]
}

/** What each option of a provider must be. */
export const PROVIDER_OPTION_RULES: Readonly<Record<string, OptionRule>> = RULES

/**
 * Checks the options, completes them from the environment and the defaults, and freezes the result.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
 */
export function resolveOptions(given: unknown): ResolvedOptions {
  const options = checkOptions(given, RULES) as ProviderOptions
  const { network = 'global', refreshAheadMs = 30_000, expiryMarginMs = 10_000 } = options
  if (refreshAheadMs < expiryMarginMs) {
    throw options.refreshAheadMs === undefined
      ? optionInvalid(
          'expiryMarginMs',
          expiryMarginMs,
          `at most ${refreshAheadMs}, or a larger "refreshAheadMs" too`
        )
      : optionInvalid('refreshAheadMs', refreshAheadMs, 'at least as much as "expiryMarginMs"')
  }
  checkStore(options)
  const { credentials, warnings } = resolveCredentials(options)
  const tokenUrl = resolveTokenUrl(options) ?? NETWORKS[network].tokenUrl
  return Object.freeze({
    credentials,
    store: options.store,
    storeKeys: (options.storeKeys ?? []).map((key) => Buffer.from(key, 'base64url')),
    mayReload: options.credentials !== undefined,
    network,
    tokenUrl,
    scope: options.scope ?? NETWORKS[network].scope,
    refreshAheadMs,
    expiryMarginMs,
    timeoutMs: options.timeoutMs ?? 4_000,
    deadlineMs: options.deadlineMs ?? 10_000,
    maxTokens: options.maxTokens ?? 10_000,
    dispatcher: options.dispatcher,
    logger: options.logger,
    clock: options.clock ?? systemClock,
    warnings: options.allowInsecureTokenUrl ? [...warnings, INSECURE] : warnings
  })
}

const INSECURE =
  'The option "allowInsecureTokenUrl" is set: a token URL with "http:" sends the client secret unencrypted. Never ' +
  'use it in production.'

function resolveCredentials(options: ProviderOptions): Pick<ResolvedOptions, 'credentials' | 'warnings'> {
  const { clientId, clientSecret, credentials } = options
  if (credentials !== undefined) {
    for (const name of NAMES) {
      if (options[name] !== undefined)
        throw optionInvalid(name, options[name], 'no value together with "credentials"')
    }
    return { credentials, warnings: [] }
  }
  const fixed = fixedCredentials({ clientId, clientSecret })
  return { credentials: () => fixed.credentials, warnings: fixed.warnings }
}

/** The token URL of the options, else of the environment. */
function resolveTokenUrl(options: ProviderOptions): string | undefined {
  const [name, value] =
    options.tokenUrl === undefined ? environmentTokenUrl() : ['tokenUrl', options.tokenUrl]
  if (value === undefined) return undefined
  const [isValid, expected] = RULES.tokenUrl
  const isAllowed = isValid(value) && (options.allowInsecureTokenUrl || !isInsecure(value))
  if (!isAllowed) throw optionInvalid(name, value, expected)
  return value
}

function checkStore({ store, storeKeys }: ProviderOptions): void {
  if (store !== undefined && storeKeys === undefined) {
    throw optionInvalid('storeKeys', storeKeys, `${RULES.storeKeys[1]}, together with "store"`)
  }
  if (store === undefined && storeKeys !== undefined) {
    throw optionInvalid('store', store, `${RULES.store[1]} together with "storeKeys"`)
  }
}

/** 32 bytes in base64 or base64url (RFC 4648), padded or not. */
function isStoreKey(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9+/_-]{43}=?$/.test(value)
}
