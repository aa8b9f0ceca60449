import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Emulator, startEmulator } from '@bandwidth-token/emulator'
import type { Page } from 'playwright-core'
import t from 'tap'
import { launchChromium } from '../support/chromium.js'
import { until } from '../support/outcomes.js'
import { tokenOf } from './sip-client.js'

interface Phone {
  readonly events: string[]
  start(gatewayUrl: string): void
  dial(token: string): void
  hold(on: boolean): void
  restartIce(): Promise<void>
  hangUp(): void
  connectionState(): string
  /** What has been heard so far. */
  heard(): Promise<{ packets: number; energy: number }>
}
declare const phone: Phone

/** The page that the users write, with nothing between it and Bandwidth's SDK. */
const html = `<!doctype html><title>phone</title><audio autoplay></audio><script type="module">
import { BandwidthUA } from '/sdk.js'
const ua = new BandwidthUA()
const events = []
let session
const log = (name, note = () => '') => (call, ...rest) => events.push((name + ' ' + note(...rest)).trim())
ua.setBWLogger(() => {})
ua.setListeners({
  loginStateChanged: (isLogin, cause) => events.push(cause),
  outgoingCallProgress: log('progress', (message) => message.status_code),
  callConfirmed: log('confirmed'),
  callTerminated: log('terminated', (message, cause) => [message?.status_code, cause].join(' ').trim()),
  callHoldStateChanged: log('hold', (isHold) => isHold),
  callShowStreams(call, local, remote) {
    document.querySelector('audio').srcObject = remote
  },
  incomingCall: log('incoming')
})
globalThis.phone = {
  events,
  start(gatewayUrl) {
    ua.setServerConfig([gatewayUrl], 'localhost', [])
    ua.setAccount('alice', 'Alice', '')
    ua.init()
  },
  dial(token) {
    ua.setOAuthToken(token)
    session = ua.call('+15551234567')
  },
  hold: (on) => session.hold(on),
  restartIce: () => new Promise((resolve, reject) => {
    const options = { rtcOfferConstraints: { iceRestart: true } }
    if (!session.js_session.renegotiate(options, resolve)) reject(new Error('not ready'))
  }),
  hangUp: () => session.terminate(),
  connectionState: () => session.getRTCPeerConnection().connectionState,
  async heard() {
    let heard = { packets: 0, energy: 0 }
    for (const { type, packetsReceived, totalAudioEnergy } of (await session.getRTCPeerConnection().getStats()).values()) {
      if (type === 'inbound-rtp') heard = { packets: packetsReceived, energy: totalAudioEnergy }
    }
    return heard
  }
}
</script>`

const sdk = await readFile(new URL('dist/bw_webrtc_sdk.js', import.meta.resolve('@bandwidth/bw-webrtc-sdk')))
const server = createServer(({ url }, response) => {
  const isSdk = url === '/sdk.js'
  response.setHeader('content-type', isSdk ? 'text/javascript' : 'text/html')
  response.end(isSdk ? sdk : html)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
t.teardown(() => {
  server.close()
  server.closeAllConnections()
})
const { port } = server.address() as AddressInfo
const browser = await launchChromium(t)

/** A page that is connected to an emulator of its own. */
async function open(t: { teardown(fn: () => unknown): void }, host?: string) {
  const emulator = await startEmulator({ host })
  t.teardown(() => emulator.close())
  const page = await browser.newPage()
  t.teardown(() => page.close())
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(`http://localhost:${port}/`)
  await page.waitForFunction(() => 'phone' in globalThis)
  await page.evaluate((gatewayUrl) => phone.start(gatewayUrl), emulator.gatewayUrl)
  await happened(page, 'connected')
  return { emulator, page, errors }
}

/** Waits until the phone has reported that event, so many times. */
async function happened(page: Page, event: string, times = 1): Promise<void> {
  await page.waitForFunction(
    ([event, times]) => phone.events.filter((each) => each === event).length >= Number(times),
    [event, times] as const
  )
}

/** Whether the page hears more than before within ten seconds. */
function hearsMore(page: Page): Promise<boolean> {
  return page.evaluate(async () => {
    const before = await phone.heard()
    for (let n = 0; n < 200; n++) {
      const { packets, energy } = await phone.heard()
      if (packets > before.packets + 10 && energy > before.energy) return true
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return false
  })
}

/** Whether the page hears nothing any more: not a packet in 200 ms, where ten would be due. */
function hearsNothing(page: Page): Promise<boolean> {
  return page.evaluate(async () => {
    for (let n = 0; n < 50; n++) {
      const before = await phone.heard()
      await new Promise((resolve) => setTimeout(resolve, 200))
      const { packets } = await phone.heard()
      if (packets === before.packets) return true
    }
    return false
  })
}

function calls({ received }: Emulator) {
  return received.filter(({ verdict }) => verdict !== undefined)
}

for (const host of ['127.0.0.1', '::1']) {
  t.test(`connects a call of the SDK on ${host}, and says back what it hears`, async (t) => {
    const { emulator, page, errors } = await open(t, host)
    const { token, id } = await tokenOf(emulator)
    await page.evaluate((token) => phone.dial(token), token)
    await happened(page, 'confirmed')
    await page.waitForFunction(() => phone.connectionState() === 'connected')
    t.ok(await hearsMore(page))

    await page.evaluate(() => phone.hold(true))
    await happened(page, 'hold true')
    t.ok(await hearsNothing(page), 'on hold')
    await page.evaluate(() => phone.hold(false))
    await happened(page, 'hold false')
    t.ok(await hearsMore(page), 'after the hold')

    await page.evaluate(() => phone.restartIce())
    t.ok(await hearsMore(page), 'after an ICE restart')
    t.equal(await page.evaluate(() => phone.connectionState()), 'connected')

    await page.evaluate(() => phone.hangUp())
    await happened(page, 'terminated Terminated')
    await until(() => emulator.received.at(-1)?.method === 'BYE')
    t.match(calls(emulator), [{ method: 'INVITE', verdict: 'valid', accessTokenId: id, status: 200 }])
    t.match(emulator.received.at(-1), { status: 200 })
    t.strictSame(await page.evaluate(() => phone.events.slice(0, 3)), [
      'connected',
      'progress 180',
      'confirmed'
    ])
    t.strictSame(errors, [])
  })
}

t.test('refuses a revoked token once, and takes the next one', async (t) => {
  const { emulator, page, errors } = await open(t)
  const [revoked, fresh] = [await tokenOf(emulator), await tokenOf(emulator)]
  emulator.revoke(revoked.id)
  await page.evaluate((token) => phone.dial(token), revoked.token)
  await happened(page, 'terminated 401 Authentication Error')
  t.match(calls(emulator), [{ verdict: 'revoked', accessTokenId: revoked.id, status: 401 }])
  t.equal(calls(emulator).length, 1)

  await page.evaluate((token) => phone.dial(token), fresh.token)
  await happened(page, 'confirmed')
  t.match(calls(emulator)[1], { verdict: 'valid', accessTokenId: fresh.id, status: 200 })
  t.strictSame(errors, [])
})

t.test('lets the SDK meet what is scripted', async (t) => {
  const { emulator, page, errors } = await open(t)
  const { token } = await tokenOf(emulator)
  emulator.script([
    { on: 'invite', status: 403 },
    { on: 'invite', status: 486 },
    { on: 'invite', hang: 'ringing' },
    { on: 'invite', reset: 'ringing' },
    { on: 'invite', reset: 'answered' }
  ])
  for (const end of ['terminated 403 Rejected', 'terminated 486 Busy']) {
    await page.evaluate((token) => phone.dial(token), token)
    await happened(page, end)
  }
  await page.evaluate((token) => phone.dial(token), token)
  await happened(page, 'progress 180')
  await page.evaluate(() => phone.hangUp())
  await happened(page, 'terminated Canceled')
  await until(() => calls(emulator)[2]?.status === 487)

  await page.evaluate((token) => phone.dial(token), token)
  await happened(page, 'disconnected')
  await happened(page, 'terminated Canceled', 2)
  await happened(page, 'connected', 2)

  await page.evaluate((token) => phone.dial(token), token)
  await happened(page, 'confirmed')
  await happened(page, 'connected', 3)
  t.ok(await hearsMore(page), 'though the socket was dropped')
  await page.evaluate(() => phone.hangUp())
  await until(() => emulator.received.at(-1)?.method === 'BYE')
  t.equal(emulator.received.at(-1)?.status, 200, 'the call is known on the new socket')
  t.match(
    calls(emulator).map(({ status }) => status),
    [403, 486, 487, undefined, 200]
  )
  t.strictSame(errors, [])
})
