import assert from 'node:assert/strict'
import { connect } from 'node:net'
import express5 from 'express'
import fc from 'fast-check'
import t from 'tap'
import { expressHarness } from '../support/adapters-express.js'
import { express4 } from '../support/adapters-express4.js'
import { fastifyHarness } from '../support/adapters-fastify.js'
import { stage } from '../support/adapters-harness.js'
import { ALLOWED, mayPass, type Provenance, provenance } from './cross-origin.js'
import { rejectedQuery } from './queries.js'
import { runs } from './settings.js'

interface RawResponse {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/**
 * Sends bytes and reads what comes back until the server closes. Where no more will come (`isAll`), the client says so,
 * and a server that is in the middle of an answer may hang up.
 */
function send(origin: string, bytes: Buffer, isAll = false): Promise<RawResponse | undefined> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    let received = ''
    socket.setEncoding('latin1').on('data', (text) => {
      received += text
    })
    // A server may hang up on what is not HTTP.
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => resolve(parse(received)))
    if (isAll) socket.end(bytes)
    else socket.write(bytes)
  })
}

function parse(received: string): RawResponse | undefined {
  const [head = '', ...rest] = received.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const status = /^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]
  if (status === undefined) return undefined
  const headers = lines.map((line) => {
    const [name = '', ...value] = line.split(': ')
    return [name.toLowerCase(), value.join(': ')] as const
  })
  return { status: Number(status), headers: new Map(headers), body: rest.join('\r\n\r\n') }
}

interface RawRequest extends Provenance {
  readonly method: string
  readonly target: string
  readonly more: readonly string[]
}

/** The bytes of a request; its strings are bytes, as in HTTP. */
function bytesOf({ method, target, host, origin, site, more }: RawRequest): Buffer {
  const line = (name: string, value: string | undefined) => (value === undefined ? [] : [`${name}: ${value}`])
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...line('Host', host),
    ...line('oRiGiN', origin),
    ...more,
    ...line('SEC-FETCH-SITE', site),
    'Connection: close'
  ]
  return Buffer.from([...lines, '', ''].join('\r\n'), 'latin1')
}

const noise = fc.constantFrom(
  ...['X-Forwarded-Host: trusted.example', 'Forwarded: host=evil.example', 'X-Forwarded-Proto: https'],
  ...[
    'Referer: https://trusted.example/',
    'If-None-Match: *',
    'Range: bytes=0-1',
    'Accept: text/html',
    'TE: trailers'
  ],
  ...['Content-Length: 0', 'Sec-Fetch-Mode: navigate', 'Origins: https://trusted.example'],
  ...[
    'X-HTTP-Method-Override: POST',
    'Cookie: __proto__=x; a',
    'Authorization: Bearer \xff',
    'X:',
    'Accept-Encoding: *'
  ]
)

/** What is around a value belongs to HTTP, not to the value (RFC 9110 §5.5). */
const trimmed = (value: string | undefined) => value?.replace(/^[ \t]+|[ \t]+$/g, '')

const request: fc.Arbitrary<RawRequest> = fc
  .record({
    from: provenance,
    method: fc.constantFrom('GET', 'GET', 'HEAD'),
    query: rejectedQuery.map((query) => (query.startsWith('?') ? query : '')),
    more: fc.uniqueArray(noise, { maxLength: 3 })
  })
  .map(({ from, method, query, more }) => ({
    host: trimmed(from.host),
    origin: trimmed(from.origin),
    site: trimmed(from.site),
    method,
    target: `/bandwidth/token${query}`,
    more
  }))

const PLAIN: RawRequest = {
  method: 'GET',
  target: '/bandwidth/token',
  host: 'app.example',
  origin: undefined,
  site: undefined,
  more: []
}

function checkToken({ method }: RawRequest, { headers, body }: RawResponse): void {
  checkHeaders(headers)
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8')
  if (method === 'HEAD') {
    assert.equal(body, '')
    return
  }
  const { access_token, access_token_id, token_type, expires_in, ...rest } = JSON.parse(body)
  assert.match(access_token, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  assert.match(access_token_id, /^[\w-]+$/)
  assert.equal(token_type, 'Bearer')
  assert.ok(Number.isInteger(expires_in) && expires_in > 0 && expires_in <= 600)
  assert.deepEqual(rest, {})
}

function checkRefusal({ method }: RawRequest, { status, headers, body }: RawResponse): void {
  assert.equal(status, 403)
  checkHeaders(headers)
  const code = method === 'HEAD' ? undefined : JSON.parse(body).code
  assert.equal(code ?? body, method === 'HEAD' ? '' : 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN')
}

function checkHeaders(headers: RawResponse['headers']): void {
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.get('pragma'), 'no-cache')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.ok(!headers.has('access-control-allow-origin'))
}

for (const harness of [
  fastifyHarness,
  expressHarness('express 4', express4),
  expressHarness('express 5', express5)
]) {
  t.test(harness.name, async (t) => {
    const { server, requests } = await stage(t, harness, { allowedOrigins: ALLOWED })
    const answer = (raw: RawRequest) => send(server.origin, bytesOf(raw))

    t.test('answers each page as the rule says, whatever else is in the request', async () => {
      await fc.assert(
        fc.asyncProperty(request, async (raw) => {
          const response = await answer(raw)
          assert.ok(response, 'there is an answer')
          if (mayPass(raw, ALLOWED)) {
            assert.equal(response.status, 200)
            checkToken(raw, response)
          } else checkRefusal(raw, response)
        }),
        runs(400)
      )
    })

    t.test('hands no token to a page that repeats a header to get past the rule', async () => {
      const again = fc.oneof(
        fc.constantFrom(
          'Origin: https://trusted.example',
          'Origin: https://app.example',
          'Origin:',
          'Origin: null'
        ),
        fc.constantFrom(
          'Sec-Fetch-Site: same-origin',
          'Sec-Fetch-Site: none',
          'Sec-Fetch-Site:',
          'Host: evil.example'
        )
      )
      const foreign = fc.record({
        origin: fc.constantFrom('https://evil.example', 'null'),
        site: fc.constantFrom('cross-site', 'same-site'),
        more: fc.array(again, { minLength: 1, maxLength: 3 })
      })
      await fc.assert(
        fc.asyncProperty(foreign, async (foreign) => {
          const response = await answer({ ...PLAIN, ...foreign })
          assert.ok(response === undefined || response.status === 400 || response.status === 403)
        }),
        runs(100)
      )
    })

    t.test('hands no token past the rule, however the path is written', async () => {
      const path = fc.constantFrom(
        ...[
          '/bandwidth/token/',
          '/bandwidth//token',
          '//bandwidth/token',
          '/bandwidth/%74oken',
          '/bandwidth%2ftoken'
        ],
        ...[
          '/BANDWIDTH/token',
          '/bandwidth/token;a=b',
          '/x/../bandwidth/token',
          '/bandwidth/token%00',
          '/bandwidth/token%'
        ],
        ...[
          'http://app.example/bandwidth/token',
          'http://evil.example/bandwidth/token',
          '/bandwidth/./token',
          '*',
          '?'
        ],
        ...[
          '/bandwidth/token#x',
          '/bandwidth/\xffoken',
          '/bandwidth/token\\',
          '/',
          '/%E0%A4%A/bandwidth/token'
        ]
      )
      await fc.assert(
        fc.asyncProperty(request, path, async (raw, target) => {
          const response = await answer({ ...raw, target })
          if (response === undefined || response.status !== 200) return
          assert.ok(mayPass(raw, ALLOWED), `${target} is answered`)
          checkToken(raw, response)
        }),
        runs(200)
      )
    })

    t.test('goes on after bytes of any kind', async () => {
      const change = fc.record({ at: fc.nat(), byte: fc.nat(255), gone: fc.nat(3) })
      await fc.assert(
        fc.asyncProperty(request, fc.array(change, { minLength: 1, maxLength: 5 }), async (raw, changes) => {
          const bytes = changes.reduce((all, { at, byte, gone }) => {
            const place = at % (all.length + 1)
            return Buffer.concat([all.subarray(0, place), Buffer.from([byte]), all.subarray(place + gone)])
          }, bytesOf(raw))
          await send(server.origin, bytes, true)
        }),
        runs(200)
      )
      const response = await answer(PLAIN)
      assert.equal(response?.status, 200)
      checkToken(PLAIN, response)
    })

    t.test('has asked the endpoint once for all of them', async (t) => {
      t.equal(requests(), 1)
    })
  })
}
