import { checkOptions, type OptionRule, type TokenRouteOptions } from '@bandwidth-token/core/adapter'
import type { FastifyRequest, RegisterOptions, RouteShorthandOptions } from 'fastify'

/** What an app may add to the token route: hooks up to `preHandler`, and settings for plugins and routing. */
export type TokenRouteShorthand = Pick<
  RouteShorthandOptions,
  'onRequest' | 'preParsing' | 'preValidation' | 'preHandler' | 'config' | 'logLevel' | 'constraints'
>

/** The options of the plugin: the core's, those of the token route, and Fastify's own for a plugin. */
export type FastifyBandwidthTokenOptions = TokenRouteOptions<FastifyRequest> &
  RegisterOptions & {
    /** Hooks and settings of the token route. Default: none. */
    routeOptions?: TokenRouteShorthand | undefined
  }

const ANYTHING: OptionRule = [() => true, 'what Fastify takes there']

const ROUTE_OPTION_RULES: Readonly<Record<keyof TokenRouteShorthand, OptionRule>> = {
  onRequest: ANYTHING,
  preParsing: ANYTHING,
  preValidation: ANYTHING,
  preHandler: ANYTHING,
  config: ANYTHING,
  logLevel: ANYTHING,
  constraints: ANYTHING
}

/** The options that only this adapter has. */
export const PLUGIN_RULES: Readonly<Record<string, OptionRule>> = {
  routeOptions: [
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object'
  ],
  prefix: ANYTHING,
  logLevel: ANYTHING,
  logSerializers: ANYTHING
}

/**
 * Checks `routeOptions`. What each of them may be, Fastify checks itself.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for any other key
 */
export function checkRouteOptions(given: unknown): TokenRouteShorthand {
  return checkOptions(given, ROUTE_OPTION_RULES, 'routeOptions.')
}
