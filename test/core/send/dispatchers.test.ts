import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { bandwidthAuth } from '@bandwidth-token/core'
import { testProvider } from '@bandwidth-token/core/testing'
import t, { type Test } from 'tap'
import type { Dispatcher } from 'undici'
import { selfSigned } from '../../support/certificates.js'
import { ConnectProxy } from '../../support/connect-proxy.js'
import { answerWith, startEndpoint } from '../../support/endpoint.js'
import { until } from '../../support/outcomes.js'
import { refuse, setStage } from './stage.js'
import { type Undici, versions } from './undici.js'

const OLD_MS = 6_000

function ends<T extends Dispatcher>(t: Test, dispatcher: T): T {
  t.teardown(() => dispatcher.destroy())
  return dispatcher
}

for (const [name, undici] of versions) {
  t.test(name, async (t) => {
    for (const [kind, fetchWith] of [
      ["undici's fetch", undici.fetch],
      // The fetch of Node takes the dispatchers of undici 6 and 7.
      ...(name === 'undici8' ? [] : [["Node's fetch", fetch] as const])
    ] as [string, Undici['fetch']][]) {
      t.test(`sends a token with ${kind}, and another one after a 401`, async (t) => {
        const { tokens, api, dispatcher, provider, sent } = await setStage(t, undici)
        api.answer = refuse('token-1')
        await provider.warmUp()
        await tokens.clock.advance(OLD_MS)
        const response = await fetchWith(`${api.origin}/`, { dispatcher })
        t.equal(response.status, 200)
        t.equal(await response.text(), 'well')
        t.strictSame(sent(), ['Bearer token-1', 'Bearer token-2'])
      })

      t.test(`passes on a 401 to a body of ${kind}, which is a stream for undici`, async (t) => {
        const { tokens, api, dispatcher, provider, sent } = await setStage(t, undici)
        api.answer = refuse('token-1')
        await provider.warmUp()
        await tokens.clock.advance(OLD_MS)
        const refused = await fetchWith(`${api.origin}/`, { dispatcher, method: 'POST', body: '{}' })
        t.equal(refused.status, 401)
        t.equal(await refused.text(), 'refused')
        await until(() => provider.peek()?.accessToken === 'token-2')
        const accepted = await fetchWith(`${api.origin}/`, { dispatcher, method: 'POST', body: '{}' })
        t.equal(accepted.status, 200)
        await accepted.text()
        t.strictSame(sent(), ['Bearer token-1', 'Bearer token-2'])
      })

      t.test(`sends no token with ${kind} after a redirect to another origin`, async (t) => {
        const { api, dispatcher, sent } = await setStage(t, undici)
        const other = await startEndpoint(t, answerWith(200, 'other'))
        api.answer = answerWith(302, '', { Location: `${other.origin}/caught` })
        t.equal(await (await fetchWith(`${api.origin}/`, { dispatcher })).text(), 'other')
        t.strictSame(sent(), ['Bearer token-1'])
        t.equal(other.requests[0]?.headers.authorization, undefined)
      })

      t.test(`leaves the Authorization that a caller of ${kind} has set`, async (t) => {
        const { api, dispatcher, sent } = await setStage(t, undici)
        const headers = { AUTHORIZATION: 'Basic own' }
        await (await fetchWith(`${api.origin}/`, { dispatcher, headers })).text()
        t.strictSame(sent(), ['Basic own'])
      })

      t.test(`lets a caller of ${kind} abort the wait for a token`, async (t) => {
        const { tokens, api, dispatcher } = await setStage(t, undici)
        tokens.answer = tokens.held()
        const signal = AbortSignal.timeout(20)
        await t.rejects(fetchWith(`${api.origin}/`, { dispatcher, signal }), { name: 'TimeoutError' })
        await tokens.release()
        t.equal(api.count, 0)
      })

      t.test(`rejects ${kind} with the provider's error as the cause`, async (t) => {
        const { tokens, api, dispatcher } = await setStage(t, undici)
        tokens.answer = answerWith(401)
        await t.rejects(fetchWith(`${api.origin}/`, { dispatcher }), {
          cause: { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' }
        })
        t.equal(api.count, 0)
      })
    }

    t.test(
      'sends a token to the listed origin through the tunnel of a proxy, and none to the proxy',
      async (t) => {
        const api = await startEndpoint(t, refuse())
        const proxy = await ConnectProxy.start(t, () => Number(new URL(api.origin).port))
        const agent = ends(t, new undici.ProxyAgent({ uri: proxy.url, proxyTunnel: true }))
        const provider = testProvider({ accessToken: 'ours' })
        const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [api.origin] }))
        await (await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })).body.dump()
        t.equal(api.requests[0]?.headers.authorization, 'Bearer ours')
        t.equal(proxy.requests[0]?.headers.authorization, undefined)
      }
    )

    t.test('retries of undici go through it, and do not touch its 401', async (t) => {
      for (const place of ['before', 'after']) {
        const { tokens, api, provider, sent } = await setStage(t, undici)
        const auth = bandwidthAuth(provider, { origins: [api.origin] })
        const retry = undici.interceptors.retry({ minTimeout: 1, maxRetries: 2 })
        const dispatcher = ends(t, new undici.Agent()).compose(
          ...(place === 'before' ? [auth, retry] : [retry, auth])
        )
        await provider.warmUp()
        await tokens.clock.advance(OLD_MS)
        api.answer = (exchange) =>
          exchange.number === 1 ? answerWith(503, 'later')(exchange) : refuse('token-1')(exchange)
        const { statusCode, body } = await dispatcher.request({
          origin: api.origin,
          path: '/',
          method: 'GET'
        })
        t.equal(statusCode, 200, place)
        t.equal(await body.text(), 'well')
        t.strictSame(sent(), ['Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
      }
    })

    if (name !== 'undici6') {
      t.test('sends another token over HTTP/2 too', async (t) => {
        const certificate = await selfSigned('127.0.0.1')
        const sent: unknown[] = []
        const server = createSecureServer(certificate, ({ headers }, response) => {
          const isRefused = sent.push(headers.authorization) === 1
          response.stream.respond({ ':status': isRefused ? 401 : 200 })
          response.stream.end((isRefused ? 'refused' : 'well').repeat(50_000))
        }).listen(0, '127.0.0.1')
        t.teardown(() => server.close())
        await once(server, 'listening')
        const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
        let issued = 0
        const provider = { getToken: async () => ({ accessToken: `token-${++issued}` }) }
        const connect = { rejectUnauthorized: false }
        const agent = ends(t, new undici.Agent({ allowH2: true, connect }))
        const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [origin] }))
        const { statusCode, body } = await dispatcher.request({ origin, path: '/', method: 'GET' })
        t.equal(statusCode, 200)
        t.equal((await body.text()).length, 'well'.length * 50_000)
        t.strictSame(sent, ['Bearer token-1', 'Bearer token-2'])
      })
    }

    if (name === 'undici8') {
      t.test(
        'sends no token to the origin of a Client that is not listed, whatever a request says',
        async (t) => {
          const [listed, other] = [
            await startEndpoint(t, answerWith(200)),
            await startEndpoint(t, answerWith(200))
          ]
          const interceptor = bandwidthAuth(testProvider(), { origins: [listed.origin] })
          const balanced = new undici.BalancedPool([other.origin])
          for (const client of [new undici.Client(other.origin), new undici.Pool(other.origin), balanced]) {
            const dispatcher = ends(t, client).compose(interceptor)
            for (const origin of [listed.origin, undefined]) {
              const options = { path: '/', method: 'GET', ...(origin && { origin }) } as const
              await (await dispatcher.request(options)).body.dump()
            }
          }
          t.equal(other.count, 6)
          for (const { headers } of other.requests) t.equal(headers.authorization, undefined)
        }
      )

      t.test('sends a token to the origin of a Client that is listed', async (t) => {
        const api = await startEndpoint(t, answerWith(200))
        const client = ends(t, new undici.Client(api.origin))
        const dispatcher = client.compose(bandwidthAuth(testProvider(), { origins: [api.origin] }))
        await (await dispatcher.request({ path: '/', method: 'GET' })).body.dump()
        t.equal(api.requests[0]?.headers.authorization, 'Bearer test-access-token')
      })
    }
  })
}
