import { optionInvalid } from '../errors.js'
import { PROVIDER_OPTION_RULES, type TokenProviderOptions } from '../options.js'
import { TokenProvider } from '../provider.js'
import { checkOptions, type OptionRule } from '../support/check-options.js'
import type { Logger } from '../support/logger.js'
import { PROVIDER_SHAPE } from '../support/provider-shape.js'
import type { AccessToken } from '../token/access-token.js'
import { type DEFAULT_MOUNT, MOUNT_RULES, type Mount, resolveMount } from './mount.js'
import { POLICY_RULES, type PolicyOptions } from './policy.js'

/** What the token route needs of a provider: an object of this shape will do. */
export interface TokenProviderLike {
  getToken(options?: {
    account?: string
    rejected?: string | { readonly accessToken: string }
    signal?: AbortSignal
  }): Promise<Pick<AccessToken, 'accessToken' | 'accessTokenId' | 'toResponse'>>
}

/** A provider of the adapter's own, made from the core's options. */
type OwnProviderOptions = TokenProviderOptions & { provider?: undefined }

/** The app's own provider, which has its own options. */
type GivenProviderOptions = Partial<Record<Exclude<keyof TokenProviderOptions, 'logger'>, undefined>> & {
  /**
   * Your own provider, which the adapter does not close. Of the core's options, only `logger` may be given with it.
   * Default: one of the adapter's own.
   */
  provider?: TokenProviderLike | undefined
  /** A logger in pino's shape. Default: silent, but warnings about the configuration go to `process.emitWarning()`. */
  logger?: Logger | undefined
}

/** The options of an adapter that does not mount the route itself: the core's, and the policy. */
export type UnmountedRouteOptions<Request> = PolicyOptions<Request> &
  (GivenProviderOptions | OwnProviderOptions)

/** The options of an adapter that mounts the route: the core's, the policy, `path` and `decorateAs`. */
export type TokenRouteOptions<Request> = (
  | NoRouteOptions<Request>
  | NamedMountOptions<Request>
  | DefaultMountOptions<Request>
) &
  (GivenProviderOptions | OwnProviderOptions)

interface NoRouteOptions<Request> extends Partial<PolicyOptions<Request>> {
  path: false
  decorateAs?: string | undefined
}

interface NamedMountOptions<Request> extends PolicyOptions<Request> {
  path: string | false
  decorateAs: string
}

interface DefaultMountOptions<Request> extends PolicyOptions<Request> {
  /** Where `GET` and `HEAD` are answered, a literal path; `false` mounts no route. Default: `'/bandwidth/token'`. */
  path?: string | false | undefined
  /** The name on the request. Default: `'bandwidthToken'`. Another one asks for a `path` of its own, or `false`. */
  decorateAs?: typeof DEFAULT_MOUNT.decorateAs | undefined
}

/** What an adapter tells the route about itself. */
export interface AdapterTraits {
  /** The rules of options that only this adapter has. Default: none. */
  readonly extraRules?: Readonly<Record<string, OptionRule>>
  /** The logger to use if the app gives none. Default: silent. */
  readonly logger?: Logger
  /** Whether the adapter mounts the route, and so has the options `path` and `decorateAs`. Default: `true`. */
  readonly isMounted?: boolean
}

/** An adapter's options, complete and checked. */
export interface ResolvedRouteOptions<Request> extends Mount {
  readonly provider: TokenProviderLike
  /** The provider, if the adapter made it. The adapter then warms it up and closes it. */
  readonly ownProvider: TokenProvider | undefined
  readonly policy: Partial<PolicyOptions<Request>>
  readonly logger: Logger | undefined
  /** The options given that only this adapter has. */
  readonly extra: Readonly<Record<string, unknown>>
}

/**
 * Checks the options of an adapter and makes its provider.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
 */
export function resolveRouteOptions<Request>(
  given: unknown,
  { extraRules = {}, logger: defaultLogger, isMounted = true }: AdapterTraits = {}
): ResolvedRouteOptions<Request> {
  const mountRules = isMounted ? MOUNT_RULES : {}
  const options = checkOptions(given, {
    provider: PROVIDER_SHAPE,
    ...mountRules,
    ...POLICY_RULES,
    ...PROVIDER_OPTION_RULES,
    ...extraRules
  })
  const mount = resolveMount(pick(options, mountRules))
  const policy = pick(options, POLICY_RULES)
  if (mount.path !== false && policy['authorize'] === undefined) {
    throw optionInvalid('authorize', undefined, POLICY_RULES.authorize[1])
  }
  const providerOptions = pick(options, PROVIDER_OPTION_RULES)
  const logger = (providerOptions['logger'] ?? defaultLogger) as Logger | undefined
  return {
    ...mount,
    ...resolveProvider(options['provider'] as TokenProviderLike | undefined, providerOptions, logger),
    policy,
    logger,
    extra: pick(options, extraRules)
  }
}

function resolveProvider(
  provider: TokenProviderLike | undefined,
  options: Readonly<Record<string, unknown>>,
  logger: Logger | undefined
): Pick<ResolvedRouteOptions<never>, 'provider' | 'ownProvider'> {
  if (provider === undefined) {
    const ownProvider = new TokenProvider({ ...options, logger })
    return { provider: ownProvider, ownProvider }
  }
  const stray = Object.keys(options).find((name) => name !== 'logger')
  if (stray === undefined) return { provider, ownProvider: undefined }
  throw optionInvalid(stray, options[stray], 'no value together with "provider", which has its own options')
}

/** The options for which `rules` has a rule. The copy has no prototype, like that of `checkOptions()`. */
function pick(
  options: Readonly<Record<string, unknown>>,
  rules: Readonly<Record<string, OptionRule>>
): Record<string, unknown> {
  const picked: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(options)) if (Object.hasOwn(rules, name)) picked[name] = options[name]
  return picked
}
