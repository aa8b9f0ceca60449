import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { BandwidthTokenError, type BandwidthTokenErrorCode, TokenProvider } from '@bandwidth-token/core'
import { TokenRoute } from '@bandwidth-token/core/adapter'
import { testProvider } from '@bandwidth-token/core/testing'
import t from 'tap'
import { answerWith, grant, hang, startEndpoint } from '../support/endpoint.js'
import { errorOf } from '../support/error-of.js'
import { rejection } from '../support/outcomes.js'
import { CREDENTIALS, provide } from '../support/provide.js'
import { recordingLogger } from '../support/recording-logger.js'
import { shiftableClock } from '../support/shiftable-clock.js'

delete process.env['BW_TOKEN_URL']

/** The codes and their statuses, as users read them. */
const README = readFileSync(new URL('../../../packages/core/README.md', import.meta.url), 'utf8')
const STATUSES = [...README.matchAll(/^\| `(ERR_BANDWIDTH_TOKEN_\w+)` +\| (\d{3}) +\|/gm)].map(
  ([, code, status]) => [code as BandwidthTokenErrorCode, Number(status)] as const
)
const UNCACHEABLE = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff'
}

t.test('has the codes that the README lists, and no other', async (t) => {
  const types = readFileSync(new URL('errors.d.ts', import.meta.resolve('@bandwidth-token/core')), 'utf8')
  const declared = /type BandwidthTokenErrorCode =([^;]+);/.exec(types)?.[1]?.match(/\w{5,}/g)
  t.strictSame(STATUSES.map(([code]) => code).sort(), declared?.sort())
})

for (const [code, statusCode] of STATUSES) {
  t.test(`${code} has the status ${statusCode}`, async (t) => {
    const error = new BandwidthTokenError(code, 'why')
    t.ok(error instanceof Error)
    t.equal(error.name, 'BandwidthTokenError')
    t.equal(error.code, code)
    t.equal(error.message, 'why')
    t.equal(error.statusCode, statusCode)
    t.equal(error.status, statusCode)
    t.equal(String(error), 'BandwidthTokenError: why')
    t.strictSame(error.headers, UNCACHEABLE)
    t.notOk('cause' in error)
    t.strictSame(
      Object.keys(error).sort(),
      ['code', 'status', 'statusCode'],
      'says nothing that is not known'
    )
  })
}

t.test('has every property where it is known', async (t) => {
  const error = await errorOf(t, answerWith(401, { error: 'invalid_client' }, { 'Retry-After': '90' }))
  t.match(error, {
    name: 'BandwidthTokenError',
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    statusCode: 502,
    status: 502,
    retryAfter: 90,
    attempts: 1,
    upstreamStatus: 401,
    oauthError: 'invalid_client',
    headers: { ...UNCACHEABLE, 'Retry-After': '90' }
  })
  t.strictSame(
    Object.keys(error).sort(),
    ['attempts', 'code', 'oauthError', 'retryAfter', 'status', 'statusCode', 'upstreamStatus'],
    'where a logger sees it'
  )
  t.equal(error.cause, undefined)
  t.match(error.stack, /^BandwidthTokenError: /)
})

t.test('says that its message may be shown, as errors of http-errors do', async (t) => {
  const route = new TokenRoute({ provider: testProvider(), authorize: () => false })
  const refusal = await rejection(route.answer({}, { url: '/', header: () => undefined }))
  for (const error of [new BandwidthTokenError('ERR_BANDWIDTH_TOKEN_UNAVAILABLE', 'Try again.'), refusal]) {
    t.match(error, { expose: true, status: Number, statusCode: (error as BandwidthTokenError).status })
    t.ok(error instanceof Error)
    t.notMatch(inspect(error), 'expose')
    for (const name of ['message', 'stack']) {
      t.match(
        Object.getOwnPropertyDescriptor(error, name),
        { writable: true, enumerable: false, configurable: true },
        'as of any error'
      )
    }
  }
})

t.test('gives fresh headers at every reading', async (t) => {
  const error = await errorOf(t, answerWith(429, '', { 'Retry-After': '30' }))
  const { headers } = error
  t.not(headers, error.headers)
  for (const name of Object.keys(headers)) delete headers[name]
  headers['X-Own'] = 'yes'
  t.strictSame(error.headers, { ...UNCACHEABLE, 'Retry-After': '30' })
})

t.test('counts down the seconds until a new try, rounded up, at least 1', async (t) => {
  const server = await startEndpoint(t, answerWith(401))
  const clock = shiftableClock()
  const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl, clock })
  const retryAfter = async () => (await rejection(provider.getToken()))['retryAfter']
  t.equal(await retryAfter(), 60)
  clock.advance(10_000)
  t.equal(await retryAfter(), 50)
  clock.advance(49_000)
  t.equal(await retryAfter(), 1)
  t.equal(server.requests.length, 1)
})

t.test('shows the error of RFC 6749 where it is well formed', async (t) => {
  for (const [error, shown] of [
    ['invalid_client', true],
    ['a', true],
    ['a'.repeat(64), true],
    ['x_y.z-9', true],
    ['a'.repeat(65), false],
    ['', false],
    ['Invalid_client', false],
    ['9invalid', false],
    ['_invalid', false],
    ['invalid client', false],
    ['invalid\nclient', false],
    ['invalid_client\n', false],
    ['<script>', false],
    ['größe', false],
    [7, false],
    [null, false],
    [['invalid_client'], false],
    [{}, false],
    [undefined, false]
  ] as const) {
    const { oauthError } = await errorOf(t, answerWith(401, { error }))
    t.equal(oauthError, shown ? error : undefined, JSON.stringify(error))
  }
})

t.test('shows no error of RFC 6749 that repeats the secret', async (t) => {
  for (const error of ['secret', 'no_secret', 'secrets.are.bad']) {
    t.equal((await errorOf(t, answerWith(400, { error }))).oauthError, undefined)
  }
  t.equal((await errorOf(t, answerWith(400, { error: 'secre' }))).oauthError, 'secre')
})

t.test('shows no error of RFC 6749 that repeats part of the cached token', async (t) => {
  const endpoint = await startEndpoint(t, grant({ access_token: 'a.token_of.letters' }))
  const logger = recordingLogger()
  const provider = endpoint.provider(t, { logger })
  await provider.getToken()
  await endpoint.clock.advance(5_000)
  endpoint.answer = answerWith(400, { error: 'no.token_of.yours' })
  const error = await rejection(provider.getToken({ rejected: 'a.token_of.letters' }))
  t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', oauthError: undefined })
  t.notMatch(JSON.stringify(logger.lines), 'token_of')
})

t.test('shows no error of RFC 6749 from a status whose body is not read', async (t) => {
  for (const status of [404, 429, 500]) {
    const error = await errorOf(t, answerWith(status, { error: 'invalid_client' }, { 'Retry-After': '90' }))
    t.match(error, { upstreamStatus: status })
    t.notOk('oauthError' in error)
  }
})

t.test('shows the error of RFC 6749 that comes with 200, and obeys its Retry-After', async (t) => {
  const answer = answerWith(200, { error: 'invalid_client' }, { 'Retry-After': '90' })
  t.match(await errorOf(t, answer), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    upstreamStatus: 200,
    oauthError: 'invalid_client',
    attempts: 1,
    retryAfter: 90
  })
  const unusable = answerWith(200, '', { 'Retry-After': '90' })
  t.match(await errorOf(t, unusable), {
    code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
    attempts: 1,
    retryAfter: 90
  })
})

t.test('shows no error of RFC 6749 from an answer that is no JSON object', async (t) => {
  for (const body of [
    '',
    'invalid_client',
    '"invalid_client"',
    'null',
    '[]',
    '{"error":',
    '<error>invalid_client</error>'
  ]) {
    t.equal((await errorOf(t, answerWith(401, body))).oauthError, undefined)
  }
})

t.test('has a message that says what happened and repeats nothing', async (t) => {
  const body = { error: 'invalid_client', error_description: 'hunter2', message: 'hunter2' }
  for (const status of [400, 404, 429, 503]) {
    const { message } = await errorOf(t, answerWith(status, body, { 'Retry-After': '30', 'X-Up': 'hunter2' }))
    t.match(message, /^The token endpoint [\w ,()]+\.$/)
    t.notMatch(message, /hunter2|127\.0\.0\.1|invalid_client/)
  }
})

t.test('says that time ran out, and nothing else', async (t) => {
  const { code, message } = await errorOf(t, hang, { timeoutMs: 20, deadlineMs: 30 })
  t.equal(code, 'ERR_BANDWIDTH_TOKEN_TIMEOUT')
  t.equal(message, 'No token was obtained in time.')
})

t.test('every member refuses in its own way after close()', async (t) => {
  const provider = new TokenProvider(CREDENTIALS)
  await provider.close()
  for (const call of [
    () => provider.getToken(),
    () => provider.getToken({ account: 'a' }),
    () => provider.accessToken(),
    () => provider.warmUp()
  ]) {
    const error = await rejection(call())
    t.match(error, {
      code: 'ERR_BANDWIDTH_TOKEN_CLOSED',
      message: 'The token provider is closed.',
      statusCode: 503,
      headers: UNCACHEABLE
    })
    t.equal(error['retryAfter'], undefined)
  }
})
