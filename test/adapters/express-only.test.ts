import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import {
  type BandwidthTokenMiddleware,
  type BandwidthTokenOptions,
  bandwidthToken
} from '@bandwidth-token/express'
import express from 'express'
import t, { type Test } from 'tap'
import { express4 } from '../support/adapters-express4.js'
import { answerWith, type Endpoint, startEndpoint } from '../support/endpoint.js'
import { processEvents } from '../support/process-events.js'

const options = ({ tokenUrl }: Endpoint) => ({ clientId: 'client', clientSecret: 'secret', tokenUrl })

async function listen(t: Test, app: express.Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('closes the provider it has made, which the middleware shows', async (t) => {
  const endpoint = await startEndpoint(t)
  const middleware = bandwidthToken({ ...options(endpoint), authorize: () => true })
  await middleware.provider.warmUp()
  t.equal(endpoint.count, 1)
  await middleware.close()
  await t.rejects(middleware.provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
})

t.test('is harmless when it is met twice, and names the fix when another one has its name', async (t) => {
  const endpoint = await startEndpoint(t)
  const make = () => bandwidthToken({ ...options(endpoint), authorize: () => true })
  const middleware = make()
  const other = make()
  t.teardown(() => Promise.all([middleware.close(), other.close()]))

  const twice = await listen(t, express().use(middleware).use(middleware))
  t.equal((await fetch(`${twice}/bandwidth/token`)).status, 200)
  t.equal((await fetch(`${twice}/bandwidth/token`, { method: 'POST' })).status, 404, 'other methods go on')

  const app = express().use(middleware).use(other)
  app.use(((error, _req, res, _next) => {
    res.status(error.status).send(error.message)
  }) as express.ErrorRequestHandler)
  const both = await listen(t, app)
  const refusal = await fetch(`${both}/elsewhere`)
  t.equal(refusal.status, 500)
  t.match(await refusal.text(), /decorateAs.*a name other than .*, which the request has already/)
})

t.test(
  'warns the process once of an authorize that returns no boolean, where it has no logger',
  async (t) => {
    const warnings = processEvents(t, 'warning')
    const endpoint = await startEndpoint(t)
    const middleware = bandwidthToken({ ...options(endpoint), authorize: () => 'yes' as never })
    t.teardown(() => middleware.close())
    const origin = await listen(t, express().set('env', 'test').use(middleware))
    for (const _ of [1, 2]) t.equal((await fetch(`${origin}/bandwidth/token`)).status, 403)
    t.match(warnings, [
      { name: 'BandwidthTokenWarning', code: 'BANDWIDTH_TOKEN_CONFIGURATION', message: /"authorize"/ }
    ])
    t.equal(warnings.length, 1)
  }
)

for (const [name, createApp] of [
  ['express 4', express4],
  ['express 5', express]
] as const) {
  /** An app that keeps the framework's own error handler from writing to the console. */
  const quiet = () => createApp().set('env', 'test')

  async function make(
    t: Test,
    change: { path?: string; decorateAs?: string; authorize?: BandwidthTokenOptions['authorize'] } = {}
  ): Promise<{ endpoint: Endpoint; middleware: BandwidthTokenMiddleware }> {
    const endpoint = await startEndpoint(t)
    const middleware = bandwidthToken({
      ...options(endpoint),
      authorize: () => true,
      ...change
    } as BandwidthTokenOptions)
    t.teardown(() => middleware.close())
    return { endpoint, middleware }
  }

  t.test(`${name}: is one middleware wherever it is mounted`, async (t) => {
    const { endpoint, middleware } = await make(t)
    const router = createApp.Router().use(middleware)
    const app = quiet().use(middleware).use('/a', middleware).use('/b', router)
    app.get('/b/id', async (req, res) => {
      const token: AccessToken = await req.bandwidthToken()
      res.send(token.accessTokenId)
    })
    const origin = await listen(t, app)
    for (const path of ['/bandwidth/token', '/a/bandwidth/token', '/b/bandwidth/token']) {
      t.equal((await fetch(origin + path)).status, 200, path)
    }
    t.equal(await (await fetch(`${origin}/b/id`)).text(), 'id-1')
    t.equal(endpoint.count, 1)
  })

  t.test(
    `${name}: refuses another one under its name at the first request, and says how to name it`,
    async (t) => {
      const { middleware } = await make(t)
      const { middleware: other } = await make(t, { path: '/other' })
      const { middleware: named } = await make(t, { path: '/other', decorateAs: 'other' })
      const clash = await listen(t, quiet().use(middleware).use(other))
      const refused = await fetch(`${clash}/anything`)
      t.equal(refused.status, 500)
      t.match(await refused.text(), /decorateAs/)
      const both = await listen(t, quiet().use(middleware).use(named))
      t.equal((await fetch(`${both}/bandwidth/token`)).status, 200)
      t.equal((await fetch(`${both}/other`)).status, 200)
    }
  )

  t.test(`${name}: lets a request that it refuses go no further`, async (t) => {
    const { middleware } = await make(t)
    const { middleware: other } = await make(t, { path: '/other' })
    let reached = 0
    const app = quiet().use(middleware).use(other)
    app.use(((_error, _req, res, _next) => {
      res.status(500).end()
    }) as express.ErrorRequestHandler)
    app.use(() => {
      reached++
    })
    t.equal((await fetch(`${await listen(t, app)}/anything`)).status, 500)
    t.equal(reached, 0)
  })

  t.test(`${name}: refuses a name that the request has already`, async (t) => {
    const { middleware } = await make(t, { path: '/other', decorateAs: 'headers' })
    const origin = await listen(t, quiet().use(middleware))
    const refused = await fetch(`${origin}/anything`)
    t.equal(refused.status, 500)
    t.match(await refused.text(), /decorateAs/)
  })

  t.test(`${name}: replaces the token that ?rejected= names, with the query parser off`, async (t) => {
    const endpoint = await startEndpoint(t)
    const { clock } = endpoint
    const middleware = bandwidthToken({ ...options(endpoint), clock, authorize: () => true })
    t.teardown(() => middleware.close())
    const origin = await listen(t, quiet().set('query parser', false).use(middleware))
    t.match(await (await fetch(`${origin}/bandwidth/token`)).json(), { access_token_id: 'id-1' })
    await clock.advance(6_000)
    const url = `${origin}/bandwidth/token?rejected=id-1`
    t.match(await (await fetch(url)).json(), { access_token_id: 'id-2' })
  })

  t.test(
    `${name}: hands a missing req.isAuthenticated to the error handler, not a token to the page`,
    async (t) => {
      const { endpoint, middleware } = await make(t, {
        authorize: (req) => (req as unknown as { isAuthenticated(): boolean }).isAuthenticated()
      })
      let handled: unknown
      const app = quiet()
        .use(middleware)
        .use(((error, _req, res, _next) => {
          handled = error
          res.status(500).send('oops')
        }) as express.ErrorRequestHandler)
      const answer = await fetch(`${await listen(t, app)}/bandwidth/token`)
      t.equal(answer.status, 500)
      t.equal(answer.headers.get('cache-control'), 'no-store')
      t.equal(await answer.text(), 'oops')
      t.type(handled, TypeError)
      t.equal(endpoint.count, 0)
    }
  )

  t.test(`${name}: answers through the error handler that Express has in production`, async (t) => {
    const printed = t.capture(console, 'error')
    const { endpoint, middleware } = await make(t)
    endpoint.answer = answerWith(503, 'of the token endpoint', { 'Retry-After': '60' })
    const origin = await listen(t, createApp().set('env', 'production').use(middleware))
    const answer = await fetch(`${origin}/bandwidth/token`)
    const text = await answer.text()
    t.equal(answer.status, 503)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.equal(answer.headers.get('pragma'), 'no-cache')
    t.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    t.equal(answer.headers.get('retry-after'), '60')
    t.notMatch(text, /of the token endpoint/)
    t.notMatch(text, / at .*\.js/, 'no stack')
    t.notMatch(JSON.stringify(printed()), /of the token endpoint/)
  })

  t.test(`${name}: lets other methods and other paths go on to the app`, async (t) => {
    const { endpoint, middleware } = await make(t)
    const app = quiet().use(middleware)
    app.use((req, res) => {
      res.send(`${req.method} ${req.path} of the app`)
    })
    const origin = await listen(t, app)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(`${origin}/bandwidth/token`, { method })
      t.equal(await answer.text(), `${method} /bandwidth/token of the app`)
      t.equal(answer.headers.get('cache-control'), null)
    }
    t.equal(await (await fetch(`${origin}/x`)).text(), 'GET /x of the app')
    t.equal(endpoint.count, 0)
  })

  t.test(`${name}: leaves the provider of the user's own open, and shows it`, async (t) => {
    const { endpoint, middleware } = await make(t)
    const provider: TokenProvider = middleware.provider
    const second = bandwidthToken({ provider, authorize: () => true })
    t.equal(second.provider, provider)
    await second.close()
    await second.close()
    t.equal((await provider.getToken()).accessTokenId, 'id-1')
    t.equal(endpoint.count, 1)
  })
}
