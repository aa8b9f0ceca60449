import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import {
  type BandwidthTokenErrorCode,
  type TokenDispatcher,
  TokenProvider,
  type TokenProviderOptions
} from '@bandwidth-token/core'
import { bandwidthToken } from '@bandwidth-token/express'
import { fastifyBandwidthToken } from '@bandwidth-token/fastify'
import express from 'express'
import { fastify } from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import {
  type Answer,
  answerRaw,
  answerWith,
  type Endpoint,
  type Exchange,
  grant,
  startEndpoint
} from '../support/endpoint.js'
import { ErrorHandlers } from '../support/leak-hunt/error-handlers.js'
import { LeakHunt } from '../support/leak-hunt/index.js'
import { rejection, until } from '../support/outcomes.js'
import { provide } from '../support/provide.js'
import { stillClock } from '../support/shiftable-clock.js'

delete process.env['BW_TOKEN_URL']

/** Whatever the endpoint says has this in it; no page may ever see it. */
const MARKER = 'upstream-marker'
const CREDENTIALS = { clientId: 'client', clientSecret: 's3cr3t-of-the-client' }
const hunt = new LeakHunt({
  marker: MARKER,
  'client secret': CREDENTIALS.clientSecret,
  'Basic value': Buffer.from(`${CREDENTIALS.clientId}:${CREDENTIALS.clientSecret}`).toString('base64')
})
const handlers = await ErrorHandlers.start(t)
const PATH = '/bandwidth/token'

const STATUS_CODES: Partial<Record<BandwidthTokenErrorCode, number>> = {
  ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED: 502,
  ERR_BANDWIDTH_TOKEN_UNAVAILABLE: 503,
  ERR_BANDWIDTH_TOKEN_TIMEOUT: 504,
  ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID: 502
}

interface Outcome {
  readonly code: BandwidthTokenErrorCode
  readonly upstreamStatus?: number
  /** Attempts of a cold provider. */
  readonly attempts: number
  /** What a cold provider's error may say, in seconds. */
  readonly retryAfter: readonly [min: number, max: number]
}

interface Misbehaviour extends Outcome {
  readonly name: string
  readonly answer: Answer | 'refuse'
  readonly timeoutMs?: number
}

const rejected = (upstreamStatus: number): Outcome => ({
  code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
  upstreamStatus,
  attempts: 1,
  retryAfter: [59, 60]
})
const unavailable = (upstreamStatus: number): Outcome => ({
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  upstreamStatus,
  attempts: 3,
  retryAfter: [1, 1]
})
const told = (upstreamStatus: number, min: number, max: number): Outcome => ({
  ...unavailable(upstreamStatus),
  attempts: 1,
  retryAfter: [min, max]
})
const unexpected = (upstreamStatus: number): Outcome => ({
  code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
  upstreamStatus,
  attempts: 1,
  retryAfter: [59, 60]
})
const UNUSABLE: Outcome = {
  code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
  upstreamStatus: 200,
  attempts: 3,
  retryAfter: [1, 1]
}
const UNREACHABLE: Outcome = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', attempts: 3, retryAfter: [1, 1] }
const TIMED_OUT = {
  code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT',
  attempts: 3,
  retryAfter: [1, 1],
  timeoutMs: 300
} as const

/** A status whose reason, headers and body all hold the marker. */
function status(code: number, headers: Record<string, string> = {}): Answer {
  return ({ response }) => {
    response.writeHead(code, `Reason ${MARKER}`, {
      'Content-Type': 'application/json',
      'Set-Cookie': MARKER,
      'X-Upstream': MARKER,
      ...headers
    })
    response.end(JSON.stringify({ error: 'invalid_client', error_description: MARKER, message: MARKER }))
  }
}

const ok = (body: unknown) => answerWith(200, body, { 'X-Upstream': MARKER })
const granting = (fields: Record<string, unknown>): Answer => grant({ note: MARKER, ...fields })

/** Headers and a part of a body, then whatever `next` does. */
function partly(next: (exchange: Exchange) => void): Answer {
  return (exchange) => {
    exchange.response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '200' })
    exchange.response.write(`{"note":"${MARKER}",`, () => next(exchange))
  }
}

/** Headers and a part of a body that never ends. */
function unended(code: number, headers: Record<string, string> = {}): Answer {
  return ({ response }) => response.writeHead(code, headers).write(`{"note":"${MARKER}"`)
}

function slowly({ response }: Exchange): void {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

const HUGE_BODY_BYTES = 20 * 1024 * 1024

async function endlessly({ response, socket }: Exchange): Promise<void> {
  const chunk = `"${MARKER}",`.repeat(4_000)
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.write('[')
  for (let size = 0; size < HUGE_BODY_BYTES && !socket.destroyed; size += chunk.length) {
    if (!response.write(chunk)) {
      await Promise.race([once(response, 'drain'), once(response, 'close')]).catch(() => {})
    }
  }
  response.end('0]')
}

const trap = await startEndpoint(t)
const away = { Location: `${trap.origin}/elsewhere?${MARKER}` }

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  { name: 'answers 400', answer: status(400), ...rejected(400) },
  { name: 'answers 401', answer: status(401), ...rejected(401) },
  { name: 'answers 403', answer: status(403), ...rejected(403) },
  {
    name: 'answers 401 and says to come back in 120 s',
    answer: status(401, { 'Retry-After': '120' }),
    ...rejected(401),
    retryAfter: [119, 120]
  },
  { name: 'answers 404', answer: status(404), ...unexpected(404) },
  { name: 'answers 405', answer: status(405), ...unexpected(405) },
  { name: 'answers 408', answer: status(408), ...unavailable(408) },
  { name: 'answers 429', answer: status(429), ...unavailable(429) },
  {
    name: 'answers 429 with a Retry-After of 30 seconds',
    answer: status(429, { 'Retry-After': '30' }),
    ...told(429, 29, 30)
  },
  {
    name: 'answers 429 with a Retry-After that is a date',
    answer: (exchange) =>
      status(429, { 'Retry-After': new Date(Date.now() + 60_000).toUTCString() })(exchange),
    ...told(429, 30, 60)
  },
  {
    name: 'answers 429 with a Retry-After that is no time',
    answer: status(429, { 'Retry-After': MARKER }),
    ...unavailable(429)
  },
  {
    name: 'answers 429 with a Retry-After of 0',
    answer: status(429, { 'Retry-After': '0' }),
    ...unavailable(429)
  },
  { name: 'answers 500', answer: status(500), ...unavailable(500) },
  { name: 'answers 502', answer: status(502), ...unavailable(502) },
  { name: 'answers 503', answer: status(503), ...unavailable(503) },
  {
    name: 'answers 503 with a Retry-After of a day',
    answer: status(503, { 'Retry-After': '86400' }),
    ...told(503, 299, 300)
  },
  { name: 'answers 504', answer: status(504), ...unavailable(504) },
  { name: 'answers 599', answer: status(599), ...unavailable(599) },
  {
    name: 'answers 503 and never ends the body',
    answer: unended(503),
    ...unavailable(503)
  },
  {
    name: 'answers 429 with a Retry-After of 120 seconds and never ends the body',
    answer: unended(429, { 'Retry-After': '120' }),
    ...told(429, 119, 120)
  },
  { name: 'answers 404 and never ends the body', answer: unended(404), ...unexpected(404) },
  { name: 'answers 401 and never ends the body', answer: unended(401), ...rejected(401), timeoutMs: 2_000 },
  {
    name: 'breaks off the body of a 400',
    answer: ({ response, socket }) =>
      response.writeHead(400).write(`{"error":"${MARKER}`, () => socket.resetAndDestroy()),
    ...rejected(400)
  },
  {
    name: 'refuses the client with 200',
    answer: ok({ error: 'invalid_client', error_description: MARKER }),
    ...rejected(200)
  },
  { name: 'answers 201 with a token', answer: answerWith(201, { access_token: MARKER }), ...unexpected(201) },
  { name: 'answers 204', answer: ({ response }) => response.writeHead(204).end(), ...unexpected(204) },
  { name: 'redirects with 301 to another origin', answer: status(301, away), ...unexpected(301) },
  { name: 'redirects with 302 to another origin', answer: status(302, away), ...unexpected(302) },
  { name: 'redirects with 303 to another origin', answer: status(303, away), ...unexpected(303) },
  { name: 'redirects with 307 to another origin', answer: status(307, away), ...unexpected(307) },
  { name: 'redirects with 308 to another origin', answer: status(308, away), ...unexpected(308) },
  { name: 'redirects to itself', answer: status(307, { Location: '/' }), ...unexpected(307) },
  { name: 'answers 304', answer: ({ response }) => response.writeHead(304).end(), ...unexpected(304) },
  {
    name: 'resets the connection before the headers',
    answer: ({ socket }) => socket.resetAndDestroy(),
    ...UNREACHABLE
  },
  { name: 'closes the connection before the headers', answer: ({ socket }) => socket.end(), ...UNREACHABLE },
  {
    name: 'resets the connection in the headers',
    answer: ({ socket }) =>
      socket.write(`HTTP/1.1 200 OK\r\nX-Up: ${MARKER}`, () => socket.resetAndDestroy()),
    ...UNREACHABLE
  },
  {
    name: 'resets the connection in the body',
    answer: partly(({ socket }) => socket.resetAndDestroy()),
    ...UNREACHABLE
  },
  {
    name: 'ends before the Content-Length it named',
    answer: partly(({ socket }) => socket.end()),
    ...UNREACHABLE
  },
  {
    name: 'sends more than the Content-Length it named',
    answer: answerRaw('HTTP/1.1 200 OK', 'Content-Length: 9', '', `{"note":"${MARKER}","access_token":"a"}`),
    ...UNUSABLE
  },
  { name: 'never answers', answer: () => {}, ...TIMED_OUT },
  { name: 'never ends the body', answer: partly(() => {}), ...TIMED_OUT },
  { name: 'sends the body a byte at a time', answer: slowly, ...TIMED_OUT },
  { name: 'refuses the connection', answer: 'refuse', ...UNREACHABLE },
  {
    name: 'speaks something that is not HTTP',
    answer: answerRaw(`SSH-2.0-${MARKER}`, '', ''),
    ...UNREACHABLE
  },
  {
    name: 'switches protocols',
    answer: answerRaw(
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      '',
      MARKER
    ),
    ...UNREACHABLE
  },
  {
    name: 'sends headers without end',
    answer: answerRaw('HTTP/1.1 200 OK', ...Array(4_000).fill(`X-Upstream: ${MARKER}`), '', ''),
    ...UNREACHABLE
  },
  { name: 'sends an empty body', answer: ok(''), ...UNUSABLE },
  { name: 'sends half of the JSON', answer: ok(`{"access_token":"${MARKER}"`), ...UNUSABLE },
  { name: 'sends HTML with 200', answer: ok(`<html><h1>${MARKER}</h1></html>`), ...UNUSABLE },
  { name: 'sends a JSON array', answer: ok([{ access_token: MARKER, expires_in: 600 }]), ...UNUSABLE },
  { name: 'sends null', answer: ok('null'), ...UNUSABLE },
  { name: 'sends a JSON string', answer: ok(JSON.stringify(MARKER)), ...UNUSABLE },
  {
    name: 'hides the token in a prototype',
    answer: ok(`{"__proto__":{"access_token":"${MARKER}","expires_in":600}}`),
    ...UNUSABLE
  },
  {
    name: 'compresses the body although nobody asked for it',
    answer: ({ response }) =>
      response
        .writeHead(200, { 'Content-Encoding': 'gzip' })
        .end(gzipSync(JSON.stringify({ access_token: MARKER }))),
    ...UNUSABLE
  },
  { name: 'sends 20 MB', answer: endlessly, ...UNUSABLE },
  { name: 'sends no token', answer: granting({ access_token: undefined }), ...UNUSABLE },
  { name: 'sends an empty token', answer: granting({ access_token: '' }), ...UNUSABLE },
  { name: 'sends a token that is a number', answer: granting({ access_token: 12_345 }), ...UNUSABLE },
  { name: 'sends a token that is an array', answer: granting({ access_token: [MARKER] }), ...UNUSABLE },
  {
    name: 'sends a token with CR LF',
    answer: granting({ access_token: `${MARKER}\r\nX-Evil: 1` }),
    ...UNUSABLE
  },
  {
    name: 'sends a token with LF at its end',
    answer: granting({ access_token: `${MARKER}\n` }),
    ...UNUSABLE
  },
  {
    name: 'sends a token with a space',
    answer: granting({ access_token: `${MARKER} ${MARKER}` }),
    ...UNUSABLE
  },
  {
    name: 'sends a token that is not ASCII',
    answer: granting({ access_token: `tökén-${MARKER}` }),
    ...UNUSABLE
  },
  {
    name: 'sends a token longer than 64 KiB',
    answer: granting({ access_token: 'a'.repeat(65_536) }),
    ...UNUSABLE
  },
  ...['mac', '', ' Bearer', MARKER, null, 1, {}, ['Bearer']].map((token_type) => ({
    name: `sends the token_type ${JSON.stringify(token_type)}`,
    answer: granting({ token_type }),
    ...UNUSABLE
  })),
  ...[0, -5, 0.5, 'abc', '', ' ', '-5', '0', '600 s', MARKER, {}, [], [600], true, false].map(
    (expires_in) => ({
      name: `sends the expires_in ${JSON.stringify(expires_in)}`,
      answer: granting({ expires_in }),
      ...UNUSABLE
    })
  )
]

/** Where nobody listens. A port that was just given up may be somebody else's by now. */
const NOBODY = 'http://127.0.0.1:1'

/** A token endpoint, and the options of a provider that asks it. */
async function misbehave(
  t: Test,
  { answer, timeoutMs = 4_000 }: Misbehaviour
): Promise<{ server: Endpoint; options: TokenProviderOptions }> {
  const server = await startEndpoint(t)
  if (answer !== 'refuse') server.answer = answer
  const tokenUrl = answer === 'refuse' ? `${NOBODY}/token` : server.tokenUrl
  return { server, options: { ...CREDENTIALS, tokenUrl, timeoutMs } }
}

/** Fails unless the endpoint saw that many attempts, beside the requests of before. */
function sawAttempts(
  t: Test,
  { requests }: Endpoint,
  { answer, code }: Misbehaviour,
  attempts: number,
  before = 0
): void {
  const seen = requests.length - before
  if (answer === 'refuse') t.equal(seen, 0)
  // On a busy machine an attempt may time out before it has left.
  else if (code === 'ERR_BANDWIDTH_TOKEN_TIMEOUT') t.ok(seen <= attempts, `${seen} requests`)
  else t.equal(seen, attempts)
}

async function failsCold(t: Test, misbehaviour: Misbehaviour): Promise<void> {
  const { server, options } = await misbehave(t, misbehaviour)
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const provider = provide(t, { ...options, logger })
  const error = await rejection(provider.getToken())
  const { code, upstreamStatus, attempts, retryAfter } = misbehaviour
  t.equal(error.name, 'BandwidthTokenError')
  t.equal(error['code'], code)
  t.equal(error['statusCode'], STATUS_CODES[code])
  t.match(error.message, / .*\.$/, 'says in a sentence what is wrong')
  t.equal(error['upstreamStatus'], upstreamStatus)
  t.equal(error['attempts'], attempts)
  t.ok(isBetween(error['retryAfter'], retryAfter), `waits ${error['retryAfter']} s`)
  sawAttempts(t, server, misbehaviour, attempts)

  const asked = server.requests.length
  const again = await rejection(provider.getToken())
  t.not(again, error, 'gives every caller an error of its own')
  t.equal(again['code'], code)
  t.equal(server.requests.length, asked, 'asks no more during the cool-down')
  t.match(provider.status(), { state: 'cooling', lastErrorCode: code, consecutiveFailures: 1 })
  hunt.isSilent(t, { error, again, provider, lines })
  hunt.isSilent(t, Object.fromEntries(await handlers.show(error)))
}

async function servesWarm(t: Test, misbehaviour: Misbehaviour): Promise<void> {
  const server = await startEndpoint(t)
  const { timeoutMs = 4_000, answer, code } = misbehaviour
  const clock = stillClock(timeoutMs)
  const agent = new Agent()
  let isRefused = false
  const dispatcher: TokenDispatcher = {
    request: (options) => agent.request(isRefused ? { ...options, origin: NOBODY } : options)
  }
  const provider = provide(t, {
    ...CREDENTIALS,
    tokenUrl: server.tokenUrl,
    timeoutMs,
    clock,
    dispatcher
  })
  t.teardown(async () => {
    await provider.close()
    await agent.destroy()
  })
  const token = await provider.getToken()
  if (answer === 'refuse') isRefused = true
  else server.answer = answer

  // Past the last instant at which the refresh may start, before the hard line.
  clock.advance(600_000 - 19_000)
  const early = await Promise.all(Array.from({ length: 50 }, () => provider.getToken()))
  await until(() => provider.status().state !== 'refreshing')
  const late = await Promise.all(Array.from({ length: 50 }, () => provider.getToken()))
  t.ok([...early, ...late].every((served) => served === token))
  t.match(provider.status(), { state: 'degraded', lastErrorCode: code, consecutiveFailures: 1 })
  sawAttempts(t, server, misbehaviour, 1, 1)
}

interface Page {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function get(origin: string): Promise<Page> {
  const response = await fetch(origin + PATH)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

async function throughFastify(t: Test, options: TokenProviderOptions): Promise<Page> {
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(fastifyBandwidthToken, { ...options, authorize: () => true })
  return get(await app.listen({ port: 0, host: '127.0.0.1' }))
}

async function throughExpress(t: Test, options: TokenProviderOptions): Promise<Page> {
  const app = express()
  // Express then shows the stack in its answer and does not print it.
  app.set('env', 'test')
  const middleware = bandwidthToken({ ...options, authorize: () => true })
  app.use(middleware)
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening))
  })
  t.teardown(async () => {
    server.close()
    server.closeAllConnections()
    await middleware.close()
  })
  return get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

async function failsOnTheRoute(
  t: Test,
  misbehaviour: Misbehaviour,
  through: typeof throughFastify
): Promise<void> {
  const { server, options } = await misbehave(t, misbehaviour)
  const { status, headers, text } = await through(t, options)
  const { code, attempts, retryAfter } = misbehaviour
  t.equal(status, STATUS_CODES[code])
  t.equal(headers.get('cache-control'), 'no-store')
  t.equal(headers.get('pragma'), 'no-cache')
  t.equal(headers.get('x-content-type-options'), 'nosniff')
  t.equal(headers.get('etag'), null)
  t.ok(isBetween(Number(headers.get('retry-after')), retryAfter), `waits ${headers.get('retry-after')} s`)
  hunt.isSilent(t, { 'what the page sees': `${JSON.stringify([...headers])} ${text}` })
  sawAttempts(t, server, misbehaviour, attempts)
  if (through === throughFastify) t.match(JSON.parse(text), { statusCode: status, code })
}

function isBetween(value: unknown, [min, max]: readonly [number, number]): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

t.jobs = 3
for (const misbehaviour of MISBEHAVIOURS) {
  t.test(`when the token endpoint ${misbehaviour.name}`, { buffered: true }, async (t) => {
    t.jobs = 4
    t.test('a cold provider fails', (t) => failsCold(t, misbehaviour))
    t.test('a warm provider goes on serving', (t) => servesWarm(t, misbehaviour))
    t.test('the route of Fastify fails', (t) => failsOnTheRoute(t, misbehaviour, throughFastify))
    t.test('the route of Express fails', (t) => failsOnTheRoute(t, misbehaviour, throughExpress))
  })
}

async function tokenFrom(t: Test, answer: Answer, options: Omit<TokenProviderOptions, 'credentials'> = {}) {
  const server = await startEndpoint(t, answer)
  const provider = new TokenProvider({
    ...CREDENTIALS,
    tokenUrl: server.tokenUrl,
    ...options
  } as TokenProviderOptions)
  return provider.getToken()
}

t.test('follows no redirect', async (t) => {
  const { retryAfter: _, ...expected } = unexpected(302)
  const error = await rejection(tokenFrom(t, status(302, away)))
  t.match(error, expected)
  t.equal(trap.requests.length, 0)
})

t.test('reads little more than 64 KiB of an answer that has no end', async (t) => {
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  let bytes = 0
  const dispatcher = agent.compose(
    (dispatch) => (options, handler) =>
      dispatch(
        options,
        new Proxy(handler, {
          get(target, name) {
            const member = Reflect.get(target, name)
            if (name !== 'onResponseData') return typeof member === 'function' ? member.bind(target) : member
            return (controller: never, chunk: Buffer) => {
              bytes += chunk.length
              return member.call(target, controller, chunk)
            }
          }
        })
      )
  )
  const error = await rejection(tokenFrom(t, endlessly, { dispatcher }))
  t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID')
  t.equal(error['attempts'], 3)
  t.ok(bytes > 3 * 65_536, 'the limit was reached')
  // The limit, what undici buffers, and one chunk from the socket, three times.
  t.ok(bytes <= 3 * 4 * 65_536, `${bytes} bytes were read`)
})
