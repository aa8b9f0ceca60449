import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { format } from 'node:util'
import { type BandwidthTokenOptions, bandwidthToken } from '@bandwidth-token/express'
import { type FastifyBandwidthTokenOptions, fastifyBandwidthToken } from '@bandwidth-token/fastify'
import express from 'express'
import { fastify } from 'fastify'
import t, { type Test } from 'tap'
import { express4 } from '../support/adapters-express4.js'
import { ask } from '../support/adapters-http.js'
import { type Answer, grant, startEndpoint } from '../support/endpoint.js'
import { inMode } from '../support/leak-hunt/error-handlers.js'
import { createSecrets, huntFor } from '../support/leak-hunt/index.js'
import { onMessage } from '../support/observed.js'

delete process.env['BW_TOKEN_URL']
// Express would warn of its own getters.
process.on('deprecation' as 'warning', () => {})

const secrets = createSecrets()
const hunt = huntFor(secrets)
const { clientId, clientSecret, accessToken, basic } = secrets
/** The objects of a framework hang together: printed in full they are hundreds of megabytes. */
const DEPTH = 3

type Things = Readonly<Record<string, unknown>>
type Options = BandwidthTokenOptions & FastifyBandwidthTokenOptions

/** An app with an adapter and the framework's own error handler. */
interface App {
  readonly origin: string
  /** What a developer may get hold of outside of a request. */
  readonly things: Things
  readonly lines: readonly string[]
  readonly close: () => Promise<unknown>
}

/** `look` is handed what a developer may get hold of in a request to `/look`, which asks for a token. */
type Start = (options: Options, look: (things: Things) => void) => Promise<App>

const startFastify: Start = async (options, look) => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const app = fastify({ logger: { level: 'trace', stream }, forceCloseConnections: true })
  await app.register(fastifyBandwidthToken, options)
  app.get('/look', async (request, reply) => {
    try {
      look({ token: await request.bandwidthToken() })
    } finally {
      look({ request, reply, 'its method': request.bandwidthToken, 'its provider': app.bandwidthToken })
    }
    return 'looked'
  })
  return {
    origin: await app.listen({ port: 0, host: '127.0.0.1' }),
    things: { app, provider: app.bandwidthToken, plugin: fastifyBandwidthToken },
    lines,
    close: () => app.close()
  }
}

const startExpress =
  (createApp: typeof express): Start =>
  async (options, look) => {
    const app = createApp()
    const middleware = bandwidthToken(options)
    const lines: string[] = []
    const { error } = console
    console.error = (...args) => void lines.push(format(...args))
    app.use(middleware)
    app.get('/look', (req, res, next) => {
      req
        .bandwidthToken()
        .then((token) => {
          look({ token })
          res.send('looked')
        })
        .catch(next)
        .finally(() => look({ req, res, 'its method': req.bandwidthToken }))
    })
    const server = createServer(app as RequestListener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      things: { app, server, middleware, provider: middleware.provider, factory: bandwidthToken },
      lines,
      async close() {
        await middleware.close()
        server.close()
        server.closeAllConnections()
        await once(server, 'close')
        console.error = error
      }
    }
  }

const ADAPTERS: Readonly<Record<string, Start>> = {
  Fastify: startFastify,
  'Express 4': startExpress(express4),
  'Express 5': startExpress(express)
}

/** An endpoint that repeats to us all that it was told, and a token. */
const echo =
  (status: number): Answer =>
  ({ response, request }) => {
    const text = `${request.headers.authorization} ${clientSecret} ${accessToken}`
    response.writeHead(status, { 'X-Echo': text })
    response.end(JSON.stringify({ error: clientSecret, error_description: text, access_token: `${basic}\n` }))
  }

async function looksEverywhere(t: Test, start: Start): Promise<void> {
  const server = await startEndpoint(t, grant({ access_token: accessToken }))
  const messages: object[] = []
  onMessage(t, (message) => void messages.push(message))
  let looks = 0
  const look = (things: Things) => {
    looks++
    hunt.isSilent(t, things, DEPTH)
  }
  const app = await start({ clientId, clientSecret, tokenUrl: server.tokenUrl, authorize: () => true }, look)
  t.teardown(app.close)
  const page = async (path: string, status: number) => {
    const answer = await ask(app.origin + path)
    t.equal(answer.status, status, `${path} answers ${status}`)
    const shown = `${JSON.stringify(answer.headers)} ${answer.text}`
    t.equal(hunt.inText(shown).length, status === 200 && path !== '/look' ? 1 : 0, `the answer of ${path}`)
  }

  look({ ...app.things })
  await page('/look', 200)
  await page('/bandwidth/token', 200)
  await page('/bandwidth/token?rejected=id-1', 200)
  look({ ...app.things })
  t.equal(looks, 4, 'in the request too')
  t.strictSame(hunt.inText(app.lines.join('\n')), [], 'the log')
  t.not(messages.length, 0)
  hunt.isSilent(t, { 'the messages of the channels': messages })
}

async function failsSilently(t: Test, start: Start, answer: Answer, status: number): Promise<void> {
  const server = await startEndpoint(t, answer)
  const messages: object[] = []
  onMessage(t, (message) => void messages.push(message))
  const look = (things: Things) => hunt.isSilent(t, things, DEPTH)
  const app = await start({ clientId, clientSecret, tokenUrl: server.tokenUrl, authorize: () => true }, look)
  t.teardown(app.close)
  for (const path of ['/bandwidth/token', '/look', '/bandwidth/token']) {
    const { status: answered, headers, text } = await ask(app.origin + path)
    t.equal(answered, status)
    hunt.isSilent(t, { [`the answer of ${path}`]: `${JSON.stringify(headers)} ${text}` })
  }
  look({ ...app.things })
  t.not(app.lines.length, 0)
  hunt.isSilent(t, { 'the log': app.lines.join('\n') })
  t.not(messages.length, 0)
  hunt.isSilent(t, { 'the messages of the channels': messages })
  await app.close()
  look({ 'the closed provider': app.things['provider'] })
}

for (const [name, start] of Object.entries(ADAPTERS)) {
  t.test(`${name} shows a token to whoever asks for it and nowhere else`, (t) => looksEverywhere(t, start))
  for (const [mode, status, expected] of [
    ['development', 401, 502],
    ['development', 503, 503],
    ['production', 503, 503],
    ['development', 200, 502]
  ] as const) {
    t.test(`${name} in ${mode} gives nothing away where the endpoint answers ${status}`, (t) =>
      failsSilently(t, (...args) => inMode(mode, () => start(...args)), echo(status), expected)
    )
  }

  t.test(`${name} repeats no option that it refuses`, async (t) => {
    for (const options of [
      { clientId, clientSecret: [clientSecret], authorize: () => true },
      { clientId, clientSecret, authorise: clientSecret },
      { clientId, clientSecret, authorize: () => true, path: accessToken },
      { clientId, clientSecret, authorize: () => true, allowedOrigins: [basic] },
      { clientId, clientSecret, authorize: () => true, decorateAs: basic },
      { clientId, clientSecret, provider: { getToken: () => {} }, authorize: () => true }
    ]) {
      const error = await start(options as never, () => {}).then(
        () => undefined,
        (error) => error
      )
      t.equal(error?.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
      hunt.isSilent(t, { error })
    }
  })
}

t.test('the answer of the endpoint is one that would tell', async (t) => {
  const server = await startEndpoint(t, echo(503))
  const response = await fetch(server.tokenUrl, {
    method: 'POST',
    headers: { Authorization: `Basic ${basic}` }
  })
  t.equal(hunt.inText(await response.text()).length, 5)
  t.equal(hunt.inText(JSON.stringify([...response.headers])).length, 3)
})
