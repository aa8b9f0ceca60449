import type { Socket } from 'node:net'
import type { Emulator, Fault } from '@bandwidth-token/emulator'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { until } from '../support/outcomes.js'
import { openTokenRequest, pendingFor, requestToken } from './helpers.js'

/** An emulator whose next token requests meet these faults. */
async function emulateWith(t: Parameters<typeof emulate>[0], ...faults: Fault[]): Promise<Emulator> {
  const emulator = await emulate(t)
  emulator.script(faults)
  return emulator
}

/** All that a socket receives until it ends, and the error it ends with. */
async function drain(socket: Socket): Promise<{ text: string; error: NodeJS.ErrnoException | undefined }> {
  let text = ''
  let error: NodeJS.ErrnoException | undefined
  socket.on('data', (chunk: Buffer) => {
    text += chunk
  })
  socket.on('error', (reason) => {
    error = reason
  })
  await new Promise((resolve) => socket.on('close', resolve))
  return { text, error }
}

t.test('answers one request for each fault, in order, and then as usual', async (t) => {
  const emulator = await emulateWith(t, { status: 503 }, {}, { status: 429 })
  const statuses: number[] = []
  for (let n = 0; n < 5; n++) statuses.push((await requestToken(emulator)).status)
  t.strictSame(statuses, [503, 200, 429, 200, 200])
})

t.test('spends faults on token requests only', async (t) => {
  const emulator = await emulateWith(t, { status: 503 })
  await fetch(emulator.tokenUrl)
  await fetch(`${emulator.origin}/.well-known/jwks.json`)
  t.equal((await requestToken(emulator)).status, 503)
})

t.test('replaces what is left of an earlier script, so that an empty one heals', async (t) => {
  const emulator = await emulateWith(t, { status: 503 }, { status: 503 })
  emulator.script([{ status: 500 }])
  t.equal((await requestToken(emulator)).status, 500)
  emulator.script([{ status: 503 }])
  emulator.script([])
  t.equal((await requestToken(emulator)).status, 200)
})

t.test('leaves an ordinary refusal in place where the fault is empty', async (t) => {
  const emulator = await emulateWith(t, {})
  const response = await requestToken(emulator, { body: 'grant_type=password' })
  t.equal(response.status, 400)
})

const errors: [number, string][] = [
  [302, 'server_error'],
  [400, 'invalid_request'],
  [401, 'invalid_client'],
  [403, 'unauthorized_client'],
  [404, 'invalid_request'],
  [408, 'temporarily_unavailable'],
  [429, 'temporarily_unavailable'],
  [500, 'server_error'],
  [503, 'temporarily_unavailable']
]
for (const [status, error] of errors) {
  t.test(`answers a scripted ${status} with the error ${error}`, async (t) => {
    const response = await requestToken(await emulateWith(t, { status }))
    t.equal(response.status, status)
    t.match(await response.json(), { error, error_description: String })
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.equal(response.headers.has('www-authenticate'), status === 401)
  })
}

t.test('keeps the token where only a status of success is scripted', async (t) => {
  const response = await requestToken(await emulateWith(t, { status: 201 }))
  t.equal(response.status, 201)
  t.match(await response.json(), { access_token: String, expires_in: 600 })
})

for (const status of [204, 304]) {
  t.test(`answers a scripted ${status} without a body`, async (t) => {
    const response = await requestToken(await emulateWith(t, { status }))
    t.equal(response.status, status)
    t.equal(await response.text(), '')
  })
}

t.test('sends a string as it is', async (t) => {
  const response = await requestToken(await emulateWith(t, { body: 'not {json' }))
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'application/json')
  t.equal(await response.text(), 'not {json')
})

t.test('sends an empty string as an empty body', async (t) => {
  const response = await requestToken(await emulateWith(t, { body: '' }))
  t.equal(response.status, 200)
  t.equal(await response.text(), '')
})

t.test('sends an object as JSON, as it was when scripted', async (t) => {
  const emulator = await emulate(t)
  const body = { access_token: 'x', expires_in: '600' }
  emulator.script([{ body }, { status: 400, body: { error: 'invalid_grant' } }])
  body.expires_in = 'changed'
  t.strictSame(await (await requestToken(emulator)).json(), { access_token: 'x', expires_in: '600' })
  const refusal = await requestToken(emulator)
  t.equal(refusal.status, 400)
  t.strictSame(await refusal.json(), { error: 'invalid_grant' })
})

t.test('adds headers to whatever is answered', async (t) => {
  const emulator = await emulateWith(
    t,
    { status: 503, headers: { 'retry-after': '7' } },
    { headers: { 'X-Trace': '1' } },
    { status: 302, headers: { location: 'https://example.com/' } }
  )
  t.equal((await requestToken(emulator)).headers.get('retry-after'), '7')
  const ordinary = await requestToken(emulator)
  t.equal(ordinary.headers.get('x-trace'), '1')
  t.match(await ordinary.json(), { access_token: String })
  t.equal((await requestToken(emulator)).headers.get('location'), 'https://example.com/')
})

t.test('puts headers in the place of its own, in any case of letters', async (t) => {
  const headers = { 'Content-Type': 'text/html', 'CACHE-CONTROL': 'max-age=60' }
  const challenge = { 'WWW-Authenticate': 'Bearer' }
  const emulator = await emulateWith(t, { headers, body: '<p>' }, { status: 401, headers: challenge })
  const response = await requestToken(emulator)
  t.equal(response.headers.get('content-type'), 'text/html')
  t.equal(response.headers.get('cache-control'), 'max-age=60')
  t.equal((await requestToken(emulator)).headers.get('www-authenticate'), 'Bearer')
})

t.test('waits before it answers, on top of the latency', async (t) => {
  const emulator = await emulate(t, { latencyMs: 40 })
  emulator.script([{ delayMs: 60, status: 503 }])
  const startedAt = performance.now()
  t.equal((await requestToken(emulator)).status, 503)
  t.ok(performance.now() - startedAt >= 98)
})

t.test('meets requests with faults in the order in which they arrive, whatever the delay', async (t) => {
  const emulator = await emulateWith(t, { delayMs: 100, status: 500 }, { status: 503 })
  const first = requestToken(emulator)
  await until(() => emulator.received.length === 1)
  t.equal((await requestToken(emulator)).status, 503)
  t.equal((await first).status, 500)
})

t.test('never answers where the headers hang', async (t) => {
  const emulator = await emulateWith(t, { hang: 'headers' })
  const hanging = requestToken(emulator)
  t.ok(await pendingFor(100, hanging))
  t.match(emulator.received, [{ status: undefined }])
  t.equal((await requestToken(emulator)).status, 200, 'others are served meanwhile')
  await Promise.all([t.rejects(hanging), emulator.close()])
})

t.test('sends half of the body and no more where the body hangs', async (t) => {
  const emulator = await emulateWith(t, { hang: 'body', body: '0123456789' })
  const response = await requestToken(emulator)
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-length'), '10')
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const { value = '' } = await reader.read()
  t.equal(Buffer.from(value).toString(), '01234')
  const rest = reader.read()
  t.ok(await pendingFor(100, rest))
  await Promise.all([t.rejects(rest), emulator.close()])
})

t.test('withholds the only byte of a body that hangs', async (t) => {
  const emulator = await emulateWith(t, { hang: 'body', body: 'x' })
  const response = await requestToken(emulator, { signal: AbortSignal.timeout(10_000) })
  const text = response.text()
  t.ok(await pendingFor(100, text))
  await Promise.all([t.rejects(text), emulator.close()])
})

t.test('resets the connection before the headers', async (t) => {
  const emulator = await emulateWith(t, { reset: 'headers', status: 503 })
  const { text, error } = await drain(await openTokenRequest(emulator))
  t.equal(text, '')
  t.equal(error?.code, 'ECONNRESET')
  t.match(emulator.received, [{ status: undefined }])
})

t.test('resets the connection after half of the body', async (t) => {
  const emulator = await emulateWith(t, { reset: 'body', status: 500, body: '0123456789' })
  const { text, error } = await drain(await openTokenRequest(emulator))
  t.match(text, /^HTTP\/1\.1 500 .*\r\n\r\n01234$/s)
  t.equal(error?.code, 'ECONNRESET')
  t.match(emulator.received, [{ status: 500 }])
})

t.test('spreads the body over time, after the headers', async (t) => {
  const emulator = await emulateWith(t, { slowBodyMs: 150, body: '0123456789' })
  const startedAt = performance.now()
  const response = await requestToken(emulator)
  const chunks: string[] = []
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) chunks.push(decoder.decode(chunk))
  t.ok(performance.now() - startedAt >= 148)
  t.ok(chunks.length > 2, `in ${chunks.length} chunks`)
  t.equal(chunks.join(''), '0123456789')
})

t.test('sends the headers before the first byte of a slow body', async (t) => {
  const emulator = await emulateWith(t, { slowBodyMs: 3_600_000, body: 'x' })
  const response = await requestToken(emulator, { signal: AbortSignal.timeout(10_000) })
  t.equal(response.status, 200)
  await Promise.all([t.rejects(response.text()), emulator.close()])
})

t.test('spreads an ordinary answer over time and keeps it whole', async (t) => {
  const response = await requestToken(await emulateWith(t, { slowBodyMs: 60 }))
  t.match(await response.json(), { access_token: String, expires_in: 600 })
})

t.test('serves on after a client has given up', async (t) => {
  const emulator = await emulateWith(t, { delayMs: 60_000 }, { slowBodyMs: 60_000 }, { hang: 'body' })
  for (let n = 1; n <= 3; n++) {
    const abort = new AbortController()
    const answer = requestToken(emulator, { signal: abort.signal }).then((response) => response.text())
    await until(() => emulator.received.length === n)
    abort.abort()
    await t.rejects(answer, { name: 'AbortError' })
  }
  t.equal((await requestToken(emulator)).status, 200)
})

const wrong: [string, unknown, RegExp][] = [
  ['no array', { status: 503 }, /the faults must be an array, not an object/],
  ['a fault that is no object', [{}, 503], /faults\[1\] must be an object, not 503/],
  ['a misspelt property', [{ delay: 1 }], /faults\[0\]: there is no "delay"; known are .*delayMs/],
  ['a status as text', [{ status: '503' }], /faults\[0\]\.status must be a whole number .* not a string/],
  ['a status that ends no exchange', [{ status: 101 }], /faults\[0\]\.status .* from 200 to 599, not 101/],
  [
    'headers that are no object',
    [{ headers: 'x: y' }],
    /faults\[0\]\.headers must be an object, not a string/
  ],
  ['headers in an array', [{ headers: ['x'] }], /faults\[0\]\.headers must be an object, not an array/],
  [
    'a header that is no text',
    [{ headers: { 'retry-after': 7 } }],
    /headers\["retry-after"\] must be a string, not 7/
  ],
  [
    'a header name with a space',
    [{ headers: { 'a b': 'x' } }],
    /"a b" has characters that HTTP does not allow/
  ],
  ['a header value with a line break', [{ headers: { a: 'x\r\ny' } }], /"a" has characters/],
  ['a body that is a number', [{ body: 1 }], /faults\[0\]\.body must be a string or an object, not 1/],
  ['a body that is null', [{ body: null }], /faults\[0\]\.body must be a string or an object, not null/],
  ['a body that JSON cannot express', [{ body: { n: 1n } }], /faults\[0\]\.body must be .* JSON can express/],
  ['a negative delay', [{ delayMs: -1 }], /faults\[0\]\.delayMs must be a whole number of milliseconds/],
  ['a delay beyond any timer', [{ delayMs: 2 ** 31 }], /faults\[0\]\.delayMs .* to 2147483647/],
  ['a hang that is a flag', [{ hang: true }], /faults\[0\]\.hang must be "headers" or "body", not a boolean/],
  [
    'a reset elsewhere',
    [{ reset: 'socket' }],
    /faults\[0\]\.reset must be "headers" or "body", not a string/
  ],
  ['a slow body as text', [{ slowBodyMs: '1' }], /faults\[0\]\.slowBodyMs must be a whole number of milli/],
  ['hang and reset at once', [{ hang: 'body', reset: 'body' }], /hang and reset exclude each other/],
  ['a slow body that hangs', [{ hang: 'body', slowBodyMs: 1 }], /hang and slowBodyMs exclude each other/],
  ['an empty body that breaks off', [{ body: '', reset: 'body' }], /an empty body has no half to send/],
  ['a body of a 204', [{ status: 204, body: 'x' }], /status 204 has no body/],
  ['a 304 that hangs in its body', [{ status: 304, hang: 'body' }], /status 304 has no body/]
]
for (const [what, faults, message] of wrong) {
  t.test(`refuses ${what} and keeps the script it has`, async (t) => {
    const emulator = await emulateWith(t, { status: 418 })
    t.throws(() => emulator.script(faults as Fault[]), {
      code: 'ERR_BANDWIDTH_EMULATOR_OPTION_INVALID',
      message
    })
    t.equal((await requestToken(emulator)).status, 418)
  })
}

t.test('reads own properties of a fault only', async (t) => {
  const emulator = await emulate(t)
  Object.defineProperty(Object.prototype, 'hang', { value: 'headers', configurable: true })
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'hang'))
  const inherited = Object.assign(Object.create({ status: 500 }), { headers: { 'x-trace': '1' } })
  emulator.script([inherited])
  const response = await requestToken(emulator, { signal: AbortSignal.timeout(10_000) })
  t.equal(response.status, 200)
  t.equal(response.headers.get('x-trace'), '1')
  t.equal((await requestToken(emulator, { signal: AbortSignal.timeout(10_000) })).status, 200)
})
