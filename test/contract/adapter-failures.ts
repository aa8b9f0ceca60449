import type { Fault } from '@bandwidth-token/emulator'
import type { Test } from 'tap'
import { DOWN, type Harness, isMounted, stage, takeDown } from '../support/adapters-harness.js'
import { VirtualClock } from '../support/virtual-clock.js'

const SECRET = 'what only the token endpoint may know'
const body = { error: 'server_error', error_description: SECRET }

/** Section 1.5 as the token route answers it, with an own error handler and with the framework's. */
const FAILURES: readonly (readonly [
  name: string,
  fault: Fault,
  status: number,
  code: string,
  retryAfter?: string
])[] = [
  ['503', { status: 503, body }, 503, 'UNAVAILABLE'],
  ['503 with Retry-After', { ...DOWN, body }, 503, 'UNAVAILABLE', '60'],
  ['429 with Retry-After', { ...DOWN, status: 429, body }, 503, 'UNAVAILABLE', '60'],
  ['500', { status: 500, body: SECRET }, 503, 'UNAVAILABLE'],
  ['a reset', { reset: 'headers' }, 503, 'UNAVAILABLE'],
  ['400', { status: 400, body }, 502, 'CREDENTIALS_REJECTED'],
  ['401', { status: 401, body }, 502, 'CREDENTIALS_REJECTED'],
  ['403', { status: 403, body }, 502, 'CREDENTIALS_REJECTED'],
  ['404', { status: 404, body }, 502, 'RESPONSE_INVALID'],
  ['302', { status: 302, headers: { location: '/elsewhere' }, body: SECRET }, 502, 'RESPONSE_INVALID'],
  ['garbage', { body: SECRET }, 502, 'RESPONSE_INVALID'],
  ['no token', { body: { note: SECRET, token_type: 'Bearer', expires_in: 600 } }, 502, 'RESPONSE_INVALID'],
  ['a refusal with 200', { body }, 502, 'CREDENTIALS_REJECTED'],
  ['a dead token', { body: { access_token: 'SECRET', expires_in: 0 } }, 502, 'RESPONSE_INVALID'],
  ['nothing', { hang: 'headers' }, 504, 'TIMEOUT'],
  ['half a body', { body, hang: 'body' }, 504, 'TIMEOUT']
]

/** Sections 1.5 and 3.2: what the route answers when there is no token. */
export function failures(t: Test, harness: Harness): void {
  for (const [name, fault, status, code, retryAfter] of FAILURES) {
    for (const errorHandler of ['own', 'framework'] as const) {
      const by = errorHandler === 'own' ? "the app's" : "the framework's"
      t.test(`answers ${status} through ${by} error handler to ${name}`, async (t) => {
        // Only what hangs needs limits: a slow machine must not run out of time otherwise.
        const limits = 'hang' in fault ? { timeoutMs: 60, deadlineMs: 1_000 } : {}
        const { emulator, server, get } = await stage(t, harness, limits, { errorHandler })
        emulator.script(Array.from({ length: 20 }, () => fault))
        for (const attempt of ['cold', 'while it cools down']) {
          const { status: answered, headers, text, json } = await get()
          t.equal(answered, status, attempt)
          t.equal(headers['cache-control'], 'no-store')
          t.equal(headers['pragma'], 'no-cache')
          t.equal(headers['x-content-type-options'], 'nosniff')
          t.match(headers['retry-after'], retryAfter ?? /^[1-9]\d*$/)
          t.notMatch(text, SECRET)
          t.notMatch(text, emulator.clientSecret)
          t.notMatch(text, /access_token\\?"\s*:/, 'what the endpoint sent')
          if (errorHandler === 'own' || !isMounted(harness)) t.equal(json.code, `ERR_BANDWIDTH_TOKEN_${code}`)
        }
        t.equal(server.errors.length, errorHandler === 'own' && isMounted(harness) ? 2 : 0)
      })
    }
  }

  t.test('answers 403 through the error handler of the framework too', async (t) => {
    const { get } = await stage(t, harness, { authorize: () => false }, { errorHandler: 'framework' })
    for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[]) {
      const answer = await get('/bandwidth/token', headers)
      t.equal(answer.status, 403)
      t.equal(answer.headers['cache-control'], 'no-store')
    }
  })

  t.test('answers 503 once its provider is closed', async (t) => {
    const { server, get } = await stage(t, harness)
    await server.providers[0]?.close()
    const { status, headers, json } = await get()
    t.equal(status, 503)
    t.equal(json.code, 'ERR_BANDWIDTH_TOKEN_CLOSED')
    t.equal(headers['cache-control'], 'no-store')
  })

  t.test('counts Retry-After down', async (t) => {
    const clock = new VirtualClock()
    const { emulator, get, requests } = await stage(t, harness, { clock })
    emulator.script([DOWN])
    t.equal((await get()).headers['retry-after'], '60')
    await clock.advance(20_500)
    t.equal((await get()).headers['retry-after'], '40')
    t.equal(requests(), 1)
    await clock.advance(40_000)
    t.equal((await get()).status, 200)
  })

  t.test('keeps serving its token while the token endpoint is down', async (t) => {
    const clock = new VirtualClock()
    const { emulator, get } = await stage(t, harness, { clock })
    const first = (await get()).json.access_token
    takeDown(emulator)
    await clock.advance(589_000)
    const { status, json } = await get()
    t.equal(status, 200)
    t.equal(json.access_token, first)
  })

  t.test('tells nobody of a secret', async (t) => {
    const { emulator, get } = await stage(t, harness)
    emulator.script([{ status: 401, body: { error: emulator.clientSecret } }])
    const { text, headers } = await get()
    const basic = Buffer.from(`${emulator.clientId}:${emulator.clientSecret}`).toString('base64')
    for (const secret of [emulator.clientSecret, basic]) {
      t.notMatch(text + JSON.stringify(headers), secret)
    }
  })
}
