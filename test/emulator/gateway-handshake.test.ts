import { once } from 'node:events'
import { connect } from 'node:net'
import { type Emulator, startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { type ClientOptions, WebSocket } from 'ws'
import { emulate } from '../support/emulate.js'
import { until } from '../support/outcomes.js'
import { basic, rawRequest } from './helpers.js'
import { SipClient } from './sip-client.js'

const shared = await startEmulator()
t.teardown(() => shared.close())

interface Handshake {
  status: number
  body: string
  protocol: string
}

/** Opens a WebSocket; how the gateway takes it. */
async function handshake(
  t: Parameters<typeof emulate>[0],
  url: string,
  protocols: string[] = ['sip'],
  options: ClientOptions = {}
): Promise<Handshake> {
  const socket = new WebSocket(url, protocols, options)
  t.teardown(() => socket.terminate())
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    socket.on('open', () => resolve({ status: 101, body: '', protocol: socket.protocol }))
    socket.on('unexpected-response', async (_, response) => {
      let body = ''
      for await (const chunk of response.setEncoding('utf8')) body += chunk
      resolve({ status: response.statusCode ?? 0, body, protocol: '' })
    })
  })
}

t.test('speaks the subprotocol sip', async (t) => {
  t.match(await handshake(t, shared.gatewayUrl), { status: 101, protocol: 'sip' })
  t.match(await handshake(t, shared.gatewayUrl, ['other', 'sip']), { status: 101, protocol: 'sip' })
})

for (const protocols of [[], ['other'], ['sips']]) {
  t.test(`refuses the subprotocols [${protocols}]`, async (t) => {
    const { status, body } = await handshake(t, shared.gatewayUrl, protocols)
    t.equal(status, 400)
    t.strictSame(JSON.parse(body), { error: 'the WebSocket subprotocol must be sip' })
  })
}

t.test('is at the root only', async (t) => {
  t.match(await handshake(t, `${shared.gatewayUrl}/?x=1`), { status: 101 })
  for (const path of ['/gateway', '/api/v1/oauth2/token', '/_emulator/received']) {
    const { status, body } = await handshake(t, shared.gatewayUrl + path)
    t.equal(status, 404, path)
    t.strictSame(JSON.parse(body), { error: 'the gateway is at the path /' })
  }
})

const own = [
  'http://localhost',
  'http://LOCALHOST:3000',
  'https://app.localhost:8443',
  'http://127.0.0.1:1',
  'http://127.9.8.7',
  'http://[::1]:3000'
]
for (const origin of own) {
  t.test(`lets pages of ${origin} in`, async (t) => {
    t.match(await handshake(t, shared.gatewayUrl, ['sip'], { origin }), { status: 101 })
  })
}

const foreign = [
  'https://evil.example',
  'http://localhost.evil.example',
  'http://evil.example:80@localhost.example',
  'http://127.0.0.1.evil.example',
  'http://notlocalhost',
  'http://192.168.1.7',
  'http://[::2]',
  'null',
  'file://',
  'localhost'
]
for (const origin of foreign) {
  t.test(`keeps pages of ${origin} out`, async (t) => {
    const { status, body } = await handshake(t, shared.gatewayUrl, ['sip'], { origin })
    t.equal(status, 403)
    t.match(JSON.parse(body), { error: /only pages of localhost or a loopback address/ })
  })
}

t.test('lets pages of any origin in where it listens for more than this machine', async (t) => {
  const emulator = await emulate(t, { host: '0.0.0.0' })
  t.match(emulator.gatewayUrl, /^ws:\/\/127\.0\.0\.1:\d+$/)
  const { status } = await handshake(t, emulator.gatewayUrl, ['sip'], { origin: 'http://192.168.1.7' })
  t.equal(status, 101)
})

for (const host of ['localhost', '::1', '127.0.0.2', '127.1']) {
  t.test(`keeps foreign pages out where it listens on ${host}`, async (t) => {
    const { gatewayUrl } = await emulate(t, { host })
    t.match(await handshake(t, gatewayUrl, ['sip'], { origin: 'https://evil.example' }), { status: 403 })
    t.match(await handshake(t, gatewayUrl), { status: 101 })
  })
}

t.test('answers a keep-alive, and nothing to its own', async (t) => {
  const client = await SipClient.connect(t, shared)
  client.socket.send('\r\n')
  client.socket.send('\r\n\r\n')
  t.equal((await client.next()).text, '\r\n')
  t.ok(await client.isQuiet())
})

t.test('answers a ping', async (t) => {
  const { socket } = await SipClient.connect(t, shared)
  const pong = once(socket, 'pong')
  socket.ping('x')
  await pong
})

t.test('serves a request that offers another protocol in passing', async (t) => {
  const headers = {
    connection: 'Upgrade, HTTP2-Settings',
    upgrade: 'h2c',
    'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
    authorization: basic(shared.clientId, shared.clientSecret),
    'content-type': 'application/x-www-form-urlencoded'
  }
  const body = 'grant_type=client_credentials'
  const answer = await rawRequest(shared.tokenUrl, { method: 'POST', headers, body })
  t.equal(answer.status, 200)
  t.match(JSON.parse(answer.body), { token_type: 'Bearer' })
})

t.test('serves such a request even if its body comes late', async (t) => {
  const { hostname, port, pathname } = new URL(shared.tokenUrl)
  const socket = connect(Number(port), hostname)
  t.teardown(() => socket.destroy())
  const before = shared.received.length
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 29\r\n` +
      `Authorization: ${basic(shared.clientId, shared.clientSecret)}\r\n` +
      'Content-Type: application/x-www-form-urlencoded\r\n\r\n'
  )
  await until(() => shared.received.length > before)
  socket.write('grant_type=client_credentials')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 200 /)
})

t.test('survives a client that hangs up in the middle of a handshake', async (t) => {
  const { hostname, port } = new URL(shared.gatewayUrl)
  for (const path of ['/', '/elsewhere']) {
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    socket.resetAndDestroy()
  }
  t.match(await handshake(t, shared.gatewayUrl), { status: 101 })
})

t.test('ends its sockets when it closes', async (t) => {
  const emulator: Emulator = await startEmulator()
  const { socket } = await SipClient.connect(t, emulator)
  const closed = once(socket, 'close')
  await emulator.close()
  await closed
  await emulator.close()
})
