import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { BandwidthTokenError } from '@bandwidth-token/core'
import {
  errorAnswer,
  errorHeaders,
  keepHeaders,
  nodeHeaders,
  type OptionRule,
  type RouteRequest,
  TokenRoute
} from '@bandwidth-token/core/adapter'
import t from 'tap'
import { rejection, thrownBy } from '../../support/outcomes.js'
import { processEvents } from '../../support/process-events.js'
import { recordingLogger } from '../../support/recording-logger.js'

const UNCACHEABLE = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff'
}
const provider = { getToken: () => Promise.reject(new Error('nobody was to ask')) }
const authorize = () => true
const asked: RouteRequest = { url: '/', header: () => undefined }

t.test('refuses whoever asks a route that has no authorize', async (t) => {
  const logger = recordingLogger()
  const route = new TokenRoute<object>({ provider, path: false, logger })
  t.match(await rejection(route.answer({}, asked)), {
    code: 'ERR_BANDWIDTH_TOKEN_FORBIDDEN',
    statusCode: 403
  })
  t.strictSame(logger.lines, [], 'which is no mistake')
})

t.test('says of a missing authorize what it is to be, and why there is no default', async (t) => {
  t.match(
    thrownBy(() => new TokenRoute({ provider })),
    {
      message:
        'Invalid option "authorize": expected a function of the request that returns true for those who may have a token, ' +
        'such as (request) => request.session.user !== undefined. There is no default, because a token lets its holder ' +
        'place calls that the account pays for; got undefined.'
    }
  )
})

t.test('asks the provider for no more than it was told', async (t) => {
  const token = {
    accessToken: 'token-1',
    accessTokenId: 'id-1',
    toResponse: () => ({ access_token: 'token-1', token_type: 'Bearer' as const, expires_in: 600 })
  }
  const keys: string[][] = []
  const recording = {
    async getToken(options: object = {}) {
      keys.push(Object.keys(options))
      return token
    }
  }
  const { signal } = new AbortController()
  const rejecting = { ...asked, url: '/?rejected=id-1' }
  const route = new TokenRoute<object>({ provider: recording, authorize })
  await route.answer({}, rejecting)
  await route.answer({}, { ...rejecting, signal })
  const named = new TokenRoute<object>({ provider: recording, authorize, account: () => 'acme' })
  await named.answer({}, rejecting)
  await named.answer({}, { ...rejecting, signal })
  t.strictSame(keys, [
    ...[[], ['rejected'], ['signal'], ['signal', 'rejected']],
    ...[['account'], ['account', 'rejected'], ['account', 'signal'], ['account', 'signal', 'rejected']]
  ])
})

t.test('asks for no path of its own beside the usual name', async (t) => {
  const { path, decorateAs } = new TokenRoute({ provider, authorize, decorateAs: 'bandwidthToken' }).options
  t.strictSame({ path, decorateAs }, { path: '/bandwidth/token', decorateAs: 'bandwidthToken' })
})

t.test('says what was wrong with an option beside a provider', async (t) => {
  t.match(
    thrownBy(() => new TokenRoute({ provider, authorize, maxTokens: 5 })),
    {
      message:
        'Invalid option "maxTokens": expected no value together with "provider", which has its own options; got a number.'
    }
  )
})

t.test('refuses an account that is none, and says what it is to be', async (t) => {
  const route = new TokenRoute<object>({ provider, authorize, account: () => 7 })
  const invalid = {
    code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
    message: /"account": expected a function that returns a string of at most 256 characters; got a number/
  }
  t.match(await rejection(route.answer({}, asked)), invalid)
  t.match(await rejection(route.tokenFor({})), invalid)
})

t.test('hears what an asynchronous account rejects with', async (t) => {
  const unhandled = processEvents(t, 'unhandledRejection')
  const route = new TokenRoute<object>({
    provider,
    authorize,
    account: (() => Promise.reject(new Error('no database'))) as never
  })
  t.match(await rejection(route.tokenFor({})), { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' })
  await setImmediate()
  t.strictSame(unhandled, [])
})

t.test('refuses an origin where the request names no host of its own', async (t) => {
  const route = new TokenRoute<object>({ provider, authorize })
  for (const origin of ['https://undefined', 'http://undefined']) {
    t.match(
      thrownBy(() => route.checkOrigin(nodeHeaders({ origin }))),
      { code: 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN' }
    )
  }
})

t.test('takes any name that a property may have', async (t) => {
  for (const decorateAs of ['x', '$', '_', 'a1', '$_$', 'bandwidthToken2']) {
    const { options } = new TokenRoute({ provider, authorize, path: '/own', decorateAs })
    t.equal(options.decorateAs, decorateAs)
  }
})

t.test('hands an adapter its own options, checked, and none of the others', async (t) => {
  const extraRules: Record<string, OptionRule> = { colour: [(value) => value === 'red', '"red"'] }
  const { extra } = new TokenRoute({ provider, authorize, path: '/own', colour: 'red' }, { extraRules })
    .options
  t.strictSame({ ...extra }, { colour: 'red' })
  t.match(
    thrownBy(() => new TokenRoute({ provider, authorize, colour: 'blue' }, { extraRules })),
    { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: 'Invalid option "colour": expected "red"' }
  )
})

t.test('has headers for every error, and takes no more than Retry-After from those of its own', async (t) => {
  const own = new BandwidthTokenError('ERR_BANDWIDTH_TOKEN_UNAVAILABLE', 'why', { retryAfter: 7 })
  t.strictSame(errorHeaders(own), { ...UNCACHEABLE, 'Retry-After': '7' })
  const headers = { 'Set-Cookie': 'a=b', 'cache-control': 'public' }
  const code = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
  t.strictSame(errorHeaders({ code, headers, retryAfter: 7 }), { ...UNCACHEABLE, 'Retry-After': '7' })
  for (const error of [
    undefined,
    null,
    'thrown',
    {},
    { code, headers },
    { code, retryAfter: 'a\r\nb: c' },
    { code, retryAfter: 1e300 },
    { code, retryAfter: -1 },
    { code, retryAfter: Number.POSITIVE_INFINITY },
    { code: 7, headers },
    { code: null, headers },
    { code: 'APP', retryAfter: 7 },
    { code: 'AN_ERR_BANDWIDTH_TOKEN_', retryAfter: 7 },
    Object.defineProperty({}, 'code', {
      get: () => {
        throw new Error('not to be read')
      }
    })
  ]) {
    t.strictSame(errorHeaders(error), UNCACHEABLE)
  }
})

t.test('answers for its own errors, and for no other', async (t) => {
  const own = new BandwidthTokenError('ERR_BANDWIDTH_TOKEN_UNAVAILABLE', 'why', { retryAfter: 7 })
  const { code, message } = own
  const answer = errorAnswer(own)
  t.strictSame(answer?.headers, {
    ...UNCACHEABLE,
    'Retry-After': '7',
    'Content-Type': 'application/json; charset=utf-8'
  })
  t.equal(answer?.status, 503)
  t.strictSame(JSON.parse(answer?.body ?? ''), { code, message, statusCode: 503 })
  for (const statusCode of [undefined, '503', 200, 600, 403.5, Number.NaN]) {
    t.equal(errorAnswer({ code, message, statusCode })?.status, 500, String(statusCode))
  }
  for (const error of [undefined, 'thrown', new Error('why'), { code: 'APP', message, statusCode: 503 }]) {
    t.equal(errorAnswer(error), undefined)
  }
})

t.test('makes refusals without stack frames, and errors otherwise', async (t) => {
  const route = new TokenRoute<object>({ provider, authorize: () => false })
  const refusal = await rejection(route.answer({}, asked))
  t.ok(refusal instanceof BandwidthTokenError)
  t.equal(refusal.name, 'BandwidthTokenError')
  t.equal(refusal.stack, `BandwidthTokenError: ${refusal.message}`)
  t.equal(String(refusal), refusal.stack)
  t.strictSame(Object.keys(refusal).sort(), ['code', 'status', 'statusCode'])
  t.strictSame(refusal.headers, UNCACHEABLE)
  t.match(inspect(refusal), /^\[BandwidthTokenError: Sign in first[^\n]*\] \{\n {2}code: '/)
  t.match(new Error('a fault').stack, /\n {4}at /, 'whoever else makes an error has frames')
})

t.test('hands the signal of a request to the provider', async (t) => {
  const waiting = {
    getToken: ({ signal }: { signal?: AbortSignal } = {}) =>
      new Promise<never>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        arrived.dispatchEvent(new Event('call'))
      })
  }
  const arrived = new EventTarget()
  const route = new TokenRoute<object>({ provider: waiting, authorize, account: () => 'acme' })
  for (const ask of [
    (signal: AbortSignal) => route.answer({}, { ...asked, signal }),
    (signal: AbortSignal) => route.tokenFor({}, signal)
  ]) {
    const controller = new AbortController()
    const call = once(arrived, 'call')
    const outcome = rejection(ask(controller.signal))
    await call
    const reason = new Error('gone')
    controller.abort(reason)
    t.equal(await outcome, reason)
  }
})

t.test('has no options of a mount where the adapter mounts nothing', async (t) => {
  t.ok(new TokenRoute({ provider, authorize }, { isMounted: false }))
  for (const [options, name] of [
    [{ provider, authorize, path: '/token' }, 'path'],
    [{ provider, authorize, decorateAs: 'other' }, 'decorateAs'],
    [{ provider, path: false }, 'path'],
    [{ provider }, 'authorize']
  ] as const) {
    t.match(
      thrownBy(() => new TokenRoute(options, { isMounted: false })),
      { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: new RegExp(`"${name}"`) }
    )
  }
})

t.test('reads headers as Node has them, and no property that they inherit', async (t) => {
  const header = nodeHeaders(
    Object.assign(Object.create({ origin: 'https://evil.example' }), {
      host: 'app.example',
      'x-many': ['a', 'b']
    })
  )
  t.equal(header('origin'), undefined)
  t.equal(header('host'), 'app.example')
  t.equal(header('x-many'), 'a, b')
  t.equal(nodeHeaders({ host: 'evil.example', ':authority': 'app.example' })('host'), 'app.example')
})

t.test('keeps headers whatever is written over them until they are sent', async (t) => {
  const headers = { 'Cache-Control': 'no-store', 'Retry-After': '7' }
  const handlers: ((response: ServerResponse) => void)[] = [
    (response) => response.end(),
    (response) => response.removeHeader('cache-control'),
    (response) => response.setHeader('cache-control', 'public'),
    (response) => response.writeHead(503, { 'CACHE-CONTROL': 'public', 'retry-after': '1', 'x-app': 'a' }),
    (response) => response.writeHead(503, 'No', { 'cache-control': 'public', 'x-app': 'a' }),
    (response) =>
      response.writeHead(503, [
        'x-app',
        'a',
        'cache-control',
        'public',
        'x-b',
        'cache-control',
        'Retry-After',
        '1'
      ]),
    (response) => {
      t.throws(() => response.writeHead(503, { 'x app': 'a' }))
      response.writeHead(503)
    },
    (response) => response.writeHead(503, 'No', null as never)
  ]
  const server = createServer((request, response) => {
    const { writeHead } = response
    keepHeaders(response, headers)
    t.equal(response.getHeader('cache-control'), 'no-store', 'which other code may read')
    handlers[Number(request.url?.slice(1))]?.(response)
    response.end()
    t.equal(response.writeHead, writeHead, 'and leaves the response as it was')
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const index of handlers.keys()) {
    const answer = await fetch(`http://127.0.0.1:${port}/${index}`)
    t.equal(answer.headers.get('cache-control'), 'no-store', `handler ${index}`)
    t.equal(answer.headers.get('retry-after'), '7')
    t.equal(answer.headers.get('x-app'), index >= 3 && index <= 5 ? 'a' : null)
    t.equal(answer.headers.get('x-b'), index === 5 ? 'cache-control' : null)
  }
})

t.test('adds no headers to a response that has begun', async (t) => {
  const server = createServer((_request, response) => {
    response.flushHeaders()
    keepHeaders(response, { 'Cache-Control': 'no-store' })
    response.end('the app')
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}`)
  t.equal(answer.headers.get('cache-control'), null)
  t.equal(await answer.text(), 'the app')
})
