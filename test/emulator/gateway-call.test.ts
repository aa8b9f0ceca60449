import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mock } from 'node:test'
import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { processEvents } from '../support/process-events.js'
import { chromiumOffer, SipClient, tokenOf, toTagOf } from './sip-client.js'

// One for all tests, since the first call of each starts a thread.
const emulator = await startEmulator()
t.teardown(() => emulator.close())

/** A caller with a valid token. */
async function caller(t: Parameters<typeof emulate>[0]) {
  const { token } = await tokenOf(emulator)
  return { token, client: await SipClient.connect(t, emulator) }
}

/** The last requests that have come in, and how they were answered. */
function lastRequests(count: number) {
  return emulator.received.slice(-count).map(({ method, status }) => [method, status])
}

t.test('is at an address of its own', async (t) => {
  t.equal(emulator.gatewayUrl, emulator.origin.replace('http://', 'ws://'))
})

t.test('answers a call with 100, 180 and 200', async (t) => {
  const { client, token } = await caller(t)
  client.send('INVITE', { token, body: chromiumOffer })
  const trying = await client.next()
  t.match(trying, { status: 100, reason: 'Trying', body: '' })
  t.notMatch(trying.headers['to'], 'tag=', 'a 100 makes no dialog')
  const ringing = await client.next()
  t.match(ringing, { status: 180, reason: 'Ringing', headers: { contact: /^<sip:.*;transport=ws>$/ } })
  const ok = await client.next()
  t.match(ok, { status: 200, reason: 'OK', headers: { contact: ringing.headers['contact'] } })
  t.equal(toTagOf(ok), toTagOf(ringing))
  t.equal(ok.headers['content-type'], 'application/sdp')
  t.equal(Number(ok.headers['content-length']), Buffer.byteLength(ok.body))
})

t.test('repeats of a request what RFC 3261 wants repeated', async (t) => {
  const { client, token } = await caller(t)
  const second = 'Via: SIP/2.0/WS second.invalid;branch=z9hG4bKsecond'
  client.send('INVITE', { token, body: chromiumOffer, branch: 'z9hG4bKfirst', headers: [second] })
  const { response } = await client.final()
  t.strictSame(response.text.match(/^Via: .*$/gm), [
    'Via: SIP/2.0/WS a0sv1vuqhfld.invalid;branch=z9hG4bKfirst',
    second
  ])
  t.match(response.headers, {
    from: `"Alice" <sip:alice@localhost>;tag=${client.fromTag}`,
    to: /^<sip:15551234@localhost>;tag=\w{16}$/,
    'call-id': client.callId,
    cseq: `${client.sequence} INVITE`
  })
})

t.test('answers with what of the offer it can do, and with its own end of the media', async (t) => {
  const { client, token } = await caller(t)
  const { response } = await client.call(token)
  const sdp = response.body
  t.match(sdp, /^m=audio [1-9]\d* UDP\/TLS\/RTP\/SAVPF 111 0 8 110 126\r\n/m, 'neither red nor G722 nor CN')
  t.match(sdp, /^a=fmtp:111 minptime=10;useinbandfec=1\r\n/m)
  t.match(sdp, /^a=ice-lite\r\n.*^m=audio/ms)
  t.match(sdp, /^a=group:BUNDLE 0\r\n/m)
  t.match(sdp, /^a=mid:0\r\n/m)
  t.match(sdp, /^a=rtcp-mux\r\n/m)
  t.match(sdp, /^a=setup:passive\r\n/m)
  t.match(sdp, /^a=sendrecv\r\n/m)
  t.match(sdp, /^a=fingerprint:sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}\r\n/m)
  t.notMatch(sdp, /1jHr|hoEvT7|61:E5/, 'nothing of this is the caller’s own')
  const port = /^m=audio (\d+)/m.exec(sdp)?.[1]
  t.strictSame(sdp.match(/^a=candidate:.*$/gm), [`a=candidate:1 1 udp 2147483647 127.0.0.1 ${port} typ host`])
})

t.test('opens the media on the address that the caller has connected to', async (t) => {
  const emulator = await emulate(t, { host: '::1' })
  const client = await SipClient.connect(t, emulator)
  const { response } = await client.call((await tokenOf(emulator)).token)
  t.match(response.body, /^c=IN IP6 ::1\r\n/m)
  t.match(response.body, /^a=candidate:1 1 udp \d+ ::1 \d+ typ host\r\n/m)
})

t.test('names an IPv4 address as one even where it listens for both families', async (t) => {
  const emulator = await emulate(t, { host: '::' })
  const gatewayUrl = emulator.gatewayUrl.replace('[::1]', '127.0.0.1')
  const client = await SipClient.connect(t, { gatewayUrl })
  const { response } = await client.call((await tokenOf(emulator)).token)
  t.match(response.body, /^c=IN IP4 127\.0\.0\.1\r\n/m)
})

t.test('lets a call be whose caller loses another socket', async (t) => {
  const { client, token } = await caller(t)
  emulator.script([{ on: 'invite', hang: 'ringing' }])
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  t.strictSame([(await client.next()).status, (await client.next()).status], [100, 180])
  const other = await SipClient.connect(t, emulator)
  other.socket.terminate()
  await once(other.socket, 'close')
  for (let n = 0; n < 3; n++) t.ok(await (await SipClient.connect(t, emulator)).isQuiet())
  client.send('CANCEL', { branch })
  t.equal((await client.next()).status, 487)
})

t.test('declines all media but the first audio', async (t) => {
  const { client, token } = await caller(t)
  const video = 'm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n'
  const { response } = await client.call(token, chromiumOffer + video)
  t.strictSame(response.body.match(/^m=.*$/gm)?.slice(1), ['m=video 0 UDP/TLS/RTP/SAVPF 96 97'])
})

const unacceptable: [string, string][] = [
  ['no offer', ''],
  ['an offer without audio', chromiumOffer.replace('m=audio', 'm=video')],
  ['audio that is off', chromiumOffer.replace('m=audio 35887', 'm=audio 0')],
  ['audio in the clear', chromiumOffer.replace('UDP/TLS/RTP/SAVPF', 'RTP/AVP')],
  ['a codec that is none of ours', chromiumOffer.replace(/^a=rtpmap:(?:111|0|8) .*\r\n/gm, '')],
  ['no ICE credentials', chromiumOffer.replace(/^a=ice-pwd.*\r\n/m, '')],
  ['no fingerprint', chromiumOffer.replace(/^a=fingerprint.*\r\n/m, '')],
  ['no RTCP multiplexing', chromiumOffer.replace('a=rtcp-mux\r\n', '')],
  ['a DTLS server on the other side', chromiumOffer.replace('actpass', 'passive')],
  ['no SDP at all', '\0\r\n=\r\nm=\r\na=\r\n'.repeat(50)]
]
for (const [what, body] of unacceptable) {
  t.test(`answers 488 to ${what}`, async (t) => {
    const { client, token } = await caller(t)
    const { statuses, response } = await client.call(token, body)
    t.strictSame(statuses, [100, 488])
    t.equal(response.reason, 'Not Acceptable Here')
    t.ok(await client.isQuiet())
  })
}

t.test('ends a call at its BYE, and knows it no more', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  client.within(toTag, 'BYE')
  t.equal((await client.next()).status, 200)
  client.within(toTag, 'BYE')
  t.match(await client.next(), { status: 481, reason: 'Call/Transaction Does Not Exist' })
  t.strictSame(lastRequests(4), [
    ['INVITE', 200],
    ['ACK', undefined],
    ['BYE', 200],
    ['BYE', 481]
  ])
})

/** Whether somebody has that UDP port of this machine open. */
function isOpen(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.on('error', () => resolve(true))
    socket.on('listening', () => socket.close(() => resolve(false)))
    socket.bind(port, '127.0.0.1')
  })
}

t.test('keeps the port of the media open until the call ends', async (t) => {
  const { client, token } = await caller(t)
  const { response, toTag } = await client.call(token)
  const port = Number(/^m=audio (\d+)/m.exec(response.body)?.[1])
  t.ok(await isOpen(port))
  client.within(toTag, 'BYE')
  t.equal((await client.next()).status, 200)
  let attempts = 0
  while ((await isOpen(port)) && attempts < 500) attempts++
  t.ok(attempts < 500)
})

const holds: [string, string][] = [
  ['sendonly', 'recvonly'],
  ['recvonly', 'sendonly'],
  ['inactive', 'inactive'],
  ['sendrecv', 'sendrecv']
]
t.test('answers a re-INVITE without a token, in the opposite direction', async (t) => {
  const { client, token } = await caller(t)
  const { response, toTag } = await client.call(token)
  const [, session] = /^o=- (\d+) 1 IN/m.exec(response.body) ?? []
  const constants = /^(?:a=(?:candidate|ice|fingerprint|ssrc)|m=).*$/gm
  for (const [index, [offered, answered]] of holds.entries()) {
    client.within(toTag, 'INVITE', { body: chromiumOffer.replace('a=sendrecv', `a=${offered}`) })
    const { statuses, response: again } = await client.final()
    t.strictSame(statuses, [200])
    client.send('ACK', { toTag })
    t.match(again.body, new RegExp(`^a=${answered}\r$`, 'm'))
    t.match(again.body, new RegExp(`^o=- ${session} ${index + 2} IN`, 'm'), 'the same session, a version on')
    t.strictSame(again.body.match(constants), response.body.match(constants))
  }
})

t.test('takes other ICE credentials for a restart: new ones on the same port', async (t) => {
  const { client, token } = await caller(t)
  const { response, toTag } = await client.call(token)
  client.within(toTag, 'INVITE', { body: chromiumOffer.replace('1jHr', 'other') })
  const { response: again } = await client.final()
  t.equal(again.status, 200)
  const credentials = /^a=ice-(?:ufrag|pwd):.*$/gm
  t.strictNotSame(again.body.match(credentials), response.body.match(credentials))
  const constants = /^(?:a=fingerprint|m=).*$/gm
  t.strictSame(again.body.match(constants), response.body.match(constants))
})

t.test('makes one change of a call at a time', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  for (const ufrag of ['one', 'two']) {
    client.within(toTag, 'INVITE', { body: chromiumOffer.replace('1jHr', ufrag) })
  }
  t.match(await client.next(), { status: 491, reason: 'Request Pending' })
  t.equal((await client.next()).status, 200)
  client.within(toTag, 'INVITE', { body: chromiumOffer.replace('1jHr', 'three') })
  t.equal((await client.next()).status, 200)
})

t.test('makes no change of a call that still rings', async (t) => {
  const { client, token } = await caller(t)
  emulator.script([{ on: 'invite', hang: 'ringing' }])
  client.send('INVITE', { token, body: chromiumOffer })
  t.equal((await client.next()).status, 100)
  client.within(toTagOf(await client.next()), 'INVITE', { body: chromiumOffer })
  t.equal((await client.next()).status, 491)
})

t.test('refuses a re-INVITE that it cannot answer, and lets the call stand', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  client.within(toTag, 'INVITE')
  t.equal((await client.next()).status, 488)
  client.within(toTag, 'INVITE', { body: chromiumOffer })
  t.equal((await client.next()).status, 200)
})

t.test('leaves the tag of the call as it is', async (t) => {
  const { client, token } = await caller(t)
  const { response, toTag } = await client.call(token)
  client.within(toTag, 'INFO')
  t.equal((await client.next()).headers['to'], response.headers['to'])
})

t.test('answers INFO and OPTIONS within a call', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  for (const method of ['INFO', 'OPTIONS']) {
    client.within(toTag, method)
    t.match(await client.next(), { status: 200, headers: { cseq: `${client.sequence} ${method}` } })
  }
})

t.test('refuses a request out of order', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  client.within(toTag, 'INFO')
  t.equal((await client.next()).status, 200)
  for (const behind of [0, 1]) {
    client.send('BYE', { toTag, sequence: client.sequence - behind })
    t.equal((await client.next()).status, 500)
  }
  client.within(toTag, 'BYE')
  t.equal((await client.next()).status, 200)
})

t.test('ends a call that rings at its CANCEL', async (t) => {
  const { client, token } = await caller(t)
  emulator.script([{ on: 'invite', hang: 'ringing' }])
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  t.equal((await client.next()).status, 100)
  const ringing = await client.next()
  client.send('CANCEL', { branch })
  t.match(await client.next(), { status: 487, headers: { cseq: /INVITE$/ }, reason: 'Request Terminated' })
  t.match(await client.next(), { status: 200, headers: { cseq: /CANCEL$/, to: ringing.headers['to'] } })
  client.send('ACK', { branch, toTag: toTagOf(ringing) })
  t.ok(await client.isQuiet())
  t.match(lastRequests(4)[0], ['INVITE', 487])
})

t.test('ends a call at a CANCEL that comes as early as can be', async (t) => {
  const { client, token } = await caller(t)
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  client.send('CANCEL', { branch })
  const { response } = await client.final()
  t.match(response, { status: 487 })
  t.equal((await client.next()).status, 200)
  t.ok(await client.isQuiet())
  t.match(emulator.received.at(-3), { method: 'INVITE', status: 487 })
})

t.test('lets a call stand at a CANCEL that comes too late', async (t) => {
  const { client, token } = await caller(t)
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  const { response } = await client.final()
  client.send('CANCEL', { branch })
  t.equal((await client.next()).status, 200)
  client.within(toTagOf(response), 'BYE')
  t.equal((await client.next()).status, 200)
})

t.test('answers 481 to a CANCEL of something else', async (t) => {
  const { client, token } = await caller(t)
  client.send('CANCEL')
  t.equal((await client.next()).status, 481)
  emulator.script([{ on: 'invite', hang: 'ringing' }])
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  t.strictSame([(await client.next()).status, (await client.next()).status], [100, 180])
  client.send('CANCEL', { branch: `${branch}x` })
  t.equal((await client.next()).status, 481)
  client.send('CANCEL', { branch, sequence: client.sequence + 1 })
  t.equal((await client.next()).status, 481)
})

t.test('ends a call that rings at its BYE', async (t) => {
  const { client, token } = await caller(t)
  emulator.script([{ on: 'invite', hang: 'ringing' }])
  client.send('INVITE', { token, body: chromiumOffer })
  t.equal((await client.next()).status, 100)
  client.within(toTagOf(await client.next()), 'BYE')
  t.match(await client.next(), { status: 487, headers: { cseq: /INVITE$/ } })
  t.match(await client.next(), { status: 200, headers: { cseq: /BYE$/ } })
})

t.test('answers 482 to an INVITE that is under way already', async (t) => {
  const { client, token } = await caller(t)
  await client.call(token)
  client.send('INVITE', { token, body: chromiumOffer })
  t.equal((await client.next()).status, 482)
})

t.test('answers 481 to whatever belongs to no call, but never answers an ACK', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  client.send('ACK')
  client.send('ACK', { toTag: 'other' })
  for (const method of ['INVITE', 'BYE', 'INFO', 'OPTIONS']) {
    client.within(`${toTag}x`, method, { body: method === 'INVITE' ? chromiumOffer : '' })
    t.match(await client.next(), { status: 481, headers: { cseq: new RegExp(`${method}$`) } })
  }
  for (const method of ['BYE', 'INFO']) {
    client.send(method)
    t.match(await client.next(), { status: 481, headers: { cseq: new RegExp(`${method}$`) } })
  }
})

t.test('takes a call over to another socket of the same caller', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  client.socket.terminate()
  const again = await SipClient.connect(t, emulator)
  again.callId = client.callId
  again.fromTag = client.fromTag
  again.sequence = client.sequence
  again.within(toTag, 'INVITE', { body: chromiumOffer })
  t.equal((await again.next()).status, 200)
  again.within(toTag, 'BYE')
  t.equal((await again.next()).status, 200)
})

t.test('ends a call that no other socket takes over in 32 s', async (t) => {
  const { client, token } = await caller(t)
  const { toTag } = await client.call(token)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  /** The same caller on another socket, that long after the gateway has lost the one before. */
  const comeBack = async ({ socket, callId, fromTag, sequence }: SipClient, afterMs: number) => {
    socket.terminate()
    await once(socket, 'close')
    const again = await SipClient.connect(t, emulator)
    for (let n = 0; n < 3; n++) await again.isQuiet()
    mock.timers.tick(afterMs)
    return Object.assign(again, { callId, fromTag, sequence })
  }
  const inTime = await comeBack(client, 31_999)
  inTime.within(toTag, 'INFO')
  t.equal((await inTime.next()).status, 200)
  mock.timers.tick(3_600_000)
  inTime.within(toTag, 'INFO')
  t.equal((await inTime.next()).status, 200, 'it stands as long as its socket does')
  const late = await comeBack(inTime, 32_000)
  late.within(toTag, 'INFO')
  t.equal((await late.next()).status, 481)
})

t.test('drops a call that rings with its socket', async (t) => {
  const { client, token } = await caller(t)
  emulator.script([{ on: 'invite', hang: 'ringing' }])
  const branch = client.send('INVITE', { token, body: chromiumOffer })
  t.strictSame([(await client.next()).status, (await client.next()).status], [100, 180])
  client.socket.terminate()
  const again = await SipClient.connect(t, emulator)
  again.callId = client.callId
  again.fromTag = client.fromTag
  let status = 0
  // Until the gateway has seen that the socket is gone, it answers 200 to the CANCEL.
  for (let attempt = 0; attempt < 50 && status !== 481; attempt++) {
    again.send('CANCEL', { branch, sequence: client.sequence })
    status = (await again.next()).status
  }
  t.equal(status, 481)
})

t.test('carries many calls over one socket', async (t) => {
  const warnings = processEvents(t, 'warning')
  const { client, token } = await caller(t)
  for (let n = 0; n < 20; n++) {
    client.callId = `call-${n}`
    t.equal((await client.call(token)).response.status, 200)
  }
  t.strictSame(warnings, [])
})
