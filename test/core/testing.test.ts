import { inspect } from 'node:util'
import { TokenProvider } from '@bandwidth-token/core'
import { type TestProviderOptions, testProvider } from '@bandwidth-token/core/testing'
import { bandwidthToken } from '@bandwidth-token/express'
import { fastifyBandwidthToken } from '@bandwidth-token/fastify'
import { install } from '@sinonjs/fake-timers'
import express from 'express'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { ask } from '../support/adapters-http.js'
import { rejection } from '../support/outcomes.js'

const CODES = {
  ERR_BANDWIDTH_TOKEN_OPTION_INVALID: 500,
  ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED: 502,
  ERR_BANDWIDTH_TOKEN_UNAVAILABLE: 503,
  ERR_BANDWIDTH_TOKEN_TIMEOUT: 504,
  ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID: 502,
  ERR_BANDWIDTH_TOKEN_FORBIDDEN: 403,
  ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN: 403,
  ERR_BANDWIDTH_TOKEN_CLOSED: 503
} as const
const codes = Object.entries(CODES) as [keyof typeof CODES, number][]
const UNAVAILABLE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'

/** What a function throws. */
function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

t.test('has all that a TokenProvider has', async (t) => {
  const real = new TokenProvider({ clientId: 'id', clientSecret: 'secret' })
  t.teardown(() => real.close())
  const members = [...Reflect.ownKeys(TokenProvider.prototype), ...Reflect.ownKeys(real)]
  const typesOf = (provider: object) =>
    members.map((name) => [String(name), typeof Reflect.get(provider, name)]).sort()
  t.ok(members.length >= 9)
  t.strictSame(typesOf(testProvider()), typesOf(real))
})

t.test('hands out a token that is like a real one, and never in print', async (t) => {
  const provider = testProvider({ accessToken: 'a.secret.token', accessTokenId: 'the-id', expiresIn: 42 })
  const token = await provider.getToken()
  t.match(token, {
    accessToken: 'a.secret.token',
    accessTokenId: 'the-id',
    tokenType: 'Bearer',
    expiresIn: 42,
    authorization: 'Bearer a.secret.token'
  })
  t.equal(token.expiresAt.getTime() - token.issuedAt.getTime(), 42_000)
  t.strictSame(token.toResponse(), {
    access_token: 'a.secret.token',
    access_token_id: 'the-id',
    token_type: 'Bearer',
    expires_in: 42
  })
  t.equal(inspect(token), '[AccessToken the-id, 42 s left]')
  for (const text of [
    inspect(provider, { depth: 9, showHidden: true }),
    JSON.stringify({ provider, token })
  ]) {
    t.notMatch(text, /a\.secret\.token/)
  }
})

t.test('has a default for everything', async (t) => {
  t.strictSame((await testProvider().getToken()).toResponse(), {
    access_token: 'test-access-token',
    access_token_id: 'test-access-token-id',
    token_type: 'Bearer',
    expires_in: 600
  })
  t.strictSame((await testProvider({ accessToken: undefined, error: undefined }).getToken()).expiresIn, 600)
})

t.test('an empty accessTokenId is a token without an id', async (t) => {
  const token = await testProvider({ accessTokenId: '' }).getToken()
  t.equal(token.accessTokenId, undefined)
  t.notOk('access_token_id' in token.toResponse())
})

t.test('has the same token at every turn, as a provider that is warm', async (t) => {
  const provider = testProvider()
  const token = await provider.getToken({ account: 'a' })
  t.equal(provider.peek(), token)
  t.equal(provider.peek('b'), token)
  t.equal(await provider.getToken({ rejected: token }), token)
  const { accessToken } = provider
  t.equal(await accessToken(), token.accessToken)
  await provider.warmUp()
  t.strictSame(provider.status(), {
    state: 'fresh',
    expiresInMs: 600_000,
    lastErrorCode: undefined,
    consecutiveFailures: 0,
    retryInMs: undefined
  })
})

t.test('time stands still for its token', async (t) => {
  const token = await testProvider().getToken()
  const clock = install({ toFake: ['Date', 'performance'] })
  t.teardown(() => clock.uninstall())
  clock.tick(3_600_000)
  t.equal(token.expiresIn, 600)
})

t.test('knows whether its token is meant', async (t) => {
  const provider = testProvider({ accessToken: 'token', accessTokenId: 'id' })
  const token = await provider.getToken()
  for (const named of [token, 'token', 'id']) t.equal(provider.invalidate(named), true)
  t.equal(provider.invalidate('another'), false)
  t.equal(provider.peek(), token, 'there is no other one')
})

t.test('lists the options of each getToken()', async (t) => {
  const provider = testProvider()
  const { signal } = new AbortController()
  await provider.getToken()
  await provider.getToken({ account: 'a', minimumLifetimeMs: 5, signal, rejected: undefined })
  await provider.accessToken()
  await provider.warmUp()
  provider.peek()
  t.strictSame(provider.calls, [{}, { account: 'a', minimumLifetimeMs: 5, signal }, {}])
  const failing = testProvider({ error: UNAVAILABLE })
  await t.rejects(failing.getToken({ account: 'b' }))
  t.strictSame(failing.calls, [{ account: 'b' }], 'those that fail too')
})

for (const [code, status] of codes) {
  t.test(`rejects with ${code} and its status ${status}`, async (t) => {
    const provider = testProvider({ error: code })
    const error = await rejection(provider.getToken())
    const message = `testProvider() was asked to reject with ${code}.`
    t.match(error, { name: 'BandwidthTokenError', code, message, status, statusCode: status })
    t.not(await rejection(provider.getToken()), error, 'each caller gets an error of its own')
    await t.rejects(provider.accessToken(), { code })
    await t.rejects(provider.warmUp(), { code })
    t.equal(provider.peek(), undefined)
    t.equal(provider.invalidate('test-access-token'), false)
    t.match(provider.status(), {
      state: 'cooling',
      lastErrorCode: code,
      consecutiveFailures: 1,
      retryInMs: 1_000
    })
    const isEndpoints = status > 500 && code !== 'ERR_BANDWIDTH_TOKEN_CLOSED'
    t.equal(error['retryAfter'], isEndpoints ? 1 : undefined)
  })
}

t.test('an aborted signal rejects with its reason', async (t) => {
  const reason = new Error('gone')
  await t.rejects(testProvider().getToken({ signal: AbortSignal.abort(reason) }), reason)
})

t.test('has no token after close()', async (t) => {
  for (const options of [{}, { error: UNAVAILABLE } as const]) {
    const provider = testProvider(options)
    await provider.close()
    await provider[Symbol.asyncDispose]()
    await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
    await t.rejects(provider.warmUp(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
    t.equal(provider.peek(), undefined)
    t.match(provider.status(), { state: 'empty', consecutiveFailures: 0 })
  }
})

t.test('refuses a bad argument as a TokenProvider does', async (t) => {
  const real = new TokenProvider({ clientId: 'id', clientSecret: 'secret' })
  t.teardown(() => real.close())
  const fake = testProvider()
  const long = 'a'.repeat(257)
  const calls: ((provider: Pick<TokenProvider, keyof TokenProvider>) => unknown)[] = [
    (provider) => provider.getToken({ acount: 'a' } as object),
    (provider) => provider.getToken({ minimumLifetimeMs: -1 }),
    (provider) => provider.getToken({ account: long }),
    (provider) => provider.warmUp(long),
    (provider) => provider.peek(long),
    (provider) => provider.status(long),
    (provider) => provider.invalidate('token', long),
    (provider) => provider.invalidate(5 as never)
  ]
  for (const call of calls) {
    const [ours, theirs] = await Promise.all(
      [fake, real].map((provider) => rejection((async () => call(provider))()))
    )
    t.match(ours, { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: theirs?.message as string })
  }
  t.strictSame(fake.calls, [])
})

t.test('refuses an option that is unknown or ill-typed, and names it', async (t) => {
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    accessToken: ['', 'two words', 5, 'line\n'],
    accessTokenId: ['a b', 'a'.repeat(129), 5, 'line\n'],
    expiresIn: [0, -1, 1.5, 86_401, '600', Number.NaN],
    error: ['UNAVAILABLE', 'toString', [UNAVAILABLE], new Error('why')],
    acessToken: ['token'],
    provider: [testProvider()]
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const error = thrownBy(() => testProvider({ [name]: value } as TestProviderOptions))
      t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: `Invalid option "${name}": ` })
    }
  }
  t.match(
    thrownBy(() => testProvider({ acessToken: 'a' } as object)),
    { message: /the spelling "accessToken"/ }
  )
  t.match(
    thrownBy(() => testProvider({ error: 'x' } as object)),
    { message: `expected one of the codes ${codes.map(([code]) => code).join(', ')}; got a string.` }
  )
})

t.test('takes the shortest and the longest life, and the longest id', async (t) => {
  for (const expiresIn of [1, 86_400])
    t.equal((await testProvider({ expiresIn }).getToken()).expiresIn, expiresIn)
  const accessTokenId = 'a'.repeat(128)
  t.equal((await testProvider({ accessTokenId }).getToken()).accessTokenId, accessTokenId)
})

t.test('reads own properties only', async (t) => {
  const inherited = Object.create({ accessToken: 'of the prototype', error: UNAVAILABLE })
  t.equal((await testProvider(inherited).getToken()).accessToken, 'test-access-token')
})

for (const [name, answer] of Object.entries({ fastify: askFastify, express: askExpress })) {
  t.test(`an ${name} app under test answers with its token`, async (t) => {
    const provider = testProvider({ accessToken: 'token', accessTokenId: 'id' })
    const { status, body } = await answer(t, provider, '/bandwidth/token?rejected=id')
    t.equal(status, 200)
    t.strictSame(body, {
      access_token: 'token',
      access_token_id: 'id',
      token_type: 'Bearer',
      expires_in: 600
    })
    const [first, second, ...others] = provider.calls
    t.strictSame([first, others], [{ account: 'alice' }, []])
    t.match(second, { account: 'alice', rejected: { accessToken: 'token' } })
    t.strictSame((await answer(t, provider, '/call')).body, { authorization: 'Bearer token' })
  })

  t.test(`an ${name} app under test meets each failure`, async (t) => {
    for (const [code, expected] of codes) {
      const { status, headers } = await answer(t, testProvider({ error: code }), '/bandwidth/token')
      t.equal(status, expected, code)
      t.equal(headers['cache-control'], 'no-store')
      t.equal(
        headers['retry-after'],
        /UNAVAILABLE|TIMEOUT|INVALID|REJECTED/.test(code) && expected > 500 ? '1' : undefined
      )
    }
  })

  t.test(`an ${name} app under test leaves it open`, async (t) => {
    const provider = testProvider()
    await answer(t, provider, '/call')
    t.ok(await provider.getToken())
  })
}

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: unknown
}

async function askFastify(
  _t: Test,
  provider: ReturnType<typeof testProvider>,
  url: string
): Promise<Answered> {
  const app = fastify()
  await app.register(fastifyBandwidthToken, { provider, authorize: () => true, account: () => 'alice' })
  app.get('/call', async (request) => ({ authorization: (await request.bandwidthToken()).authorization }))
  const response = await app.inject(url)
  await app.close()
  return { status: response.statusCode, headers: response.headers, body: response.json() }
}

async function askExpress(
  t: Test,
  provider: ReturnType<typeof testProvider>,
  url: string
): Promise<Answered> {
  const app = express().set('env', 'test')
  const middleware = bandwidthToken({ provider, authorize: () => true, account: () => 'alice' })
  app.use(middleware)
  app.get('/call', async (req, res) => {
    res.json({ authorization: (await req.bandwidthToken()).authorization })
  })
  // As supertest does it: a server for one request.
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const { status, headers, json } = await ask(`http://127.0.0.1:${port}${url}`)
  await middleware.close()
  return { status, headers, body: json }
}
