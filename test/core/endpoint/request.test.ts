import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import type { TokenProviderOptions } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { Agent, type Dispatcher, MockAgent } from 'undici'
import { type ReceivedRequest, startEndpoint } from '../../support/endpoint.js'
import { rejection } from '../../support/outcomes.js'
import { processEvents } from '../../support/process-events.js'
import { CREDENTIALS, provide } from '../../support/provide.js'
import { basic, requestOf } from '../../support/requested.js'

const { version } = createRequire(import.meta.url)('@bandwidth-token/core/package.json') as {
  version: string
}

t.beforeEach(() => {
  for (const name of ['BW_CLIENT_ID', 'BW_CLIENT_SECRET', 'BW_TOKEN_URL']) delete process.env[name]
})

t.test('sends what Bandwidth documents, byte for byte', async (t) => {
  const { server, method, url, rawHeaders, body } = await requestOf(t, {
    clientId: 'hgranger',
    clientSecret: 'Cr00k$h@nk$'
  })
  t.equal(method, 'POST')
  t.equal(url, '/api/v1/oauth2/token')
  t.equal(body, 'grant_type=client_credentials&scope=voice.webrtc')
  const headers = Object.fromEntries(
    rawHeaders.flatMap((name, index) =>
      index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1]]] : []
    )
  )
  t.strictSame(headers, {
    host: new URL(server.origin).host,
    connection: 'keep-alive',
    accept: 'application/json',
    authorization: 'Basic aGdyYW5nZXI6Q3IwMGskaEBuayQ=',
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
    'user-agent': `@bandwidth-token/core/${version}`
  })
})

for (const [clientId, clientSecret] of [
  ['id', 'with:colons:'],
  ['an id with spaces', ' spaces '],
  ['per%20cent', '100%&=+?/#'],
  ['größe', 'пароль-密码-🔑'],
  ['"id"', '"secret"']
] as const) {
  t.test(`sends the credentials ${JSON.stringify([clientId, clientSecret])} as raw UTF-8`, async (t) => {
    const { headers } = await requestOf(t, { clientId, clientSecret })
    t.equal(headers.authorization, basic(`${clientId}:${clientSecret}`))
  })
}

t.test('keeps the query of the token URL', async (t) => {
  const { url } = await requestOf(t, CREDENTIALS, '/token?tenant=a%20b&x=1')
  t.equal(url, '/token?tenant=a%20b&x=1')
})

t.test('asks the root where the token URL has no path', async (t) => {
  t.equal((await requestOf(t, CREDENTIALS, '')).url, '/')
})

t.test('asks for the scope of the network, or for the one that was given', async (t) => {
  const plain = 'grant_type=client_credentials'
  for (const [options, body] of [
    [{}, `${plain}&scope=voice.webrtc`],
    [{ network: 'global' }, `${plain}&scope=voice.webrtc`],
    [{ network: 'us' }, plain],
    [{ scope: '' }, plain],
    [{ network: 'us', scope: 'a.b c:d' }, `${plain}&scope=a.b+c%3Ad`],
    [{ network: 'us', scope: '' }, plain],
    [{ scope: 'a&grant_type=password' }, `${plain}&scope=a%26grant_type%3Dpassword`]
  ] as const) {
    t.equal((await requestOf(t, { ...CREDENTIALS, ...options })).body, body, JSON.stringify(options))
  }
})

t.test("leaves the time limits of a request to the provider's own clock", async (t) => {
  let given: object = {}
  const dispatcher: NonNullable<TokenProviderOptions['dispatcher']> = {
    async request(options) {
      given = options
      throw new Error('not sent')
    }
  }
  await rejection(provide(t, { ...CREDENTIALS, dispatcher }).getToken())
  t.match(given, { headersTimeout: 0, bodyTimeout: 0 })
})

t.test('gives each account a token of its own with the shared credentials', async (t) => {
  const server = await startEndpoint(t)
  const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  const tokens = await Promise.all(['', 'a', 'b', 'a'].map((account) => provider.getToken({ account })))
  t.equal(new Set(tokens).size, 3)
  t.equal(tokens[1], tokens[3])
  t.equal(tokens[0], await provider.getToken())
  t.equal(server.requests.length, 3)
  t.ok(server.requests.every(({ headers }) => headers.authorization === basic('client:secret')))
})

t.test('accessToken is bound and resolves to the string', async (t) => {
  const server = await startEndpoint(t)
  const { accessToken } = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  t.equal(await accessToken(), 'token-1')
  t.equal(await accessToken(), 'token-1')
  t.equal(server.requests.length, 1)
})

t.test('a dispatcher of the user', async (t) => {
  t.test('a MockAgent answers without a network', async (t) => {
    const agent = new MockAgent()
    agent.disableNetConnect()
    agent
      .get('https://id.voxbone.com')
      .intercept({
        path: '/api/v1/oauth2/token',
        method: 'POST',
        body: 'grant_type=client_credentials&scope=voice.webrtc',
        headers: { authorization: basic('client:secret'), accept: 'application/json' }
      })
      .reply(200, { access_token: 'mocked', access_token_id: 'id', expires_in: 600 })
    const provider = provide(t, { ...CREDENTIALS, dispatcher: agent })
    t.equal((await provider.getToken()).accessToken, 'mocked')
    agent.assertNoPendingInterceptors()
    await provider.close()
    t.doesNotThrow(() => agent.get('https://other.example'))
    await agent.close()
  })

  t.test('an Agent is used and stays open', async (t) => {
    const server = await startEndpoint(t)
    const agent = new Agent()
    t.teardown(() => agent.destroy())
    const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl, dispatcher: agent })
    t.equal((await provider.getToken()).accessToken, 'token-1')
    await provider.close()
    t.notOk(agent.closed)
    t.notOk(agent.destroyed)
    const answer = await agent.request({ origin: server.origin, path: '/', method: 'POST' })
    t.match(await answer.body.json(), { access_token: 'token-2' })
  })

  t.test('what its interceptors add is sent', async (t) => {
    const server = await startEndpoint(t)
    const agent = new Agent()
    t.teardown(() => agent.destroy())
    const dispatcher = agent.compose((dispatch) => (options, handler) => {
      const headers = { ...(options.headers as Record<string, string>), 'x-added': 'yes' }
      return dispatch({ ...options, headers }, handler)
    })
    await provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl, dispatcher }).getToken()
    t.equal(server.requests[0]?.headers['x-added'], 'yes')
  })

  t.test('is called as a method', async (t) => {
    const server = await startEndpoint(t)
    class Counting extends Agent {
      calls = 0
      override request(...args: Parameters<Dispatcher['request']>) {
        this.calls++
        return super.request(...args)
      }
    }
    const agent = new Counting()
    t.teardown(() => agent.destroy())
    await provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl, dispatcher: agent }).getToken()
    t.equal(agent.calls, 1)
  })

  t.test('whatever it throws is an error of ours', async (t) => {
    for (const thrown of [new Error('boom s3cret'), 'boom', undefined, null, Object.create(null)]) {
      const dispatcher = { request: () => Promise.reject(thrown) }
      const error = await rejection(provide(t, { ...CREDENTIALS, dispatcher }).getToken())
      t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
      t.notMatch(error.message, 'boom')
    }
  })

  t.test('one that throws at once is an error of ours', async (t) => {
    const dispatcher = {
      request(): never {
        throw new Error('boom')
      }
    }
    const error = await rejection(provide(t, { ...CREDENTIALS, dispatcher }).getToken())
    t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
  })
})

t.test('the provider closes the dispatcher of its own', async (t) => {
  const server = await startEndpoint(t)
  const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  let closed: Promise<void> | undefined
  const { answer } = server
  server.answer = (exchange) => {
    closed = new Promise((resolve) => exchange.socket.once('close', () => resolve()))
    return answer(exchange)
  }
  await provider.getToken()
  await provider.close()
  t.ok(closed)
  const sinceMs = performance.now()
  await closed
  t.ok(performance.now() - sinceMs < 2_000, 'at once, not when an idle connection would end')
})

t.test('lets a polluted prototype add nothing to the request', async (t) => {
  const pollution = {
    query: { stolen: 'yes' },
    'x-stolen': 'yes',
    reset: true,
    upgrade: 'websocket',
    throwOnError: true,
    responseHeaders: 'raw',
    maxRedirections: 3
  }
  for (const [name, value] of Object.entries(pollution)) {
    await t.test(name, async (t) => {
      const clean = await requestOf(t, CREDENTIALS)
      Object.defineProperty(Object.prototype, name, {
        value,
        configurable: true,
        writable: true,
        enumerable: true
      })
      t.teardown(() => Reflect.deleteProperty(Object.prototype, name))
      const server = await startEndpoint(t)
      await provide(t, { ...CREDENTIALS, tokenUrl: `${server.origin}/api/v1/oauth2/token` }).getToken()
      Reflect.deleteProperty(Object.prototype, name)
      const [{ method, url, rawHeaders, body }] = server.requests as [ReceivedRequest]
      t.strictSame({ method, url, body }, { method: 'POST', url: clean.url, body: clean.body })
      t.strictSame(rawHeaders.slice(2), clean.rawHeaders.slice(2))
    })
  }
})

t.test('what a dispatcher answers', async (t) => {
  /** The error of a provider whose dispatcher answers so. */
  const errorFor = async (t: Test, statusCode: number, headers: object, body: Readable) => {
    const dispatcher = { request: async () => ({ statusCode, headers, body }) } as unknown as NonNullable<
      TokenProviderOptions['dispatcher']
    >
    return rejection(provide(t, { ...CREDENTIALS, dispatcher }).getToken())
  }
  const text = (body: object) => Readable.from([Buffer.from(JSON.stringify(body))])

  t.test('has a Retry-After of its own, or none', async (t) => {
    const own = await errorFor(t, 429, { 'retry-after': '90' }, text({}))
    t.equal(own['retryAfter'], 90)
    const inherited = await errorFor(t, 400, Object.create({ 'retry-after': '90' }), text({}))
    t.equal(inherited['retryAfter'], 60)
  })

  t.test('is explained with 400, 401 and 403, and read with no other status', async (t) => {
    for (const statusCode of [400, 401, 403]) {
      const error = await errorFor(t, statusCode, {}, text({ error: 'invalid_client' }))
      t.match(error, { oauthError: 'invalid_client', upstreamStatus: statusCode })
    }
    for (const statusCode of [402, 404, 503]) {
      const body = text({ error: 'invalid_client' })
      const error = await errorFor(t, statusCode, {}, body)
      t.match(error, { oauthError: undefined, upstreamStatus: statusCode })
      t.ok(body.destroyed, 'and the connection is free')
    }
  })

  t.test('may fail after it was dropped', async (t) => {
    const uncaught = processEvents(t, 'uncaughtExceptionMonitor')
    const body = new Readable({
      read() {},
      destroy: (_error, done) => done(new Error('dropped'))
    })
    t.match(await errorFor(t, 404, {}, body), { upstreamStatus: 404 })
    await new Promise(setImmediate)
    t.strictSame(uncaught, [])
  })
})
