import assert from 'node:assert/strict'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { Agent } from 'undici'
import { authenticate, requestToken, toError } from '../support/core-internals.js'
import { answerInPieces, type Endpoint, startEndpoint } from '../support/endpoint.js'
import { members, noObject, textOf } from './answers.js'
import { checkError } from './error-shape.js'
import { runs } from './settings.js'

const SECRET = 's3cret-4711'
const BASIC = Buffer.from(`client:${SECRET}`).toString('base64')
const BODY =
  '{"access_token":"to.k-en","access_token_id":"id-0","note":"ï","token_type":"Bearer","expires_in":600}'

/** One exchange over the wire; its outcome is a grant, or a failure whose error has the right shape. */
async function exchange({ tokenUrl }: Endpoint, agent: Agent) {
  const endpoint = { tokenUrl, scope: '', dispatcher: agent }
  const client = authenticate({ clientId: 'client', clientSecret: SECRET })
  const outcome = await requestToken(endpoint, client, new AbortController().signal, Date.now)
  if ('code' in outcome) checkError(toError(outcome, outcome.retryAfterMs ?? 1), [SECRET, BASIC])
  else assert.match(outcome.accessToken, /^[A-Za-z0-9._~+/-]+=*$/)
  return outcome
}

const GRANT = { accessToken: 'to.k-en', accessTokenId: 'id-0', expiresIn: 600, hasExpiresIn: true }

const lines = (...parts: string[]) => Buffer.from(parts.join('\r\n'))
const bytes = Buffer.byteLength

/** The three ways in which HTTP/1.1 says where a body ends. */
const FRAMINGS = {
  'Content-Length': lines('HTTP/1.1 200 OK', `Content-Length: ${bytes(BODY)}`, '', BODY),
  chunks: lines(
    'HTTP/1.1 200 OK',
    'Transfer-Encoding: chunked',
    '',
    ...[BODY.slice(0, 45), BODY.slice(45)].flatMap((part) => [bytes(part).toString(16), part]),
    ...['0', '', '']
  ),
  'the end of the connection': lines('HTTP/1.1 200 OK', 'Connection: close', '', BODY)
}

for (const [framing, message] of Object.entries(FRAMINGS)) {
  const end = framing === 'the end of the connection' ? 'close' : 'keep'

  t.test(`an answer that is framed by ${framing} may arrive in two pieces at every byte`, async (t) => {
    const server = await startEndpoint(t)
    const agent = new Agent()
    t.teardown(() => agent.destroy())
    for (let at = 0; at <= message.length; at++) {
      server.answer = answerInPieces([message.subarray(0, at), message.subarray(at)], end)
      assert.deepEqual(await exchange(server, agent), GRANT, `in two pieces at ${at}`)
    }
  })

  for (const end of ['close', 'reset'] as const) {
    t.test(`an answer that is framed by ${framing} is none if it breaks off (${end})`, async (t) => {
      const server = await startEndpoint(t)
      const agent = new Agent()
      t.teardown(() => agent.destroy())
      for (let at = 0; at < message.length; at++) {
        server.answer = answerInPieces([message.subarray(0, at)], end)
        const outcome = await exchange(server, agent)
        assert.ok('code' in outcome, `it breaks off at ${at}`)
        assert.match(outcome.code, /^ERR_BANDWIDTH_TOKEN_(UNAVAILABLE|RESPONSE_INVALID)$/)
      }
    })
  }
}

t.test('an answer with an encoding that nobody asked for is none', async (t) => {
  const server = await startEndpoint(t)
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  for (const [encoding, body] of Object.entries({
    gzip: gzipSync(BODY),
    deflate: deflateSync(BODY),
    br: brotliCompressSync(BODY),
    'x-unknown': Buffer.from(BODY, 'utf16le')
  })) {
    const head = lines(
      'HTTP/1.1 200 OK',
      `Content-Encoding: ${encoding}`,
      `Content-Length: ${body.length}`,
      '',
      ''
    )
    server.answer = answerInPieces([head, body])
    const outcome = await exchange(server, agent)
    assert.equal('code' in outcome && outcome.code, 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID', encoding)
  }
})

/** One of them in most cases, so that something of what is put together from several stays whole. */
const mostly = (usual: string, other: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, other)

const OK = 'HTTP/1.1 200 OK'
const statusLine = mostly(
  OK,
  fc.oneof(
    fc.integer({ min: 0, max: 1_099 }).map((status) => `HTTP/1.1 ${status} x`),
    fc.constantFrom('HTTP/1.0 200 OK', 'HTTP/2 200 OK', 'HTTP/1.1 200', 'http/1.1 200 OK', '', 'ICY 200 OK'),
    fc.constantFrom(...[100, 101, 204, 304, 407, 503].map((status) => `HTTP/1.1 ${status} x`))
  )
)
const headerName = fc.constantFrom(
  ...[
    'Retry-After',
    'Location',
    'Content-Encoding',
    'Content-Type',
    'Upgrade',
    'Trailer',
    'Keep-Alive',
    '__proto__',
    'X'
  ]
)
const headerValue = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
  fc.string({ unit: 'binary-ascii', maxLength: 20 }),
  fc.constantFrom('1', '-1', 'gzip', 'text/html', 'https://evil.example/', 'timeout=0', 'x'.repeat(20_000))
)
const headerLine = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(headerName, mostly(': ', fc.constantFrom(':', ' : ', '')), headerValue)
      .map((parts) => parts.join(''))
  },
  fc.constantFrom('Connection: close', 'Connection: upgrade', ' folded', '\t', ': x', 'X\u0000: y')
)
const framing = mostly(
  'right',
  fc.constantFrom(
    ...['5', '99999', '-1', '0x10', '1e2', '5\r\nContent-Length: 6'].map(
      (length) => `Content-Length: ${length}`
    ),
    ...['chunked', 'gzip, chunked', 'x', 'chunked\r\nContent-Length: 5'].map(
      (coding) => `Transfer-Encoding: ${coding}`
    ),
    'X: y'
  )
)
const body = fc.oneof(
  { weight: 6, arbitrary: fc.constant(BODY) },
  members.map((list) => textOf(list)),
  noObject,
  fc.constantFrom(
    '0\r\n\r\n',
    '5\r\n{"a":\r\nffffffffffffffff\r\n',
    'zz\r\n',
    `-1\r\n${BODY}\r\n0\r\n\r\n`,
    'x'.repeat(70_000)
  )
)
const before = ['HTTP/1.1 103 x\r\nLink: y\r\n\r\n', 'HTTP/1.1 100 x\r\n\r\n', '\r\n\r\n', 'junk']
const after = ['\r\n', 'junk', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']
const change = fc.record({ at: fc.nat(), byte: fc.nat(255), gone: fc.nat(2) })

/** An answer that is almost HTTP, with bytes changed here and there. */
const message = fc
  .record({
    before: mostly('', fc.constantFrom(...before)),
    statusLine,
    headerLines: fc.array(headerLine, { maxLength: 2 }),
    framing,
    newLine: mostly('\r\n', fc.constantFrom('\n', '\r')),
    body,
    after: mostly('', fc.constantFrom(...after)),
    changes: fc.oneof(
      fc.constant<{ at: number; byte: number; gone: number }[]>([]),
      fc.array(change, { maxLength: 3 })
    )
  })
  .map(({ before, statusLine, headerLines, framing, newLine, body, after, changes }) => {
    const frame = framing === 'right' ? `Content-Length: ${bytes(body)}` : framing
    const head = [statusLine, ...headerLines, frame, '', ''].join(newLine)
    return changes.reduce(
      (all, { at, byte, gone }) => {
        const place = at % (all.length + 1)
        return Buffer.concat([all.subarray(0, place), Buffer.from([byte]), all.subarray(place + gone)])
      },
      Buffer.from(before + head + body + after)
    )
  })

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 })

function inPieces(all: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => Math.floor(cut * all.length)).sort((a, b) => a - b), all.length]
  return places.slice(1).map((end, index) => all.subarray(places[index], end))
}

t.test('bytes of any kind come to a token or to an error, and the next answer is taken', async (t) => {
  const server = await startEndpoint(t)
  const settings = runs(500)
  const end = fc.constantFrom<'close' | 'reset'>('close', 'reset')
  let taken = 0
  await fc.assert(
    fc.asyncProperty(message, cuts, end, fc.boolean(), async (message, cuts, end, keepsAlive) => {
      const agent = new Agent(keepsAlive ? {} : { pipelining: 0 })
      try {
        server.answer = answerInPieces(inPieces(message, cuts), end)
        const outcome = await exchange(server, agent)
        if ('accessToken' in outcome) taken++
        server.answer = answerInPieces([FRAMINGS['Content-Length']])
        // A connection that has just been closed may still look open.
        const next = [await exchange(server, agent), await exchange(server, agent)]
        assert.ok(next.some((each) => 'accessToken' in each && each.accessToken === 'to.k-en'))
      } finally {
        await agent.destroy()
      }
    }),
    settings
  )
  t.ok(taken > (settings.numRuns ?? 0) / 15, 'some of them were answers')
})

t.test('a Retry-After of any bytes leaves an error as it should be', async (t) => {
  const server = await startEndpoint(t)
  const agent = new Agent({ pipelining: 0 })
  t.teardown(() => agent.destroy())
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value)),
    fc
      .constantFrom('5', ' 5 ', '5, 6', '5\r\nRetry-After: 7', '-5', '9'.repeat(300))
      .map((value) => Buffer.from(value))
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(408, 429, 500, 503), value, async (status, value) => {
      const head = Buffer.from(`HTTP/1.1 ${status} x\r\nRetry-After: `)
      const message = Buffer.concat([head, value, Buffer.from('\r\nContent-Length: 2\r\n\r\n{}')])
      server.answer = answerInPieces([message], 'close')
      const outcome = await exchange(server, agent)
      const hasBreak = value.includes('\n') || value.includes('\r')
      if (!hasBreak) assert.equal('code' in outcome && outcome.code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
      if (/^ *5 *$/.test(value.toString('latin1')))
        assert.equal('code' in outcome && outcome.retryAfterMs, 5_000)
    }),
    runs(300)
  )
})
