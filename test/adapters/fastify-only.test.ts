import { fastifyBandwidthToken } from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import t from 'tap'
import { type Endpoint, fail, startEndpoint } from '../support/endpoint.js'

const INVALID = { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' }
const options = ({ tokenUrl }: Endpoint) => ({
  clientId: 'client',
  clientSecret: 'secret',
  tokenUrl,
  authorize: () => true
})

t.test('names the fix when another plugin has its name', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  app.decorateRequest('bandwidthToken', null as never)
  await t.rejects(async () => void (await app.register(fastifyBandwidthToken, options(endpoint))), {
    ...INVALID,
    message: /decorateAs/
  })
})

t.test('takes hooks and settings of the route, and no other key', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify({ exposeHeadRoutes: false })
  t.teardown(() => app.close())
  const calls: string[] = []
  await app.register(fastifyBandwidthToken, {
    ...options(endpoint),
    prefix: '/api',
    routeOptions: {
      onRequest: async () => void calls.push('onRequest'),
      preHandler: [async () => void calls.push('preHandler')],
      config: { rateLimit: { max: 5 } } as object
    }
  })
  t.equal((await app.inject('/api/bandwidth/token')).statusCode, 200)
  t.equal((await app.inject({ url: '/api/bandwidth/token', method: 'HEAD' })).statusCode, 200)
  t.strictSame(calls.slice(0, 2), ['onRequest', 'preHandler'])
  const headers = { 'sec-fetch-site': 'cross-site' }
  calls.length = 0
  t.equal((await app.inject({ url: '/api/bandwidth/token', headers })).statusCode, 403)
  t.strictSame(calls, [], 'the origin is checked before any hook')

  for (const routeOptions of [{ url: '/x' }, { method: 'POST' }, { schema: {} }, { handler: () => {} }]) {
    const other = Fastify()
    const register = async () =>
      void (await other.register(fastifyBandwidthToken, {
        ...options(endpoint),
        routeOptions: routeOptions as object
      }))
    await t.rejects(register, { ...INVALID, message: /routeOptions\./ })
    await other.close()
  }
  const other = Fastify()
  const register = async () =>
    void (await other.register(fastifyBandwidthToken, { ...options(endpoint), routeOptions: 'x' as never }))
  await t.rejects(register, INVALID)
})

t.test('warms up in the background when it listens, and starts without Bandwidth too', async (t) => {
  const endpoint = await startEndpoint(t, fail(401))
  const app = Fastify()
  await app.register(fastifyBandwidthToken, options(endpoint))
  await app.listen({ port: 0, host: '127.0.0.1' })
  for (let turn = 0; turn < 1_000 && app.bandwidthToken.status().consecutiveFailures === 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.equal(endpoint.count, 1)
  await app.close()
  await t.rejects(app.bandwidthToken.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
})

t.test('mounts no route where path is false', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, { ...options(endpoint), path: false })
  app.get('/id', async (request) => (await request.bandwidthToken()).accessTokenId)
  t.equal((await app.inject('/id')).body, 'id-1')
  t.equal((await app.inject('/bandwidth/token')).statusCode, 404)
})
