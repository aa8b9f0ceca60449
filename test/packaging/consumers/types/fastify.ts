import type { AccessToken, TokenProviderLike } from '@bandwidth-token/core'
import { TokenProvider } from '@bandwidth-token/core'
import fastifyDefault, {
  type FastifyBandwidthTokenOptions,
  fastifyBandwidthToken
} from '@bandwidth-token/fastify'
import Fastify from 'fastify'

const credentials = { clientId: 'id', clientSecret: 'secret' }

export async function build(): Promise<TokenProvider> {
  const app = Fastify({ logger: true })
  await app.register(fastifyBandwidthToken, {
    authorize: (request) => request.headers['x-user'] === 'alice',
    account: (request) => request.hostname,
    routeOptions: { onRequest: async (request) => request.log.info('asked'), config: {} }
  })
  await app.register(fastifyDefault, { provider: new TokenProvider(), path: false, decorateAs: 'other' })
  const options: FastifyBandwidthTokenOptions = { authorize: async (request) => request.ip !== '' }
  app.register(fastifyBandwidthToken, { ...options, prefix: '/api' })

  app.get('/call', async (request) => {
    const token = await request.bandwidthToken()
    const typed: AccessToken = token
    // @ts-expect-error: the token is not `any`
    token.nothing
    return typed.expiresIn
  })

  // @ts-expect-error: the request is not `any`
  app.register(fastifyBandwidthToken, { authorize: (request) => request.nothing })
  // @ts-expect-error: a user is not a yes
  app.register(fastifyBandwidthToken, { authorize: (request) => request.headers['x-user'] })
  // @ts-expect-error: a misspelt option
  app.register(fastifyBandwidthToken, { authorize: () => true, allowedOrigin: [] })

  // What start-up refuses.
  // @ts-expect-error: nobody says who may have a token
  app.register(fastifyBandwidthToken)
  // @ts-expect-error: nor here
  app.register(fastifyBandwidthToken, { prefix: '/api' })
  // @ts-expect-error: two sources of credentials
  app.register(fastifyBandwidthToken, {
    authorize: () => true,
    clientId: 'id',
    credentials: () => credentials
  })
  // @ts-expect-error: the provider has options of its own
  app.register(fastifyBandwidthToken, { authorize: () => true, provider: new TokenProvider(), scope: '' })
  // @ts-expect-error: two plugins would answer at one path
  app.register(fastifyBandwidthToken, { authorize: () => true, decorateAs: 'other' })

  // What it takes.
  const perhaps: { provider?: TokenProviderLike } = {}
  app.register(fastifyBandwidthToken, { authorize: () => true, ...perhaps })
  app.register(fastifyBandwidthToken, { authorize: () => true, provider: perhaps.provider })
  app.register(fastifyBandwidthToken, { path: false })
  app.register(fastifyBandwidthToken, { authorize: () => true, decorateAs: 'third', path: '/third' })
  app.register(fastifyBandwidthToken, {
    authorize: (request) => request.ip !== '',
    credentials: () => credentials
  })
  app.register(fastifyBandwidthToken, {
    authorize: async (request) => request.ip !== '',
    clientId: process.env['CLIENT_ID'],
    clientSecret: process.env['CLIENT_SECRET'],
    prefix: '/api'
  })
  return app.bandwidthToken
}
