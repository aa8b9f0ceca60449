import { once } from 'node:events'
import { type Fault, startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { until } from '../support/outcomes.js'
import { requestToken } from './helpers.js'
import { chromiumOffer, SipClient, tokenOf, toTagOf } from './sip-client.js'

// One for all tests, since the first call of each starts a thread.
const emulator = await startEmulator()
t.teardown(() => emulator.close())

/** A caller whose next calls meet these faults. */
async function callerMeeting(t: Parameters<typeof emulate>[0], ...faults: Fault[]) {
  const { token } = await tokenOf(emulator)
  const client = await SipClient.connect(t, emulator)
  emulator.script(faults)
  const dial = () => {
    client.callId = `${client.callId}x`
    return client.call(token)
  }
  return { token, client, dial }
}

t.test('answers one call for each fault, in order, and then as usual', async (t) => {
  const faults: Fault[] = [{ on: 'invite', status: 503 }, { on: 'invite' }, { on: 'invite', status: 403 }]
  const { dial } = await callerMeeting(t, ...faults)
  const answers: number[][] = []
  for (let n = 0; n < 4; n++) answers.push((await dial()).statuses)
  t.strictSame(answers, [
    [100, 503],
    [100, 180, 200],
    [100, 403],
    [100, 180, 200]
  ])
})

t.test('lets token requests and calls meet each their own faults', async (t) => {
  const { dial } = await callerMeeting(
    t,
    { on: 'invite', status: 486 },
    { status: 503 },
    { on: 'token', status: 429 },
    { on: 'invite', status: 603 }
  )
  t.equal((await requestToken(emulator)).status, 503)
  t.equal((await dial()).response.status, 486)
  t.equal((await dial()).response.status, 603)
  t.equal((await requestToken(emulator)).status, 429)
  t.equal((await requestToken(emulator)).status, 200)
  t.equal((await dial()).response.status, 200)
})

t.test('heals both at an empty script', async (t) => {
  const { dial } = await callerMeeting(t, { on: 'invite', status: 503 }, { status: 503 })
  emulator.script([])
  t.equal((await requestToken(emulator)).status, 200)
  t.equal((await dial()).response.status, 200)
})

t.test('spends no fault on what begins no call', async (t) => {
  const { token, client } = await callerMeeting(t)
  const { toTag } = await client.call(token)
  emulator.script([{ on: 'invite', status: 503 }])
  client.send('OPTIONS')
  client.within(toTag, 'INVITE', { body: chromiumOffer })
  client.within(toTag, 'BYE')
  for (const _ of [1, 2, 3]) t.equal((await client.next()).status, 200)
  client.send('INVITE', { token, body: chromiumOffer })
  t.equal((await client.final()).response.status, 503)
})

const phrases: [number, string][] = [
  [302, 'Found'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [480, 'Temporarily Unavailable'],
  [486, 'Busy Here'],
  [503, 'Service Unavailable'],
  [603, 'Decline'],
  [699, 'Refused']
]
t.test('answers with the status scripted, and the reason that goes with it', async (t) => {
  const { dial } = await callerMeeting(t, ...phrases.map(([status]): Fault => ({ on: 'invite', status })))
  for (const [status, reason] of phrases) {
    t.match((await dial()).response, { status, reason, body: '' })
  }
})

t.test('tells what the token was worth, whatever was scripted', async (t) => {
  const { dial, client } = await callerMeeting(
    t,
    { on: 'invite', status: 401 },
    { on: 'invite', status: 503 },
    { on: 'invite' }
  )
  const before = emulator.received.length
  await dial()
  for (const status of [503, 401]) t.equal((await client.call('nonsense')).response.status, status)
  const calls = emulator.received.slice(before).filter(({ method }) => method === 'INVITE')
  t.match(calls, [
    { verdict: 'valid', status: 401 },
    { verdict: 'invalid', status: 503 },
    { verdict: 'invalid', status: 401 }
  ])
})

t.test('adds the headers scripted to the final response', async (t) => {
  const headers = { 'Retry-After': '7', 'WWW-Authenticate': 'Digest realm="x", nonce="y"', 'X-Trace': 'ä' }
  const { dial } = await callerMeeting(
    t,
    { on: 'invite', status: 503, headers: { 'Retry-After': '7' } },
    { on: 'invite', status: 401, headers },
    { on: 'invite', headers: { 'X-Trace': '1' } }
  )
  t.equal((await dial()).response.headers['retry-after'], '7')
  t.equal((await dial()).response.headers['www-authenticate'], headers['WWW-Authenticate'])
  t.match((await dial()).response, { status: 200, headers: { 'x-trace': '1', contact: String } })
})

t.test('lets a call ring before it accepts it, and tries before it refuses it', async (t) => {
  const slow: Fault = { on: 'invite', delayMs: 60 }
  const { token, client } = await callerMeeting(t, slow, { ...slow, status: 486 }, slow)
  for (const [dialled, before, final] of [
    [token, [100, 180], 200],
    [token, [100], 486],
    ['nonsense', [100], 401]
  ] as const) {
    client.callId += 'x'
    client.send('INVITE', { token: dialled, body: chromiumOffer })
    for (const status of before) t.equal((await client.next()).status, status)
    const startedAt = performance.now()
    t.equal((await client.next()).status, final)
    t.ok(performance.now() - startedAt >= 40)
  }
})

t.test('gives no response at all where the start hangs', async (t) => {
  const { token, client, dial } = await callerMeeting(t, { on: 'invite', hang: 'start' })
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  t.ok(await client.isQuiet())
  t.match(emulator.received.at(-2), { method: 'INVITE', status: undefined })
  client.send('CANCEL', { branch })
  t.equal((await client.next()).status, 487)
  t.equal((await client.next()).status, 200)
  t.equal((await dial()).response.status, 200, 'the next call is answered')
})

t.test('rings until the caller gives up where the ringing hangs', async (t) => {
  const { token, client } = await callerMeeting(t, { on: 'invite', hang: 'ringing' })
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  t.strictSame([(await client.next()).status, (await client.next()).status], [100, 180])
  t.ok(await client.isQuiet())
  client.send('CANCEL', { branch })
  t.equal((await client.next()).status, 487)
})

t.test('does not ring for a bad token, whatever is to come after', async (t) => {
  const { client } = await callerMeeting(t, { on: 'invite', hang: 'ringing' })
  t.strictSame((await client.call('nonsense')).statuses, [100, 401])
})

for (const [reset, statuses] of [
  ['start', []],
  ['ringing', [100, 180]],
  ['answered', [100, 180, 200]]
] as const) {
  t.test(`drops the socket, reset at ${reset}`, async (t) => {
    const { token, client } = await callerMeeting(t, { on: 'invite', reset })
    const closed = once(client.socket, 'close')
    client.send('INVITE', { token, body: chromiumOffer })
    for (const status of statuses) {
      const response = await client.next()
      t.equal(response.status, status)
      if (status === 200) client.send('ACK', { toTag: toTagOf(response) })
    }
    await t.rejects(client.next(), { message: 'the socket was closed' })
    const [code] = await closed
    t.equal(code, 1006, 'without a close frame')
    const answered = emulator.received.findLast(({ method }) => method === 'INVITE')
    t.equal(answered?.status, reset === 'answered' ? 200 : undefined)
  })
}

t.test('lets a call stand whose socket it has dropped', async (t) => {
  const { token, client } = await callerMeeting(t, { on: 'invite', reset: 'answered' })
  const closed = once(client.socket, 'close')
  const { toTag } = await client.call(token)
  await closed
  const again = await SipClient.connect(t, emulator)
  Object.assign(again, { callId: client.callId, fromTag: client.fromTag, sequence: client.sequence })
  again.within(toTag, 'INVITE', { body: chromiumOffer })
  t.equal((await again.next()).status, 200)
  again.send('ACK', { toTag })
  again.within(toTag, 'BYE')
  t.equal((await again.next()).status, 200, 'on a socket that is not dropped in its turn')
})

t.test('takes faults of calls over HTTP', async (t) => {
  const { dial } = await callerMeeting(t)
  const response = await fetch(`${emulator.origin}/_emulator/script`, {
    method: 'POST',
    body: '[{"on":"invite","status":480},{"status":503}]'
  })
  t.strictSame(await response.json(), { scripted: 2 })
  t.equal((await dial()).response.status, 480)
  t.equal((await requestToken(emulator)).status, 503)
})

const wrong: [string, unknown, RegExp][] = [
  ['another occasion', { on: 'register' }, /faults\[0\]\.on must be "token" or "invite", not a string/],
  ['an occasion that is no text', { on: null }, /faults\[0\]\.on must be "token" or "invite", not null/],
  ['a misspelt property', { on: 'invite', delay: 1 }, /there is no "delay"; known are on, status, headers, /],
  ['a body', { on: 'invite', body: 'x' }, /there is no "body"; known are /],
  ['a slow body', { on: 'invite', slowBodyMs: 1 }, /there is no "slowBodyMs"/],
  ['a status of success', { on: 'invite', status: 200 }, /faults\[0\]\.status .* from 300 to 699, not 200/],
  ['a status out of range', { on: 'invite', status: 700 }, /faults\[0\]\.status .* not 700/],
  ['a status of calls for a token', { on: 'token', status: 603 }, /faults\[0\]\.status .* to 599, not 603/],
  ['a delay as text', { on: 'invite', delayMs: '1' }, /faults\[0\]\.delayMs must be a whole number of milli/],
  ['a hang elsewhere', { on: 'invite', hang: 'answered' }, /hang must be "start" or "ringing", not a string/],
  ['a hang of token requests', { on: 'invite', hang: 'headers' }, /hang must be "start" or "ringing"/],
  ['a hang of calls for a token', { hang: 'ringing' }, /hang must be "headers" or "body"/],
  [
    'a reset elsewhere',
    { on: 'invite', reset: true },
    /must be "start" or "ringing" or "answered", not a boo/
  ],
  ['a status that hangs', { on: 'invite', status: 503, hang: 'start' }, /status and hang exclude each other/],
  [
    'a hang that resets',
    { on: 'invite', hang: 'start', reset: 'start' },
    /hang and reset exclude each other/
  ],
  [
    'a header with a line break',
    { on: 'invite', headers: { a: 'x\r\nVia: y' } },
    /"a" has .* that SIP does not/
  ],
  ['a header of the dialog', { on: 'invite', headers: { 'call-ID': 'x' } }, /"call-ID" is the gateway's own/],
  ['a compact one', { on: 'invite', headers: { l: '9' } }, /headers: "l" is the gateway's own; leave it out/]
]
for (const [what, fault, message] of wrong) {
  t.test(`refuses ${what} and keeps the script it has`, async (t) => {
    const { client, token } = await callerMeeting(t, { on: 'invite', status: 486 })
    t.throws(() => emulator.script([fault as Fault]), {
      code: 'ERR_BANDWIDTH_EMULATOR_OPTION_INVALID',
      message
    })
    t.equal((await client.call(token)).response.status, 486)
  })
}

t.test('reads own properties of a fault only', async (t) => {
  const { dial } = await callerMeeting(t)
  emulator.script([Object.assign(Object.create({ on: 'invite' }), { status: 503 })])
  t.equal((await dial()).response.status, 200)
  t.equal((await requestToken(emulator)).status, 503)
  Object.defineProperty(Object.prototype, 'on', { value: 'invite', configurable: true })
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'on'))
  emulator.script([{ status: 503 }])
  t.equal((await requestToken(emulator)).status, 503)
})

t.test('ends waiting calls with the emulator', async (t) => {
  const closing = await emulate(t)
  const { token } = await tokenOf(closing)
  const client = await SipClient.connect(t, closing)
  closing.script([{ on: 'invite', delayMs: 3_600_000 }])
  client.send('INVITE', { token, body: chromiumOffer })
  await until(() => closing.received.some(({ verdict }) => verdict === 'valid'))
  const closed = once(client.socket, 'close')
  await closing.close()
  await closed
  t.match(closing.received.at(-1), { method: 'INVITE', status: undefined })
})
