import type { AccessToken } from '@bandwidth-token/core'
import { TokenProvider } from '@bandwidth-token/core'
import fastifyDefault, {
  type FastifyBandwidthTokenOptions,
  fastifyBandwidthToken
} from '@bandwidth-token/fastify'
import Fastify from 'fastify'

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
  return app.bandwidthToken
}
