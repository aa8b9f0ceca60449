import { bandwidthAuth } from '@bandwidth-token/core'
import t from 'tap'
import { answerWith, startEndpoint } from '../../support/endpoint.js'
import { versions } from './undici.js'

const LIMIT_MS = 5_000

for (const [name, { Agent }] of versions) {
  /** The status that a caller gets in time. */
  const ask = async (
    provider: Parameters<typeof bandwidthAuth>[0],
    agent: InstanceType<typeof Agent>,
    origin: string
  ) => {
    const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [origin] }))
    const signal = AbortSignal.timeout(LIMIT_MS)
    const { statusCode, body } = await dispatcher.request({ origin, path: '/', method: 'GET', signal })
    await body.dump()
    return statusCode
  }

  t.test(name, async (t) => {
    t.test('frees the connection of a 401 while it asks for another token', async (t) => {
      const api = await startEndpoint(t, (exchange) => {
        const isRefused = exchange.request.headers.authorization === 'Bearer token-1'
        return answerWith(isRefused ? 401 : 200, 'x'.repeat(10_000))(exchange)
      })
      const agent = new Agent({ connections: 1, pipelining: 1 })
      t.teardown(() => agent.destroy())
      const provider = {
        async getToken(options?: { rejected?: unknown }) {
          if (options?.rejected === undefined) return { accessToken: 'token-1' }
          const { body } = await agent.request({ origin: api.origin, path: '/token', method: 'GET' })
          await body.text()
          return { accessToken: 'token-2' }
        }
      }
      t.equal(await ask(provider, agent, api.origin), 200)
    })

    t.test('frees the connection of a 401 whose body stalls', async (t) => {
      const api = await startEndpoint(t, (exchange) => {
        if (exchange.request.headers.authorization !== 'Bearer token-1') return answerWith(200)(exchange)
        return exchange.response.writeHead(401).write('a part')
      })
      const agent = new Agent({ connections: 1 })
      t.teardown(() => agent.destroy())
      const provider = {
        getToken: async (options?: { rejected?: unknown }) => ({
          accessToken: options?.rejected === undefined ? 'token-1' : 'token-2'
        })
      }
      t.equal(await ask(provider, agent, api.origin), 200)
    })
  })
}
