import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { TokenDispatcher } from '@bandwidth-token/core'
import fc from 'fast-check'
import t from 'tap'
import { authenticate, parseGrant, requestToken, toError } from '../support/core-internals.js'
import { type Expected, expected, members, noObject, textOf, writing } from './answers.js'
import { checkError } from './error-shape.js'
import { runs } from './settings.js'

const SECRET = 's3cret-4711'
const BASIC = Buffer.from(`client:${SECRET}`).toString('base64')
const KiB = 1024

type Outcome = Awaited<ReturnType<typeof requestToken>>

/** One exchange with a dispatcher that answers what it is told. */
function exchange(answer: object): Promise<Outcome> {
  const dispatcher = { request: async () => answer } as unknown as TokenDispatcher
  const endpoint = { tokenUrl: 'https://id.example/token', scope: '', dispatcher }
  const client = authenticate({ clientId: 'client', clientSecret: SECRET })
  return requestToken(endpoint, client, new AbortController().signal, () => 0)
}

/** A body in pieces that are cut at the given places, characters cut in two included. */
function inPieces(body: Buffer, cuts: readonly number[]): Readable {
  const places = [0, ...cuts.map((cut) => Math.floor(cut * body.length)).sort((a, b) => a - b), body.length]
  const pieces = places.slice(1).map((end, index) => body.subarray(places[index], end))
  // A piece of no bytes is what a socket never gives.
  return Readable.from(pieces.filter(({ length }) => length > 0))
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })

function checkOutcome(outcome: Outcome, wanted: Expected): void {
  if (wanted === 'unusable' || wanted === 'refused') {
    assert.ok('code' in outcome, 'it is no token')
    const [code, remedy] =
      wanted === 'refused' ? ['CREDENTIALS_REJECTED', 'reload'] : ['RESPONSE_INVALID', 'retry']
    assert.equal(outcome.code, `ERR_BANDWIDTH_TOKEN_${code}`)
    assert.equal(outcome.remedy, remedy)
    assert.equal(outcome.upstreamStatus, 200)
    checkError(toError(outcome, 1), [SECRET, BASIC])
  } else {
    assert.ok('accessToken' in outcome, 'it is taken')
    const { accessToken, accessTokenId, expiresIn } = outcome
    assert.deepEqual({ accessToken, accessTokenId, expiresIn }, wanted)
  }
}

t.test('takes an answer or refuses it as an independent reading of the contract does', async () => {
  fc.assert(
    fc.property(members, writing, (list, how) => {
      checkOutcome(
        parseGrant(JSON.parse(textOf(list, how)), [SECRET, BASIC]),
        expected(list, [SECRET, BASIC])
      )
    }),
    runs(10_000)
  )
})

t.test('comes to the same whatever the pieces in which the answer arrives', async () => {
  await fc.assert(
    fc.asyncProperty(members, writing, cuts, fc.boolean(), async (list, how, cuts, hasMark) => {
      const body = Buffer.from((hasMark ? '\ufeff' : '') + textOf(list, how))
      const outcome = await exchange({ statusCode: 200, headers: {}, body: inPieces(body, cuts) })
      checkOutcome(outcome, body.length > 64 * KiB ? 'unusable' : expected(list, [SECRET, BASIC]))
    }),
    runs(1_500)
  )
})

t.test('refuses whatever is no JSON object', async () => {
  const body = fc.oneof(
    noObject.map((text) => Buffer.from(text)),
    noObject.map((text) => Buffer.from(text, 'utf16le')),
    members.map((list) => Buffer.from(`\ufeff${textOf(list)}`, 'utf16le')),
    members.map((list) => gzipSync(textOf(list))),
    fc.tuple(members, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })).map(([list, part]) => {
      const text = Buffer.from(textOf(list))
      return text.subarray(0, Math.floor(part * text.length))
    }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from([0x80, ...bytes]))
  )
  await fc.assert(
    fc.asyncProperty(body, cuts, async (body, cuts) => {
      const outcome = await exchange({ statusCode: 200, headers: {}, body: inPieces(body, cuts) })
      checkOutcome(outcome, 'unusable')
    }),
    runs(1_500)
  )
})

t.test('reads 64 KiB and not a byte more', async () => {
  const padded = (length: number) => {
    const answer = '{"access_token":"a","expires_in":600}'
    return Buffer.from(answer.padEnd(length))
  }
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -300, max: 300 }), cuts, async (more, cuts) => {
      const body = inPieces(padded(64 * KiB + more), cuts)
      const outcome = await exchange({ statusCode: 200, headers: {}, body })
      const wanted = { accessToken: 'a', accessTokenId: undefined, expiresIn: 600 }
      checkOutcome(outcome, more > 0 ? 'unusable' : wanted)
    }),
    runs(200)
  )
})

/** Contract 1.5; a status beyond 599 is as a 5xx (RFC 9110 §15). */
function codeFor(status: number): string {
  if ([400, 401, 403].includes(status)) return 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  if ([408, 429].includes(status) || status > 499) return 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
  return 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID'
}

t.test('makes an error of any other status, whatever its headers and its body', async () => {
  const status = fc.oneof(
    fc.integer({ min: 100, max: 999 }),
    fc.constantFrom(201, 204, 301, 400, 401, 403, 407, 408, 429, 500, 599)
  )
  const headerValue = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constant(undefined))
  const headers = fc.dictionary(
    fc.constantFrom('retry-after', 'location', 'content-type', 'www-authenticate', '__proto__'),
    fc.oneof(headerValue, fc.array(headerValue, { maxLength: 3 }))
  )
  const oauthError = fc.oneof(
    fc.constantFrom('invalid_client', 'Invalid', SECRET, 'a'.repeat(65), 'a\n', '', 'slow.down-1'),
    fc.string({ unit: 'binary', maxLength: 10 }),
    fc.anything()
  )
  const body = fc.oneof(
    oauthError.map((error) => JSON.stringify({ error: typeof error === 'bigint' ? null : error }, noBigInt)),
    noObject,
    members.map((list) => textOf(list))
  )
  await fc.assert(
    fc.asyncProperty(status, headers, body, cuts, async (statusCode, headers, body, cuts) => {
      fc.pre(statusCode !== 200)
      const outcome = await exchange({ statusCode, headers, body: inPieces(Buffer.from(body), cuts) })
      assert.ok('code' in outcome)
      assert.equal(outcome.code, codeFor(statusCode))
      const error = checkError(toError(outcome, outcome.retryAfterMs ?? 1), [SECRET, BASIC])
      assert.equal(error.upstreamStatus, statusCode)
    }),
    runs(1_500)
  )
})

const noBigInt = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

t.test(
  'makes an error of whatever a dispatcher of the user throws, rejects with or resolves to',
  async () => {
    const junk = fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withMap: true })
    const failing = fc.record({
      name: fc.oneof(fc.constantFrom('SocketError', SECRET), junk),
      message: fc.constant(SECRET),
      code: fc.oneof(fc.constantFrom('ECONNRESET', 'UND_ERR_BODY_TIMEOUT', SECRET), junk),
      syscall: fc.oneof(fc.constantFrom('connect', SECRET), junk)
    })
    const partial = fc.record(
      { statusCode: fc.constantFrom(200, 401, 503), headers: junk, body: junk },
      { requiredKeys: [] }
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('throws', 'rejects', 'resolves'),
        fc.oneof(junk, failing, partial),
        async (way, what) => {
          const dispatcher = {
            request() {
              if (way === 'throws') throw what
              return way === 'rejects' ? Promise.reject(what) : Promise.resolve(what)
            }
          } as unknown as TokenDispatcher
          const endpoint = { tokenUrl: 'https://id.example/token', scope: '', dispatcher }
          const client = authenticate({ clientId: 'client', clientSecret: SECRET })
          const outcome = await requestToken(endpoint, client, new AbortController().signal, () => 0)
          assert.ok('code' in outcome)
          checkError(toError(outcome, 1), [SECRET, BASIC])
        }
      ),
      runs(1_500)
    )
  }
)
