import { once } from 'node:events'
import { startEmulator } from '@bandwidth-token/emulator'
import fc from 'fast-check'
import t from 'tap'
import { until } from '../support/outcomes.js'
import { chromiumOffer, SipClient, tokenOf } from './sip-client.js'

const emulator = await startEmulator()
t.teardown(() => emulator.close())
const connect = (t: Parameters<typeof SipClient.connect>[0]) => SipClient.connect(t, emulator)

/** What turns an OPTIONS into something else. */
type Change = (message: string) => string
const without =
  (name: string): Change =>
  (message) =>
    message.replace(new RegExp(`^${name}:.*\r\n`, 'm'), '')
const instead =
  (from: string | RegExp, to: string): Change =>
  (message) =>
    message.replace(from, to)

const dropped: [string, Change][] = [
  ['an empty message', () => ''],
  ['a response', () => 'SIP/2.0 200 OK\r\nVia: x\r\n\r\n'],
  ['another protocol', instead('SIP/2.0\r', 'HTTP/1.1\r')],
  ['a message without its end', instead(/\r\n\r\n/, '\r\n')],
  ['lines that end in LF', instead(/\r\n/g, '\n')],
  ['a request line with two spaces', instead('OPTIONS ', 'OPTIONS  ')],
  ['a request without a URI', instead('sip:15551234@localhost ', '')],
  ['a method with a line break', instead('OPTIONS', 'OPT\nIONS')],
  ['a header without a colon', instead('Max-Forwards:', 'Max-Forwards')],
  ['a header without a name', instead('Max-Forwards', '')],
  ['a NUL in a header', instead('69', '6\x009')],
  ['a lone CR in a header', instead('69', '6\r9')],
  ['a line without end', instead('69', '6'.repeat(9000))],
  ['no Via', without('Via')],
  ['no From', without('From')],
  ['no To', without('To')],
  ['no Call-ID', without('Call-ID')],
  ['no CSeq', without('CSeq')],
  ['two Call-IDs', instead('Call-ID:', 'i: x\r\nCall-ID:')]
]
for (const [what, change] of dropped) {
  t.test(`drops ${what}, to which no response could be made`, async (t) => {
    const client = await connect(t)
    client.socket.send(change(client.format('OPTIONS', {})))
    t.ok(await client.isQuiet())
  })
}

t.test('drops bytes that are no text', async (t) => {
  const client = await connect(t)
  client.socket.send(Buffer.from([0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x0d, 0x0a]))
  t.ok(await client.isQuiet())
})

t.test('takes a request in a binary frame', async (t) => {
  const client = await connect(t)
  client.socket.send(Buffer.from(client.format('OPTIONS', {})))
  t.equal((await client.next()).status, 200)
})

const bad: [string, Change, string][] = [
  ['a CSeq that is no number', instead('CSeq: 7555', 'CSeq: x'), 'Bad CSeq'],
  ['a CSeq beyond 31 bits', instead('CSeq: 7555', 'CSeq: 2147483648'), 'Bad CSeq'],
  ['a CSeq of another method', instead('7555 OPTIONS', '7555 BYE'), 'CSeq names another method'],
  ['a From without a tag', instead(/(From: .*);tag=.*\r/, '$1\r'), 'From has no tag'],
  ['a tag in the display name', instead(/"Alice"(.*);tag=.*\r/, '";tag=x"$1\r'), 'From has no tag'],
  ['a tag in the URI', instead(/(<sip:alice@localhost)>;tag=.*\r/, '$1;tag=x>\r'), 'From has no tag'],
  ['a Via without a branch', instead(/;branch=.*\r/, '\r'), 'Via has no branch of RFC 3261'],
  ['a branch of RFC 2543', instead('z9hG4bK', 'x'), 'Via has no branch of RFC 3261'],
  ['a length that is no number', instead('Content-Length: 0', 'Content-Length: -1'), 'Bad Content-Length'],
  [
    'a length beyond the body',
    instead('Content-Length: 0', 'Content-Length: 1'),
    'The body is shorter than Content-Length'
  ]
]
for (const [what, change, reason] of bad) {
  t.test(`answers 400 to ${what}, and says so`, async (t) => {
    const client = await connect(t)
    client.socket.send(change(client.format('OPTIONS', {})))
    t.match(await client.next(), { status: 400, reason })
    client.socket.send(
      change(client.format('ACK', {}).replaceAll('ACK', 'OPTIONS')).replaceAll('OPTIONS', 'ACK')
    )
    t.ok(await client.isQuiet(), 'but never to an ACK')
  })
}

t.test('takes compact names, folded lines and any case', async (t) => {
  const client = await connect(t)
  const compact: [RegExp, string][] = [
    [/^Via/m, 'v'],
    [/^From/m, 'F'],
    [/^To/m, 't'],
    [/^Call-ID/m, 'i'],
    [/^CSeq/m, 'cSEQ'],
    [/^Content-Length/m, 'L'],
    [/: SIP\/2\.0\/WS /, ' :\r\n\tSIP/2.0/WS\r\n '],
    [/"Alice"/, '"\\";tag=x" ']
  ]
  const message = compact.reduce((text, [from, to]) => text.replace(from, to), client.format('OPTIONS', {}))
  client.socket.send(message)
  t.match(await client.next(), {
    status: 200,
    headers: {
      via: 'SIP/2.0/WS a0sv1vuqhfld.invalid;branch=z9hG4bKx',
      from: `"\\";tag=x"  <sip:alice@localhost>;tag=${client.fromTag}`
    }
  })
})

t.test('ignores what follows the body', async (t) => {
  const client = await connect(t)
  client.socket.send(`${client.format('OPTIONS', {})}more`)
  t.equal((await client.next()).status, 200)
})

t.test('tells what it can do', async (t) => {
  const client = await connect(t)
  client.send('OPTIONS')
  t.match(await client.next(), {
    status: 200,
    headers: { allow: 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO', accept: 'application/sdp' }
  })
})

for (const method of ['REGISTER', 'UPDATE', 'REFER', 'SUBSCRIBE', 'MESSAGE']) {
  t.test(`answers 405 to ${method}, and names what it takes`, async (t) => {
    const client = await connect(t)
    client.send(method)
    t.match(await client.next(), { status: 405, headers: { allow: /^INVITE, ACK/ } })
  })
}

t.test('answers 501 to a method that nobody knows', async (t) => {
  const client = await connect(t)
  client.send('DANCE')
  t.match(await client.next(), { status: 501, reason: 'Not Implemented' })
})

t.test('answers 420 to an extension that is required, and names it', async (t) => {
  const client = await connect(t)
  client.send('OPTIONS', { headers: ['Require: 100rel'] })
  t.match(await client.next(), {
    status: 420,
    reason: 'Bad Extension',
    headers: { unsupported: '100rel' }
  })
})

t.test('closes the socket at a message that is too large, and serves the others', async (t) => {
  const [client, other] = [await connect(t), await connect(t)]
  const closed = once(client.socket, 'close')
  client.send('OPTIONS', { body: 'x'.repeat(64 * 1024) })
  const [code] = await closed
  t.equal(code, 1009)
  t.ok(await other.isQuiet())
})

t.test('drops a client that sends but does not read', async (t) => {
  const client = await connect(t)
  const { socket } = client
  socket.pause()
  const message = client.format('OPTIONS', { headers: [`Via: ${'x'.repeat(8000)}`] })
  // However much the kernel keeps for both sides, at some point the gateway has had enough.
  await until(() => {
    for (let n = 0; n < 50; n++) socket.send(message, () => undefined)
    return socket.readyState !== socket.OPEN
  })
  t.ok(await (await connect(t)).isQuiet())
})

t.test('survives whatever is made of a call', async (t) => {
  const { token } = await tokenOf(emulator)
  const client = await connect(t)
  const whole = client.format('INVITE', { token, body: chromiumOffer })
  const cut = fc.tuple(fc.nat(whole.length), fc.nat(40), fc.string({ unit: 'binary', maxLength: 20 }))
  const change = fc.array(cut, { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(change, async (cuts) => {
      client.socket.send(
        cuts.reduce((text, [at, length, put]) => text.slice(0, at) + put + text.slice(at + length), whole)
      )
      // All that was answered to it comes before the answer to this.
      const branch = client.send('OPTIONS', { sequence: 1 })
      for (;;) if ((await client.next()).headers['via']?.includes(branch)) return
    }),
    { numRuns: 500 }
  )
})
