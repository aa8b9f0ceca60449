import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type EmulatorOptions, startEmulator } from '@bandwidth-token/emulator'
import { decodeJwt } from 'jose'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { requestToken } from './helpers.js'

t.test('starts without any option', async (t) => {
  const emulator = await emulate(t)
  t.match(emulator.origin, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal(emulator.tokenUrl, `${emulator.origin}/api/v1/oauth2/token`)
  t.equal(emulator.clientId, 'emulator')
  t.match(emulator.clientSecret, /^[\w-]{32}$/)
  const answer = (await (await requestToken(emulator)).json()) as { expires_in: number }
  t.equal(answer.expires_in, 600)
})

t.test('draws another secret for every emulator', async (t) => {
  const [one, two] = await Promise.all([emulate(t), emulate(t)])
  t.not(one.clientSecret, two.clientSecret)
})

t.test('takes undefined as an option that was not given', async (t) => {
  const emulator = await emulate(t, { clientId: undefined, port: undefined, latencyMs: undefined })
  t.equal(emulator.clientId, 'emulator')
})

t.test('accepts the credentials it was given, the example of Bandwidth among them', async (t) => {
  const emulator = await emulate(t, { clientId: 'hgranger', clientSecret: 'Cr00k$h@nk$' })
  t.equal(emulator.clientId, 'hgranger')
  t.equal(emulator.clientSecret, 'Cr00k$h@nk$')
  const headers = { authorization: 'Basic aGdyYW5nZXI6Q3IwMGskaEBuayQ=' }
  t.equal((await requestToken(emulator, { headers })).status, 200)
})

t.test('issues tokens of the lifetime it was given', async (t) => {
  const emulator = await emulate(t, { expiresIn: 7 })
  const answer = (await (await requestToken(emulator)).json()) as { expires_in: number; access_token: string }
  t.equal(answer.expires_in, 7)
  const { exp = 0, iat = 0 } = decodeJwt(answer.access_token)
  t.equal(exp - iat, 7)
})

t.test('lets every token request wait for the latency', async (t) => {
  const emulator = await emulate(t, { latencyMs: 80 })
  const startedAt = performance.now()
  await requestToken(emulator)
  t.ok(performance.now() - startedAt >= 78)
})

t.test('listens on the port it was given', async (t) => {
  const { port } = new URL((await startAndClose()).origin)
  const emulator = await emulate(t, { port: Number(port) })
  t.equal(new URL(emulator.origin).port, port)
})

t.test('gives an origin that can be reached for a host that means all addresses', async (t) => {
  const emulator = await emulate(t, { host: '0.0.0.0' })
  t.match(emulator.origin, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal((await requestToken(emulator)).status, 200)
})

t.test('rejects with a clear message when the port is taken', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  await t.rejects(startEmulator({ port }), {
    code: 'ERR_BANDWIDTH_EMULATOR_LISTEN',
    message: `port ${port} on 127.0.0.1 is taken; choose another, or 0 for a free one`
  })
})

t.test('rejects with the reason when the host is none of this machine', async (t) => {
  // TEST-NET-1 of RFC 5737, which no machine has.
  await t.rejects(startEmulator({ host: '192.0.2.1' }), {
    code: 'ERR_BANDWIDTH_EMULATOR_LISTEN',
    message: /cannot listen on port 0 of host 192\.0\.2\.1 \(EADDRNOTAVAIL\)/
  })
})

const wrong: [string, unknown, RegExp][] = [
  ['a misspelt option', { expireIn: 60 }, /the options: there is no "expireIn"; known are .*expiresIn/],
  ['options that are no object', 'port=1', /the options must be an object, not a string/],
  ['options that are null', null, /the options must be an object, not null/],
  ['options that are an array', [], /the options must be an object, not an array/],
  ['a port as text', { port: '4010' }, /option "port" must be a whole number from 0 to 65535, not a string/],
  ['a port out of range', { port: 65536 }, /option "port" .* not 65536/],
  ['a host that is no text', { host: 1 }, /option "host" must be a string that is not empty, not 1/],
  ['an empty host', { host: '' }, /option "host" .* not an empty string/],
  ['an empty client id', { clientId: '' }, /option "clientId" .* not an empty string/],
  ['a client id with a colon', { clientId: 'a:b' }, /option "clientId" must not contain ":"/],
  ['a client id with a line break', { clientId: 'a\n' }, /option "clientId" must not contain control char/],
  ['an empty secret', { clientSecret: '' }, /option "clientSecret" .* not an empty string/],
  ['a secret with a line break', { clientSecret: 's\n' }, /option "clientSecret" must not contain control/],
  ['a secret that is no text', { clientSecret: true }, /option "clientSecret" .* not a boolean/],
  [
    'a lifetime of zero',
    { expiresIn: 0 },
    /option "expiresIn" must be a whole number of seconds from 1 .* not 0/
  ],
  ['a lifetime in fractions', { expiresIn: 1.5 }, /option "expiresIn" .* not 1.5/],
  [
    'a negative latency',
    { latencyMs: -1 },
    /option "latencyMs" must be a whole number of milliseconds .* not -1/
  ],
  ['a latency beyond any timer', { latencyMs: 2 ** 31 }, /option "latencyMs" .* to 2147483647/],
  ['a latency that is no number', { latencyMs: Number.NaN }, /option "latencyMs" .* not NaN/]
]
for (const [what, options, message] of wrong) {
  t.test(`refuses ${what} before anything is opened`, async (t) => {
    t.throws(() => startEmulator(options as EmulatorOptions), {
      code: 'ERR_BANDWIDTH_EMULATOR_OPTION_INVALID',
      message
    })
  })
}

t.test('never repeats a string that it refuses, since it may be a secret', async (t) => {
  const refusal = await startEmulatorError({ port: 'Cr00k$h@nk$' })
  t.notMatch(refusal.message, 'Cr00k')
})

t.test('reads own properties only', async (t) => {
  const inherited = Object.assign(Object.create({ clientId: 'inherited', nonsense: true }), { expiresIn: 60 })
  const emulator = await emulate(t, inherited)
  t.equal(emulator.clientId, 'emulator')

  Object.defineProperty(Object.prototype, 'clientId', { value: 'polluted', configurable: true })
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'clientId'))
  t.equal((await emulate(t, {})).clientId, 'emulator')
})

t.test('leaves the options of the caller as they are', async (t) => {
  const options = Object.freeze({ expiresIn: 60 })
  await emulate(t, options)
  t.same(options, { expiresIn: 60 })
})

async function startAndClose() {
  const emulator = await startEmulator()
  await emulator.close()
  return emulator
}

async function startEmulatorError(options: object): Promise<Error> {
  try {
    await startEmulator(options)
  } catch (error) {
    return error as Error
  }
  throw new Error('it started')
}
