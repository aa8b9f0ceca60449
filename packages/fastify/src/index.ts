import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import {
  errorHeaders,
  keepHeaders,
  nodeHeaders,
  optionInvalid,
  TokenRoute
} from '@bandwidth-token/core/adapter'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler
} from 'fastify'
import fp from 'fastify-plugin'
import { checkRouteOptions, type FastifyBandwidthTokenOptions, PLUGIN_RULES } from './options.js'

export type { FastifyBandwidthTokenOptions, TokenRouteShorthand } from './options.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The provider of the plugin. Declare another name (`decorateAs`) yourself. */
    bandwidthToken: TokenProvider
  }
  interface FastifyRequest {
    /** A Bandwidth access token, valid at the moment of the call. */
    bandwidthToken(): Promise<AccessToken>
  }
}

async function plugin(fastify: FastifyInstance, options: FastifyBandwidthTokenOptions): Promise<void> {
  const route = new TokenRoute<FastifyRequest>(options, {
    extraRules: PLUGIN_RULES,
    ...(isSilent(fastify.log) ? {} : { logger: fastify.log.child({ plugin: '@bandwidth-token/fastify' }) })
  })
  const { decorateAs, path, provider, ownProvider, policy, extra } = route.options
  if (fastify.hasDecorator(decorateAs) || fastify.hasRequestDecorator(decorateAs)) {
    throw optionInvalid('decorateAs', decorateAs, `a name other than "${decorateAs}", which is taken already`)
  }
  fastify.decorate(decorateAs, provider)
  fastify.decorateRequest(decorateAs, function (this: FastifyRequest) {
    return route.tokenFor(this)
  })
  if (ownProvider !== undefined) {
    fastify.addHook('onClose', () => ownProvider.close())
    // In the background, because the app must start even if Bandwidth is down. The provider logs a failure.
    if (policy.account === undefined) {
      fastify.addHook('onListen', () => void ownProvider.warmUp().catch(() => {}))
    }
  }
  if (path === false) return

  const { routeOptions: givenRouteOptions, ...childOptions } = extra
  const { onRequest = [], ...routeOptions } = checkRouteOptions(givenRouteOptions)
  // Hooks with a callback need no promise for each request.
  const checkOrigin: onRequestHookHandler = ({ headers }, _reply, done) => {
    try {
      route.checkOrigin(nodeHeaders(headers))
    } catch (error) {
      return done(error as Error)
    }
    done()
  }
  const mount = async (instance: FastifyInstance): Promise<void> => {
    instance.route({
      ...routeOptions,
      method: 'GET',
      url: path,
      exposeHeadRoute: true,
      onRequest: [checkOrigin, ...[onRequest].flat()],
      handler: async (request, reply) => {
        const { originalUrl: url, headers } = request
        try {
          const answer = await route.answer(request, { url, header: nodeHeaders(headers) })
          if (isAnswered(reply)) return undefined
          reply.code(answer.status).headers(answer.headers)
          return answer.body
        } catch (error) {
          if (isAnswered(reply)) return undefined
          throw error
        }
      },
      onError: async (_request, reply, error) => keepHeaders(reply.raw, errorHeaders(error))
    })
  }
  // Options such as `prefix` work in a plugin within this one only, because of fastify-plugin. That makes each request a
  // tenth slower.
  if (Object.keys(childOptions).length === 0) await mount(fastify)
  else fastify.register(mount, childOptions)
}

/**
 * Whether the app was made with `logger: false`. Fastify's logger then has no level, and one empty function for all of
 * them. It is not used, so that warnings about the configuration go to `process.emitWarning()`.
 */
function isSilent({ level, debug, warn, error }: FastifyBaseLogger): boolean {
  return level === undefined && debug === warn && warn === error
}

/** Whether the app has answered meanwhile, such as after a time-out of its own. Then write nothing. */
function isAnswered(reply: FastifyReply): boolean {
  return reply.sent || reply.raw.headersSent
}

/**
 * A valid Bandwidth access token for every request, and a guarded route that hands one to the app's own pages.
 * Register it after sessions, passport, CORS and rate limiting.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` at start-up for an unknown, ill-typed, missing or contradictory option
 *
 * @example
 * await app.register(fastifyBandwidthToken, { authorize: (request) => request.session.user !== undefined })
 */
export const fastifyBandwidthToken = fp(plugin, { fastify: '>=5.3 <6', name: '@bandwidth-token/fastify' })
export default fastifyBandwidthToken
