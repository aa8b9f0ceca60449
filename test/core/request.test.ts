import { createRequire } from 'node:module'
import { type Credentials, TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { Agent, type Dispatcher, MockAgent } from 'undici'
import {
  answerWith,
  grant,
  type ReceivedRequest,
  rejection,
  shiftableClock,
  startTokenServer,
  type TokenServer
} from '../support/token-server.js'

const { version } = createRequire(import.meta.url)('@bandwidth-token/core/package.json') as {
  version: string
}
const CREDENTIALS = { clientId: 'client', clientSecret: 'secret' }
const GLOBAL_URL = 'https://id.voxbone.com/api/v1/oauth2/token'
const US_URL = 'https://api.bandwidth.com/api/v1/oauth2/token'

t.beforeEach(() => {
  for (const name of ['BW_CLIENT_ID', 'BW_CLIENT_SECRET', 'BW_TOKEN_URL']) delete process.env[name]
})

function provide(t: Test, options: TokenProviderOptions): TokenProvider {
  const provider = new TokenProvider(options)
  t.teardown(() => provider.close())
  return provider
}

/** The one request that a provider with these options makes. */
async function requestOf(
  t: Test,
  options: TokenProviderOptions,
  path = '/api/v1/oauth2/token'
): Promise<ReceivedRequest & { server: TokenServer }> {
  const server = await startTokenServer(t)
  await provide(t, { tokenUrl: server.origin + path, ...options }).getToken()
  t.equal(server.requests.length, 1)
  return { ...(server.requests[0] as ReceivedRequest), server }
}

/** Where a provider sends its request, and the body, without sending it. */
async function destinationOf(
  t: Test,
  options: Omit<TokenProviderOptions, 'credentials'>
): Promise<{ url: string; body: string }> {
  let destination = { url: '', body: '' }
  const dispatcher: NonNullable<TokenProviderOptions['dispatcher']> = {
    async request({ origin, path, body }) {
      destination = { url: origin + path, body }
      throw new Error('not sent')
    }
  }
  await rejection(provide(t, { ...CREDENTIALS, deadlineMs: 50, ...options, dispatcher }).getToken())
  return destination
}

const basic = (text: string) => `Basic ${Buffer.from(text, 'utf8').toString('base64')}`

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
  await rejection(provide(t, { ...CREDENTIALS, deadlineMs: 50, dispatcher }).getToken())
  t.match(given, { headersTimeout: 0, bodyTimeout: 0 })
})

t.test('finds the token URL by option, then environment, then network', async (t) => {
  const urlOf = async (options: Omit<TokenProviderOptions, 'credentials'>) =>
    (await destinationOf(t, options)).url
  const tokenUrl = 'https://option.example/token'
  t.equal(await urlOf({}), GLOBAL_URL)
  t.equal(await urlOf({ network: 'global' }), GLOBAL_URL)
  t.equal(await urlOf({ network: 'us' }), US_URL)
  t.equal(await urlOf({ network: 'us', tokenUrl }), tokenUrl)

  process.env['BW_TOKEN_URL'] = 'https://environment.example/token'
  t.equal(await urlOf({}), 'https://environment.example/token')
  t.equal(await urlOf({ network: 'us' }), 'https://environment.example/token')
  t.equal(await urlOf({ tokenUrl }), tokenUrl)

  process.env['BW_TOKEN_URL'] = ''
  t.equal(await urlOf({ network: 'us' }), US_URL)
})

t.test('keeps the scope of the network beside a token URL of its own', async (t) => {
  process.env['BW_TOKEN_URL'] = 'https://environment.example/token'
  t.match(await destinationOf(t, {}), { body: /scope=voice\.webrtc$/ })
  t.notMatch(await destinationOf(t, { network: 'us' }), { body: /scope/ })
})

t.test('reads the environment at construction, and not again', async (t) => {
  const server = await startTokenServer(t)
  Object.assign(process.env, {
    BW_CLIENT_ID: 'env-id',
    BW_CLIENT_SECRET: 'env-secret',
    BW_TOKEN_URL: server.tokenUrl
  })
  const provider = provide(t, {})
  Object.assign(process.env, {
    BW_CLIENT_ID: 'later',
    BW_CLIENT_SECRET: 'later',
    BW_TOKEN_URL: 'https://later.example'
  })
  await provider.getToken()
  t.equal(server.requests[0]?.headers.authorization, basic('env-id:env-secret'))
})

t.test('takes each of the two credentials from the option first', async (t) => {
  Object.assign(process.env, { BW_CLIENT_ID: 'env-id', BW_CLIENT_SECRET: 'env-secret' })
  const authorizationOf = async (options: TokenProviderOptions) =>
    (await requestOf(t, options)).headers.authorization
  t.equal(await authorizationOf({ clientId: 'own' }), basic('own:env-secret'))
  t.equal(await authorizationOf({ clientSecret: 'own' }), basic('env-id:own'))
  t.equal(await authorizationOf({ clientId: undefined } as object), basic('env-id:env-secret'))
})

t.test('gives each account a token of its own with the shared credentials', async (t) => {
  const server = await startTokenServer(t)
  const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  const tokens = await Promise.all(['', 'a', 'b', 'a'].map((account) => provider.getToken({ account })))
  t.equal(new Set(tokens).size, 3)
  t.equal(tokens[1], tokens[3])
  t.equal(tokens[0], await provider.getToken())
  t.equal(server.requests.length, 3)
  t.ok(server.requests.every(({ headers }) => headers.authorization === basic('client:secret')))
})

t.test('accessToken is bound and resolves to the string', async (t) => {
  const server = await startTokenServer(t)
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
    const server = await startTokenServer(t)
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
    const server = await startTokenServer(t)
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
    const server = await startTokenServer(t)
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
  const server = await startTokenServer(t)
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

t.test('a credentials function', async (t) => {
  interface Vault {
    readonly calls: string[]
    readonly provider: TokenProvider
    readonly server: TokenServer
    readonly clock: ReturnType<typeof shiftableClock>
  }

  async function openVault(
    t: Test,
    look: (account: string, call: number) => Credentials | Promise<Credentials>
  ): Promise<Vault> {
    const server = await startTokenServer(t)
    const clock = shiftableClock()
    const calls: string[] = []
    const credentials = (account: string) => look(account, calls.push(account))
    return { calls, server, clock, provider: provide(t, { credentials, clock, tokenUrl: server.tokenUrl }) }
  }

  t.test('is called for every token request with the account', async (t) => {
    const { calls, provider, server, clock } = await openVault(t, async (account, call) => ({
      clientId: `id-${account}`,
      clientSecret: `secret-${call}`
    }))
    t.strictSame(calls, [], 'not before it is needed')
    await provider.getToken()
    await provider.getToken()
    await provider.getToken({ account: 'a' })
    t.strictSame(calls, ['', 'a'])
    clock.advance(600_000)
    await provider.getToken()
    t.strictSame(calls, ['', 'a', ''])
    t.strictSame(
      server.requests.map(({ headers }) => headers.authorization),
      [basic('id-:secret-1'), basic('id-a:secret-2'), basic('id-:secret-3')]
    )
  })

  t.test('is called for each attempt', async (t) => {
    const { calls, provider, server } = await openVault(t, (_, call) => ({
      clientId: 'id',
      clientSecret: `secret-${call}`
    }))
    server.answer = answerWith(503)
    await rejection(provider.getToken())
    t.strictSame(calls, ['', '', ''])
  })

  for (const status of [400, 401, 403]) {
    t.test(`is asked once more after a ${status}, and its new secret is used`, async (t) => {
      const { calls, provider, server } = await openVault(t, (_, call) => ({
        clientId: 'id',
        clientSecret: call === 1 ? 'old' : 'new'
      }))
      server.answer = (exchange) => {
        const isNew = exchange.request.headers.authorization === basic('id:new')
        return (isNew ? grant() : answerWith(status, { error: 'invalid_client' }))(exchange)
      }
      t.equal((await provider.getToken()).accessToken, 'token-2')
      t.equal(calls.length, 2)
    })

    t.test(`whose secret stays refused with ${status} cools down for a minute`, async (t) => {
      const { calls, provider, server, clock } = await openVault(t, () => ({
        clientId: 'id',
        clientSecret: 'old'
      }))
      server.answer = answerWith(status, { error: 'invalid_client' })
      const error = await rejection(provider.getToken())
      t.match(error, {
        code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
        statusCode: 502,
        attempts: 2,
        upstreamStatus: status,
        oauthError: 'invalid_client',
        retryAfter: 60
      })
      clock.advance(59_000)
      t.match(await rejection(provider.getToken()), { code: error['code'], retryAfter: 1 })
      t.equal(calls.length, 2)
      t.equal(server.requests.length, 2)

      clock.advance(1_001)
      server.answer = grant()
      t.equal((await provider.getToken()).accessToken, 'token-3')
    })
  }

  const throwing = (): never => {
    throw new Error('the vault says hunter2')
  }
  for (const [what, look] of [
    ['throws', throwing],
    ['rejects', () => Promise.reject(new Error('the vault says hunter2'))],
    ['gives undefined', () => undefined],
    ['gives null', () => null],
    ['gives a string', () => 'hunter2'],
    ['gives no secret', () => ({ clientId: 'id' })],
    ['gives an empty secret', () => ({ clientId: 'id', clientSecret: '' })],
    ['gives a secret that is no string', () => ({ clientId: 'id', clientSecret: 1 })],
    ['gives an id with a colon', () => ({ clientId: 'i:d', clientSecret: 'hunter2' })],
    ['gives an id with a control character', () => ({ clientId: 'i\nd', clientSecret: 'hunter2' })]
  ] as const) {
    t.test(`that ${what} is an error for a minute, and nothing is sent`, async (t) => {
      const { calls, provider, server, clock } = await openVault(t, look as () => Credentials)
      const error = await rejection(provider.getToken())
      t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', statusCode: 502, retryAfter: 60 })
      t.match(error.message, /"credentials" function/)
      t.notMatch(JSON.stringify([error, error.message, error.stack]), 'hunter2')
      t.equal(error.cause, undefined)
      t.notOk(error['attempts'], 'no attempt was made')
      clock.advance(59_000)
      await rejection(provider.getToken())
      t.equal(calls.length, 1)
      clock.advance(1_001)
      await rejection(provider.getToken())
      t.equal(calls.length, 2)
      t.equal(server.requests.length, 0)
    })
  }

  t.test('that fails for one account fails for no other', async (t) => {
    const { provider } = await openVault(t, (account) => {
      if (account === 'unknown') throw new Error('unknown')
      return { clientId: 'id', clientSecret: 'secret' }
    })
    const [unknown, known] = await Promise.allSettled([
      provider.getToken({ account: 'unknown' }),
      provider.getToken({ account: 'known' })
    ])
    t.equal(unknown.status, 'rejected')
    t.equal(known.status, 'fulfilled')
  })

  t.test('that hangs is given up at the deadline', async (t) => {
    const provider = provide(t, { credentials: () => new Promise<never>(() => {}), deadlineMs: 50 })
    t.match(await rejection(provider.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', statusCode: 504 })
  })
})

t.test('fixed credentials that are refused cool down for a minute after one request', async (t) => {
  const server = await startTokenServer(t, answerWith(401, { error: 'invalid_client' }))
  const clock = shiftableClock()
  const provider = provide(t, { ...CREDENTIALS, clock, tokenUrl: server.tokenUrl })
  t.match(await rejection(provider.getToken()), { attempts: 1, retryAfter: 60 })
  clock.advance(59_000)
  await rejection(provider.getToken())
  t.equal(server.requests.length, 1)
  clock.advance(1_001)
  await rejection(provider.getToken())
  t.equal(server.requests.length, 2)
})
