import { once } from 'node:events'
import { connect, type OutgoingHttpHeaders } from 'node:http2'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import { type FastifyBandwidthTokenOptions, fastifyBandwidthToken } from '@bandwidth-token/fastify'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from 'fastify'
import t from 'tap'
import { type Endpoint, fail, hang, startEndpoint } from '../support/endpoint.js'
import { processEvents } from '../support/process-events.js'

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
    message: /decorateAs.*a name other than "bandwidthToken"/
  })
  const other = Fastify()
  t.teardown(() => other.close())
  other.decorate('bandwidthToken', null as never)
  await t.rejects(async () => void (await other.register(fastifyBandwidthToken, options(endpoint))), {
    ...INVALID,
    message: /decorateAs.*a name other than "bandwidthToken"/
  })
})

for (const [logger, count] of [
  [false, 1],
  [{ level: 'silent' }, 0],
  [{ level: 'error', stream: { write() {} } }, 0]
] as const) {
  t.test(
    `warns the process of the configuration ${count} times where the logger is ${JSON.stringify(logger)}`,
    async (t) => {
      const warnings = processEvents(t, 'warning')
      const endpoint = await startEndpoint(t)
      const app = Fastify({ logger })
      t.teardown(() => app.close())
      await app.register(fastifyBandwidthToken, { ...options(endpoint), clientSecret: '"secret"' })
      await nextTurn()
      t.equal(warnings.length, count)
      if (count > 0)
        t.match(warnings, [{ name: 'BandwidthTokenWarning', message: /"clientSecret" is in quotes/ }])
    }
  )
}

t.test('tells Fastify its name and the version it is made for', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, options(endpoint))
  const meta = { name: 'dependent', dependencies: ['@bandwidth-token/fastify'] }
  const dependent = Object.assign(async () => {}, { [Symbol.for('plugin-meta')]: meta })
  await t.resolves(async () => void (await app.register(dependent)))

  const old = Fastify()
  t.teardown(() => old.close())
  Object.defineProperty(old, 'version', { value: '4.29.1' })
  await t.rejects(async () => void (await old.register(fastifyBandwidthToken, options(endpoint))), {
    code: 'FST_ERR_PLUGIN_VERSION_MISMATCH'
  })
})

t.test("takes Fastify's own options for a plugin, and its route has them", async (t) => {
  const endpoint = await startEndpoint(t)
  const lines: { msg: string; req?: unknown }[] = []
  const logger = { level: 'info', stream: { write: (line: string) => void lines.push(JSON.parse(line)) } }
  const app = Fastify({ logger })
  t.teardown(() => app.close())
  const names = { path: '/quiet', decorateAs: 'quiet' }
  await app.register(fastifyBandwidthToken, {
    ...options(endpoint),
    logSerializers: { req: () => 'as serialized' }
  })
  await app.register(fastifyBandwidthToken, { ...options(endpoint), ...names, logLevel: 'error' })
  const requestsOf = async (url: string) => {
    lines.length = 0
    t.equal((await app.inject(url)).statusCode, 200)
    return lines.filter(({ msg }) => msg === 'incoming request').map(({ req }) => req)
  }
  t.strictSame(await requestsOf('/bandwidth/token'), ['as serialized'])
  t.strictSame(await requestsOf('/quiet'), [])
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

t.test(
  'takes every key of routeOptions that is documented, and no other, misspelt ones with a hint',
  async (t) => {
    const endpoint = await startEndpoint(t)
    const start = async (routeOptions: unknown) => {
      const app = Fastify()
      t.teardown(() => app.close())
      await app.register(fastifyBandwidthToken, {
        ...options(endpoint),
        routeOptions
      } as FastifyBandwidthTokenOptions)
      return app
    }
    const hook = async () => {}
    const given = Object.freeze({
      onRequest: Object.freeze([hook, hook]),
      preParsing: hook,
      preValidation: hook,
      preHandler: hook,
      config: Object.freeze({ any: 1 }),
      logLevel: 'warn',
      constraints: Object.freeze({ host: 'app.example' })
    })
    const app = await start(given)
    const at = (host: string) => app.inject({ url: '/bandwidth/token', headers: { host } })
    t.equal((await at('app.example')).statusCode, 200)
    t.equal((await at('other.example')).statusCode, 404, 'constraints are those of the route')

    for (const key of [
      ...['url', 'path', 'method', 'schema', 'handler', 'exposeHeadRoute', 'bodyLimit', 'errorHandler'],
      ...[
        'preSerialization',
        'onSend',
        'onResponse',
        'onTimeout',
        'onError',
        'onRequestAbort',
        'prefixTrailingSlash'
      ]
    ]) {
      await t.rejects(
        start({ [key]: hook }),
        { ...INVALID, message: new RegExp(`"routeOptions.${key}"`) },
        key
      )
    }
    await t.rejects(start({ prehandler: hook }), { ...INVALID, message: /"preHandler"/ })
    for (const none of [null, [], 'x', 5, hook]) {
      await t.rejects(start(none), { ...INVALID, message: /"routeOptions"/ }, JSON.stringify(none))
    }
  }
)

t.test('sees no inherited key of routeOptions', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  const inherited = Object.create({ url: '/elsewhere', constraints: { host: 'app.example' } })
  await app.register(fastifyBandwidthToken, { ...options(endpoint), routeOptions: inherited })
  t.equal((await app.inject('/bandwidth/token')).statusCode, 200)
})

t.test("runs hooks that the app adds after the plugin, after the plugin's origin check", async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  const order: string[] = []
  await app.register(fastifyBandwidthToken, {
    ...options(endpoint),
    authorize: () => order.push('authorize') > 0,
    routeOptions: { preHandler: async () => void order.push('preHandler of the route') }
  })
  app.addHook('onRequest', async () => void order.push('onRequest'))
  app.addHook('preHandler', async () => void order.push('preHandler'))
  t.equal((await app.inject('/bandwidth/token')).statusCode, 200)
  t.strictSame(order, ['onRequest', 'preHandler', 'preHandler of the route', 'authorize'])
})

t.test('keeps an error that a hook throws, such as a 429, from being kept', async (t) => {
  const endpoint = await startEndpoint(t)
  for (const stage of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
    const app = Fastify()
    t.teardown(() => app.close())
    const refuse = async (_request: unknown, reply: { header(name: string, value: string): unknown }) => {
      reply.header('Retry-After', '7')
      throw Object.assign(new Error('Slow down'), { statusCode: 429 })
    }
    app.setErrorHandler((error: Error & { statusCode: number }, _request, reply) => {
      reply.code(error.statusCode).send({ message: error.message })
    })
    await app.register(fastifyBandwidthToken, { ...options(endpoint), routeOptions: { [stage]: refuse } })
    const { statusCode, headers, body } = await app.inject('/bandwidth/token')
    t.equal(statusCode, 429, stage)
    t.equal(body, '{"message":"Slow down"}')
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['pragma'], 'no-cache')
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.equal(headers['retry-after'], '7')
  }
  t.equal(endpoint.count, 0)
})

t.test('answers HEAD where the app exposes no HEAD routes', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify({ exposeHeadRoutes: false })
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, options(endpoint))
  const { statusCode, headers, body } = await app.inject({ url: '/bandwidth/token', method: 'HEAD' })
  t.equal(statusCode, 200)
  t.equal(body, '')
  t.equal(headers['cache-control'], 'no-store')
  const foreign = { 'sec-fetch-site': 'cross-site' }
  t.equal((await app.inject({ url: '/bandwidth/token', method: 'HEAD', headers: foreign })).statusCode, 403)
})

t.test('compares an Origin with the :authority of HTTP/2', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify({ http2: true })
  await app.register(fastifyBandwidthToken, options(endpoint) as never)
  const session = connect(await app.listen({ port: 0, host: '127.0.0.1' }))
  const statusOf = async (headers: OutgoingHttpHeaders) => {
    const stream = session.request({ ':path': '/bandwidth/token', ':authority': 'app.example', ...headers })
    const [answer] = await once(stream, 'response')
    t.equal(answer['cache-control'], 'no-store')
    stream.resume()
    await once(stream, 'close')
    return answer[':status']
  }
  try {
    t.equal(await statusOf({ origin: 'https://app.example' }), 200)
    t.equal(await statusOf({}), 200)
    t.equal(await statusOf({ origin: 'https://evil.example' }), 403)
    t.equal(await statusOf({ origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' }), 403)
    t.equal(await statusOf({ origin: 'https://evil.example', host: 'evil.example' }), 403)
    t.equal(await statusOf({ origin: 'https://app.example', 'sec-fetch-site': 'cross-site' }), 403)
  } finally {
    session.close()
    await app.close()
  }
})

/** Starts to listen, and resolves once the hooks of that moment have run. */
async function listen(app: FastifyInstance): Promise<void> {
  const heard = new Promise<void>((resolve) => {
    app.addHook('onListen', async () => resolve())
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  await heard
}

/** Options whose `credentials` tell which accounts' tokens are asked for, from the first moment on. */
function telling({ tokenUrl }: Endpoint) {
  const asked: string[] = []
  const credentials = (account: string) => {
    asked.push(account)
    return { clientId: 'client', clientSecret: 'secret' }
  }
  return { asked, options: { tokenUrl, credentials, authorize: () => true } }
}

t.test('listens and serves while the warm-up hangs', async (t) => {
  const { asked, options } = telling(await startEndpoint(t, hang))
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, options)
  app.get('/plain', async () => 'plain')
  await listen(app)
  t.strictSame(asked, [''])
  t.equal((await app.inject('/plain')).body, 'plain')
})

t.test('makes no request under inject, which never listens', async (t) => {
  const { asked, options } = telling(await startEndpoint(t))
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, options)
  await app.ready()
  t.equal((await app.inject('/nowhere')).statusCode, 404)
  t.strictSame(asked, [])
})

t.test('does not warm up where there are accounts', async (t) => {
  const { asked, options } = telling(await startEndpoint(t))
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, { ...options, account: () => 'acme' })
  await listen(app)
  t.strictSame(asked, [])
})

t.test("does not warm up a provider of the user's own", async (t) => {
  const calls: string[] = []
  const provider = {
    warmUp: async () => void calls.push('warmUp'),
    close: async () => void calls.push('close'),
    getToken: async () => Promise.reject(new Error(`call ${calls.push('getToken')}`))
  }
  const app = Fastify()
  await app.register(fastifyBandwidthToken, { provider, authorize: () => true })
  await listen(app)
  await app.close()
  t.strictSame(calls, [])
})

t.test("logs to a child of the app's logger, a failed warm-up too", async (t) => {
  const endpoint = await startEndpoint(t, fail(401))
  const lines: Record<string, unknown>[] = []
  let tell = () => {}
  const heard = new Promise<void>((resolve) => {
    tell = resolve
  })
  const stream = {
    write: (line: string) => {
      const entry = JSON.parse(line)
      lines.push(entry)
      if (entry.plugin !== undefined && entry.level >= 40) tell()
    }
  }
  const app = Fastify({ logger: { level: 'debug', stream } })
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, options(endpoint))
  await listen(app)
  await heard
  const own = lines.filter(({ plugin }) => plugin === '@bandwidth-token/fastify')
  t.ok(own.length > 0)
  t.ok(
    own.some(({ level }) => (level as number) >= 40),
    'a failure is a warning'
  )
  t.notMatch(JSON.stringify(lines), Buffer.from('client:secret').toString('base64'))
  t.equal((await app.inject('/nowhere')).statusCode, 404, 'the app lives on')
})

t.test('takes the logger that it is given instead', async (t) => {
  const endpoint = await startEndpoint(t, fail(401))
  const lines: string[] = []
  const mine: string[] = []
  const note = (_fields: object, message: string) => void mine.push(message)
  const app = Fastify({
    logger: { level: 'debug', stream: { write: (line: string) => void lines.push(line) } }
  })
  t.teardown(() => app.close())
  const logger = { debug: note, info: note, warn: note, error: note }
  await app.register(fastifyBandwidthToken, { ...options(endpoint), logger, authorize: () => 'yes' as never })
  t.equal((await app.inject('/bandwidth/token')).statusCode, 403)
  t.match(mine.join(), /authorize/)
  t.notMatch(lines.join(), /"authorize"/)
})

t.test('keeps no-store where an error brings along a header that Fastify cannot write', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  const headers = { 'not a name': 'a', 'cache-control': 'public' }
  await app.register(fastifyBandwidthToken, {
    ...options(endpoint),
    authorize: () => Promise.reject(Object.assign(new Error('no'), { headers }))
  })
  const answer = await fetch(`${await app.listen({ port: 0, host: '127.0.0.1' })}/bandwidth/token`)
  t.equal(answer.status, 500)
  t.equal(answer.headers.get('cache-control'), 'no-store')
})

t.test('is a route of the app itself, to which hooks apply that are added later', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, options(endpoint))
  app.addHook('onSend', async (_request, reply) => void reply.header('x-later', 'yes'))
  t.equal((await app.inject('/bandwidth/token')).headers['x-later'], 'yes')
})

for (const [what, answer] of Object.entries<(reply: FastifyReply) => unknown>({
  'with Fastify': (reply) => reply.code(503).send('too late'),
  'past Fastify': ({ raw }) => raw.writeHead(503).end('too late'),
  'past Fastify, and goes on answering': ({ raw }) => {
    raw.writeHead(503).write('too ')
    setImmediate(() => raw.end('late'))
  },
  'past Fastify, and says so before': (reply) => {
    reply.hijack()
    setImmediate(() => reply.raw.writeHead(503).end('too late'))
  }
})) {
  t.test(`says nothing in the log of a request that the app answers meanwhile ${what}`, async (t) => {
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t)
    // So that nothing waits for a socket.
    await provider.warmUp()
    for (const verdict of [true, false]) {
      const lines: { level: number; msg: string }[] = []
      const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
      const app = Fastify({ logger: { level: 'info', stream } })
      t.teardown(() => app.close())
      let answerNow = () => {}
      app.addHook('onRequest', async (_request, reply) => {
        answerNow = () => void answer(reply)
      })
      await app.register(fastifyBandwidthToken, {
        provider,
        authorize: async () => {
          answerNow()
          return verdict
        }
      })
      const { statusCode, headers, body } = await app.inject('/bandwidth/token')
      t.equal(statusCode, 503)
      t.equal(body, 'too late')
      t.equal(headers['retry-after'], undefined)
      await new Promise(setImmediate)
      t.strictSame(
        lines.filter(({ level }) => level > 30).map(({ msg }) => msg),
        []
      )
    }
  })
}

t.test('fails to start where the app has a route at its path already', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/bandwidth/token', async () => 'mine')
  await t.rejects(async () => void (await app.register(fastifyBandwidthToken, options(endpoint))), {
    code: 'FST_ERR_DUPLICATED_ROUTE'
  })
})

t.test("warns in a logger of the app's own, though some of its levels are one function", async (t) => {
  const endpoint = await startEndpoint(t)
  for (const shared of ['debug', 'error'] as const) {
    const warned: string[] = []
    const warn = (_fields: object, message: string) => void warned.push(message)
    const silent = () => {}
    const logger = { info: silent, debug: silent, error: silent, fatal: silent, trace: silent, warn }
    const own = { ...logger, [shared]: warn, child: () => own } as unknown as FastifyBaseLogger
    const app = Fastify({ loggerInstance: own })
    t.teardown(() => app.close())
    await app.register(fastifyBandwidthToken, { ...options(endpoint), authorize: () => 'yes' as never })
    await app.inject('/bandwidth/token')
    t.match(warned.join(), /"authorize"/, shared)
  }
})

t.test('decorates without reference types, with types that need no cast', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, options(endpoint))
  const provider: TokenProvider = app.bandwidthToken
  const seen: unknown[] = []
  app.get('/id', async (request) => {
    const token: AccessToken = await request.bandwidthToken()
    seen.push(request.bandwidthToken)
    t.notOk(Object.hasOwn(request, 'bandwidthToken'), 'the request holds nothing of its own')
    return token.accessTokenId
  })
  for (const _ of [1, 2]) t.equal((await app.inject('/id')).body, 'id-1')
  t.equal(seen[0], seen[1])
  t.equal((await provider.getToken()).accessTokenId, 'id-1')
})

t.test('is seen by the whole app, and its route by its prefix only', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(
    async (child) => {
      await child.register(fastifyBandwidthToken, { ...options(endpoint), prefix: '/bw' })
      child.get('/id', async (request) => (await request.bandwidthToken()).accessTokenId)
    },
    { prefix: '/child' }
  )
  t.equal((await app.inject('/child/id')).body, 'id-1')
  t.equal((await app.inject('/child/bw/bandwidth/token')).statusCode, 200)
  t.equal((await app.inject('/bw/bandwidth/token')).statusCode, 404)
})

t.test('replaces the token that ?rejected= names, whatever parses the query', async (t) => {
  const endpoint = await startEndpoint(t)
  const app = Fastify({ routerOptions: { querystringParser: () => ({}) } })
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, { ...options(endpoint), clock: endpoint.clock })
  await app.inject('/bandwidth/token')
  await endpoint.clock.advance(6_000)
  t.equal((await app.inject('/bandwidth/token?rejected=id-1')).json().access_token_id, 'id-2')
})
