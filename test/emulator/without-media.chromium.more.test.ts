import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { launchChromium } from '../support/chromium.js'
import { emulatorWithoutMedia } from '../support/emulator-without-media.js'
import { until } from '../support/outcomes.js'
import { Program } from '../support/program.js'
import { chromiumOffer, SipClient, tokenOf } from './sip-client.js'

const { startEmulator, command } = await emulatorWithoutMedia(t)
const emulator = await startEmulator()
t.teardown(() => emulator.close())

interface Phone {
  readonly events: string[]
  dial(gatewayUrl: string, token: string): void
  hold(on: boolean): void
  hangUp(): void
}
declare const phone: Phone

const page = `<!doctype html><title>phone</title><script type="module">
import { BandwidthUA } from '/sdk.js'
const ua = new BandwidthUA()
const events = []
let session
ua.setBWLogger(() => {})
const connected = new Promise((resolve) => ua.setListeners({
  loginStateChanged: resolve,
  outgoingCallProgress: () => events.push('progress'),
  callConfirmed: () => events.push('confirmed'),
  callTerminated: () => events.push('terminated'),
  callHoldStateChanged: (call, isHold) => events.push('hold ' + isHold),
  callShowStreams: () => events.push('streams'),
  incomingCall() {}
}))
globalThis.phone = {
  events,
  async dial(gatewayUrl, token) {
    ua.setServerConfig([gatewayUrl], 'localhost', [])
    ua.setAccount('alice', 'Alice', '')
    ua.init()
    await connected
    ua.setOAuthToken(token)
    session = ua.call('+15551234567')
  },
  hold: (on) => session.hold(on),
  hangUp: () => session.terminate()
}
</script>`

t.test('connects a call of a browser, holds it and ends it', async (t) => {
  const sdk = await readFile(
    new URL('dist/bw_webrtc_sdk.js', import.meta.resolve('@bandwidth/bw-webrtc-sdk'))
  )
  const server = createServer(({ url }, response) => {
    response.setHeader('content-type', url === '/sdk.js' ? 'text/javascript' : 'text/html')
    response.end(url === '/sdk.js' ? sdk : page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  const tab = await (await launchChromium(t)).newPage()
  await tab.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
  await tab.waitForFunction(() => 'phone' in globalThis)
  const happened = (event: string) =>
    tab.waitForFunction((event) => phone.events.includes(event), event, { timeout: 10_000 })

  const { token } = await tokenOf(emulator)
  await tab.evaluate(([url = '', token = '']) => phone.dial(url, token), [emulator.gatewayUrl, token])
  await happened('confirmed')
  await happened('streams')
  await tab.evaluate(() => phone.hold(true))
  await happened('hold true')
  await tab.evaluate(() => phone.hold(false))
  await happened('hold false')
  t.notOk(await tab.evaluate(() => phone.events.includes('terminated')))
  await tab.evaluate(() => phone.hangUp())
  await until(() => emulator.received.at(-1)?.method === 'BYE')
  t.equal(emulator.received.at(-1)?.status, 200)
})

t.test('answers an offer without a port', async (t) => {
  const client = await SipClient.connect(t, emulator)
  const { response, statuses } = await client.call((await tokenOf(emulator)).token)
  t.strictSame(statuses, [100, 180, 200])
  t.match(response.body, /^m=audio 9 UDP\/TLS\/RTP\/SAVPF 111 0 8 110 126\r\n/m)
  t.match(response.body, /^a=fingerprint:sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}\r\n/m)
  t.notMatch(response.body, /candidate/)
})

t.test('still refuses what it refuses with media', async (t) => {
  const client = await SipClient.connect(t, emulator)
  client.send('INVITE', { token: 'x', body: chromiumOffer })
  t.equal((await client.final()).response.status, 401)
})

t.test('the command says what is missing and how to get it', async (t) => {
  const program = new Program(t, [command])
  await until(() => /^export BW_CLIENT_SECRET=/m.test(program.stdout) && /werift/.test(program.stderr))
  const [, name, version] = /npm install --save-dev (\w+)@([\d.]+)\n/.exec(program.stderr) ?? []
  const manifest = new URL('../package.json', import.meta.resolve('@bandwidth-token/emulator'))
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(await readFile(manifest, 'utf8'))
  t.strictSame(Object.keys(peerDependencies), [name])
  t.strictSame(peerDependenciesMeta, { werift: { optional: true } })
  const { catalog } =
    /werift: \^(?<catalog>\d+\.\d+)/.exec(
      await readFile(new URL('../../../pnpm-workspace.yaml', import.meta.url), 'utf8')
    )?.groups ?? {}
  t.equal(version, catalog, 'the version that it is tested with')
})
