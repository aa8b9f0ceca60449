import type { AccountContext } from './account/account.js'
import { CREDENTIALS_RULES, type Credentials, fixedCredentials } from './acquisition/credentials.js'
import type { TokenDispatcher } from './endpoint/request.js'
import { optionInvalid } from './errors.js'
import type { TokenStore } from './store/token-store.js'
import { checkOptions, hasMethods, type OptionRule } from './support/check-options.js'
import { type Clock, systemClock } from './support/clock.js'
import type { Logger } from './support/logger.js'
import { parseUrl } from './support/url.js'

/** The options of a `TokenProvider`, all optional. Durations are milliseconds. */
export type TokenProviderOptions = (FixedCredentials | CredentialsFunction) & ProviderSettings

interface FixedCredentials {
  /** The client id from Bandwidth's portal. Default: `BW_CLIENT_ID` in the environment, read at construction. */
  clientId?: string | undefined
  /** The client secret from Bandwidth's portal. Default: `BW_CLIENT_SECRET` in the environment, read at construction. */
  clientSecret?: string | undefined
  credentials?: undefined
}

interface CredentialsFunction {
  /**
   * Called for every token request with the account, `''` where none was named, so that a rotated secret is picked
   * up without a restart. Excludes `clientId` and `clientSecret`. Let it throw for an account it does not know.
   */
  credentials: (account: string) => Credentials | Promise<Credentials>
  clientId?: undefined
  clientSecret?: undefined
}

interface ProviderSettings {
  /**
   * Bandwidth's network, a preset of `tokenUrl` and `scope`. Default: `'global'`. `'us'` is also the one for
   * Bandwidth's Voice, Messaging and Numbers APIs.
   */
  network?: 'global' | 'us' | undefined
  /** The token endpoint. Default: `BW_TOKEN_URL` in the environment, else that of `network`. */
  tokenUrl?: string | undefined
  /** The scope that is asked for; `''` sends none. Default: that of `network`. */
  scope?: string | undefined
  /** From this long before expiry on, a token is refreshed in the background. Default: 30,000. */
  refreshAheadMs?: number | undefined
  /** A token with less than this left is never handed out. Default: 10,000. */
  expiryMarginMs?: number | undefined
  /** The limit of one HTTP attempt, headers and body together. Default: 4,000. */
  timeoutMs?: number | undefined
  /** The limit of one acquisition with its retries. Default: 10,000. */
  deadlineMs?: number | undefined
  /** How many accounts' tokens are kept; the least recently used goes first. Default: 10,000. */
  maxTokens?: number | undefined
  /** A store that a fleet shares, so that it makes one request for all. Asks for `storeKeys`. Default: none. */
  store?: TokenStore | undefined
  /**
   * The keys that seal what is in the store, each 32 bytes in base64 or base64url, the same for the whole fleet. The
   * first seals, all open. `node -p "crypto.randomBytes(32).toString('base64url')"` makes one.
   */
  storeKeys?: readonly string[] | undefined
  /**
   * An undici 6, 7 or 8 `Dispatcher` to send requests with: a proxy, a custom CA, mTLS. It stays yours to close.
   * Default: an `Agent` of the provider's own.
   */
  dispatcher?: TokenDispatcher | undefined
  /** A logger in pino's shape. Default: silent, but warnings about the configuration go to `process.emitWarning()`. */
  logger?: Logger | undefined
  /** Where time comes from. Default: the system. */
  clock?: Clock | undefined
}

/** The options of a provider, complete and checked. */
export interface ResolvedOptions
  extends Omit<
    AccountContext,
    'endpoint' | 'log' | 'onChange' | 'places' | 'loadFleet' | 'gate' | 'isClosed' | 'inOwnContext'
  > {
  readonly tokenUrl: string
  readonly scope: string
  readonly maxTokens: number
  readonly store: TokenStore | undefined
  readonly storeKeys: readonly Buffer[]
  readonly dispatcher: TokenDispatcher | undefined
  readonly logger: Logger | undefined
}

/** Bandwidth's networks, from its documentation. */
const NETWORKS = {
  global: { tokenUrl: 'https://id.voxbone.com/api/v1/oauth2/token', scope: 'voice.webrtc' },
  us: { tokenUrl: 'https://api.bandwidth.com/api/v1/oauth2/token', scope: '' }
} as const

/** The longest delay that a Node timer takes. */
const MAX_DURATION_MS = 2 ** 31 - 1
const MAX_TOKENS = 1_000_000

const isDuration = (value: unknown) => typeof value === 'number' && value >= 0 && value <= MAX_DURATION_MS
const LIMIT: OptionRule = [
  (value) => isDuration(value) && value !== 0,
  `a number of milliseconds above 0 and at most ${MAX_DURATION_MS}`
]
const MARGIN: OptionRule = [isDuration, `a number of milliseconds from 0 to ${MAX_DURATION_MS}`]

const RULES: Readonly<Record<keyof TokenProviderOptions, OptionRule>> = {
  ...CREDENTIALS_RULES,
  credentials: [
    (value) => typeof value === 'function',
    'a function of the account that returns { clientId, clientSecret }'
  ],
  network: [(value) => typeof value === 'string' && Object.hasOwn(NETWORKS, value), '"global" or "us"'],
  tokenUrl: [
    isTokenUrl,
    'an https: URL (http: for a loopback host only) without user name, password and fragment'
  ],
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
  storeKeys: [
    (value) => Array.isArray(value) && value.length > 0 && value.every(isStoreKey),
    'an array of keys of 32 bytes each in base64 or base64url, as `node -p "crypto.randomBytes(32).toString(\'base64url\')"` makes them'
  ],
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
export const PROVIDER_RULES: Readonly<Record<string, OptionRule>> = RULES

/**
 * Checks options, fills in defaults and the environment, and freezes the result.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
 */
export function resolveOptions(given: unknown): ResolvedOptions {
  const options = checkOptions(given, RULES) as TokenProviderOptions
  const network = NETWORKS[options.network ?? 'global']
  const { refreshAheadMs = 30_000, expiryMarginMs = 10_000 } = options
  if (refreshAheadMs < expiryMarginMs) {
    throw optionInvalid('refreshAheadMs', refreshAheadMs, 'at least as much as "expiryMarginMs"')
  }
  if (options.store !== undefined && options.storeKeys === undefined) {
    throw optionInvalid('storeKeys', undefined, RULES.storeKeys[1])
  }
  if (options.store === undefined && options.storeKeys !== undefined) {
    throw optionInvalid('store', undefined, 'a TokenStore beside "storeKeys"')
  }
  return Object.freeze({
    store: options.store,
    storeKeys: (options.storeKeys ?? []).map((key) => Buffer.from(key, 'base64url')),
    credentials: resolveCredentials(options),
    mayReload: options.credentials !== undefined,
    tokenUrl: options.tokenUrl ?? environmentTokenUrl() ?? network.tokenUrl,
    scope: options.scope ?? network.scope,
    refreshAheadMs,
    expiryMarginMs,
    timeoutMs: options.timeoutMs ?? 4_000,
    deadlineMs: options.deadlineMs ?? 10_000,
    maxTokens: options.maxTokens ?? 10_000,
    dispatcher: options.dispatcher,
    logger: options.logger,
    clock: options.clock ?? systemClock
  })
}

function resolveCredentials(options: TokenProviderOptions): ResolvedOptions['credentials'] {
  const { clientId, clientSecret, credentials } = options
  if (credentials !== undefined) {
    for (const name of ['clientId', 'clientSecret'] as const) {
      if (options[name] !== undefined) throw optionInvalid(name, options[name], 'none beside "credentials"')
    }
    return credentials
  }
  const fixed = fixedCredentials({ clientId, clientSecret })
  return () => fixed
}

function environmentTokenUrl(): string | undefined {
  const value = process.env['BW_TOKEN_URL']
  if (value === undefined || value === '') return undefined
  if (!isTokenUrl(value)) throw optionInvalid('BW_TOKEN_URL', value, RULES.tokenUrl[1])
  return value
}

/** 32 bytes in base64 or base64url (RFC 4648), padded or not. */
function isStoreKey(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9+/_-]{43}=?$/.test(value)
}

function isTokenUrl(value: unknown): boolean {
  const url = typeof value === 'string' && !value.includes('#') ? parseUrl(value) : undefined
  if (url === undefined || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

/** Loopback hosts by name or address (RFC 6761 §6.3, RFC 1122 §3.2.1.3). */
function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
