import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bandwidthToken } from '@bandwidth-token/express'
import { fastifyBandwidthToken } from '@bandwidth-token/fastify'
import express from 'express'
import Fastify from 'fastify'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { diagnose, environmentOf, faultsIn, isFault, isWell } from './diagnose.js'

const emulator = await emulate(t)
const env = environmentOf(emulator)
const credentials = {
  tokenUrl: emulator.tokenUrl,
  clientId: emulator.clientId,
  clientSecret: emulator.clientSecret
}
const COOKIE = 'session=of-somebody'

/** Answers as the route of an adapter does, but for what `change` says. */
type Change = (request: IncomingMessage, response: ServerResponse) => void

const app = createServer((request, response) => {
  response.setHeader('cache-control', 'no-store')
  response.setHeader('pragma', 'no-cache')
  response.setHeader('content-type', 'application/json')
  const refuse = (code: string) => {
    response.statusCode = 403
    response.end(JSON.stringify({ code: `ERR_BANDWIDTH_TOKEN_${code}` }))
  }
  change(request, response)
  if (response.writableEnded || response.destroyed) return
  const { cookie, host, origin, 'sec-fetch-site': site } = request.headers
  const isOwnPage = site === undefined && (origin === undefined || origin === `http://${host}`)
  if (!isOwnPage) refuse('CROSS_ORIGIN')
  else if (cookie !== COOKIE) refuse('FORBIDDEN')
  else response.end(token())
}).listen(0, '127.0.0.1')
await once(app, 'listening')
t.teardown(() => app.close().closeAllConnections())
const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}/bandwidth/token`

const asItIs: Change = () => {}
let change: Change = asItIs

function token(change: object = {}) {
  return JSON.stringify({ access_token: 'opaque', token_type: 'Bearer', expires_in: 500, ...change })
}

function jwtWithSecondsLeft(seconds: number): string {
  const payload = { exp: Math.floor(Date.now() / 1000) + seconds }
  return `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`
}

const html: Change = (_request, response) => {
  response.setHeader('content-type', 'text/html')
  response.end('<html>')
}
const status =
  (code: number, headers: Record<string, string> = {}, body = '{}'): Change =>
  (_request, response) => {
    response.writeHead(code, headers).end(body)
  }
const isSignedIn = ({ headers }: IncomingMessage) => headers.cookie === COOKIE
const isOwn = ({ headers }: IncomingMessage) => headers['sec-fetch-site'] === undefined

/** Changes the answers to somebody who is signed in only. */
const forVisitors =
  (own: Change): Change =>
  (request, response) => {
    if (isSignedIn(request) && isOwn(request)) own(request, response)
  }

for (const [what, planted, code, says] of [
  ['an HTML page in its place', html, 'route-html', /HTML page.*before the catch-all/],
  ['nothing there', status(404), 'route-missing', /no token route at.*\(404\)/],
  [
    'open to somebody who is not signed in',
    (request, response) => {
      if (isOwn(request)) response.end(token())
    },
    'route-open',
    /not signed in.*Check "authorize"/
  ],
  [
    'open to everybody, wherever they come from',
    (_request, response) => void response.end(token()),
    'route-open',
    /authorize/
  ],
  [
    'open to another origin',
    (request, response) => {
      if (isSignedIn(request)) response.end(token())
    },
    'route-open-to-origins',
    /pages of other origins.*"allowedOrigins"/
  ],
  [
    'without no-store',
    forVisitors((_request, response) => {
      response.removeHeader('cache-control')
      response.removeHeader('pragma')
    }),
    'route-cacheable',
    /no "Cache-Control: no-store"/
  ],
  [
    'with headers that a proxy has removed',
    forVisitors((_request, response) => response.setHeader('cache-control', 'private')),
    'route-headers-stripped',
    /in front of the app removes/
  ],
  [
    'cached by a proxy',
    forVisitors((_request, response) => response.setHeader('age', '17')),
    'route-cached',
    /cache in front of the app/
  ],
  [
    'cached by a CDN that says so in a way of its own',
    forVisitors((_request, response) => response.setHeader('x-cache', 'HIT from edge')),
    'route-cached',
    /cache in front of the app/
  ],
  [
    'cached by a CDN behind one that does not have it',
    forVisitors((_request, response) => {
      response.setHeader('x-cache', 'MISS')
      response.setHeader('cf-cache-status', 'HIT')
    }),
    'route-cached',
    /cache in front of the app/
  ],
  [
    'with a token near its end',
    forVisitors((_request, response) => response.end(token({ expires_in: 4 }))),
    'route-token-old',
    /CDN/
  ],
  [
    'with a token that is older than it says',
    forVisitors((_request, response) => response.end(token({ access_token: jwtWithSecondsLeft(300) }))),
    'route-token-old',
    /near its end/
  ],
  [
    'behind TLS that is ended elsewhere, so that it redirects to itself',
    (request, response) =>
      status(308, { location: `https://${request.headers.host}/bandwidth/token` })(request, response),
    'route-behind-proxy',
    /TLS is ended in front of it.*"trustProxy"/
  ],
  [
    'behind TLS that is ended elsewhere, so that it does not know its own host',
    (request) => {
      request.headers.host = 'upstream.internal'
    },
    'route-behind-proxy',
    /another host than the browser.*proxy_set_header Host/
  ],
  ['that refuses the cookie', status(403), 'route-refuses', /refuses this cookie \(403\)/],
  ['that sends to the sign-in', status(302, { location: '/login' }), 'route-redirects', /cookie still valid/],
  [
    'that has no token itself',
    status(503, {}, '{"code":"ERR_BANDWIDTH_TOKEN_UNAVAILABLE"}'),
    'route-failing',
    /no token to give \(503 ERR_BANDWIDTH_TOKEN_UNAVAILABLE\).*log/
  ],
  ['that limits how often it is asked', status(429), 'route-failing', /\(429\)\. Wait/],
  ['that fails', status(500, {}, 'oops'), 'route-failing', /fails \(500\)/],
  ['that answers with something else', status(200, {}, '{"id":"x"}'), 'route-no-token', /toResponse\(\)/]
] as readonly (readonly [string, Change, string, RegExp])[]) {
  t.test(`a route ${what}`, async (t) => {
    change = planted
    isFault(t, await diagnose(env, { url, cookie: COOKIE }), code, says)
    change = asItIs
  })
}

for (const [who, code, matches] of [
  ['somebody who is not signed in', 'route-anonymous-unseen', (request) => !isSignedIn(request)],
  ['a page of another origin', 'route-origins-unseen', (request) => isSignedIn(request) && !isOwn(request)]
] as readonly (readonly [string, string, (request: IncomingMessage) => boolean])[]) {
  for (const failing of [status(503), status(429), (_request, response) => response.destroy()] as Change[]) {
    t.test(`a route that fails once or twice for ${who}`, async (t) => {
      let times = 1
      change = (request, response) => {
        if (matches(request) && times-- > 0) failing(request, response)
      }
      isWell(t, await diagnose(env, { url, cookie: COOKIE }))
      times = 2
      const findings = await diagnose(env, { url, cookie: COOKIE })
      isFault(t, findings, code, /Two tries did not show/)
      change = asItIs
    })
  }
}

t.test('a route that is well', async (t) => {
  const findings = await diagnose(env, { url, cookie: COOKIE })
  isWell(t, findings)
  t.strictSame(
    findings.filter(({ stage }) => stage === 'route').map(({ code }) => code),
    ['route', 'route-closed']
  )
})

t.test(
  'a route that is judged by the clock of the endpoint where that of the machine is wrong',
  async (t) => {
    change = forVisitors((_request, response) =>
      response.end(token({ access_token: jwtWithSecondsLeft(440) }))
    )
    emulator.script([{ headers: { date: new Date(Date.now() - 60_000).toUTCString() } }])
    isFault(t, await diagnose(env, { url, cookie: COOKIE }), 'clock', /ahead/)
    change = asItIs
  }
)

t.test('a token of a short life that is near its end', async (t) => {
  const short = environmentOf(await emulate(t, { expiresIn: 60 }))
  change = forVisitors((_request, response) => response.end(token({ expires_in: 7 })))
  isWell(t, await diagnose(short, { url, cookie: COOKIE }))
  change = asItIs
})

t.test('a route without a cookie to look behind its refusal', async (t) => {
  for (const refusal of [asItIs, status(401), status(302, { location: '/login' })]) {
    change = refusal
    const findings = await diagnose(env, { url })
    isWell(t, findings)
    t.match(findings.slice(-2), [{ code: 'route-closed' }, { level: 'note', message: /--cookie/ }])
  }
  for (const [planted, code] of [
    [html, 'route-html'],
    [status(404), 'route-missing'],
    [status(308, { location: url }), 'route-behind-proxy']
  ] as const) {
    change = planted
    t.strictSame(faultsIn(await diagnose(env, { url })), [code])
  }
  change = asItIs
})

t.test('a route that cannot be reached', async (t) => {
  const findings = await diagnose(env, { url: 'http://127.0.0.1:1/bandwidth/token', cookie: COOKIE })
  isFault(t, findings, 'route-unreachable', /ECONNREFUSED.*Does the app run/)
})

t.test('the routes of the adapters are well', async (t) => {
  const fastify = Fastify()
  t.teardown(() => fastify.close())
  const authorize = ({ headers }: { headers: { cookie?: string | undefined } }) => headers.cookie === COOKIE
  await fastify.register(fastifyBandwidthToken, { authorize, ...credentials })
  const origin = await fastify.listen({ host: '127.0.0.1', port: 0 })
  isWell(t, await diagnose(env, { url: `${origin}/bandwidth/token`, cookie: COOKIE }))

  const middleware = bandwidthToken({ authorize, ...credentials })
  const server = express().use(middleware).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    return middleware.close()
  })
  const { port } = server.address() as AddressInfo
  isWell(t, await diagnose(env, { url: `http://127.0.0.1:${port}/bandwidth/token`, cookie: COOKIE }))
})

t.test('an adapter behind a catch-all, or after it', async (t) => {
  const page = express().use((_request, response) => void response.type('html').send('<html>'))
  const middleware = bandwidthToken({ authorize: () => true, ...credentials })
  const server = page.use(middleware).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    return middleware.close()
  })
  const { port } = server.address() as AddressInfo
  const findings = await diagnose(env, { url: `http://127.0.0.1:${port}/bandwidth/token`, cookie: COOKIE })
  isFault(t, findings, 'route-html', /catch-all/)
})
