/// <reference lib="dom" />
import { startEmulator } from '@bandwidth-token/emulator'
import type { Page } from 'puppeteer-core'
import t, { type Test } from 'tap'
import { until } from '../processes/child.js'
import { launchFirefox } from '../support/firefox.js'
import { shiftableClock } from '../support/shiftable-clock.js'
import { startDialApp } from './dial-app.js'
import { startExample } from './dialpad.js'

const browser = await launchFirefox(t)

/** The connections of the page, which its sources show nowhere. */
declare const connections: RTCPeerConnection[]

async function openPage(t: Test): Promise<Page> {
  const page = await browser.newPage()
  t.teardown(() => page.close())
  page.setDefaultTimeout(60_000)
  await page.evaluateOnNewDocument(() => {
    const all: RTCPeerConnection[] = []
    Object.assign(globalThis, { connections: all })
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        all.push(this)
      }
    }
  })
  return page
}

/** Waits until the page hears more than silence. */
async function hears(page: Page): Promise<void> {
  const heard = () =>
    page.evaluate(async () => {
      const reports = await connections.at(-1)?.getStats()
      const inbound = [...(reports?.values() ?? [])].find(({ type }) => type === 'inbound-rtp')
      return Number(inbound?.totalAudioEnergy ?? 0)
    })
  await until(async () => (await heard()) > 0, 'the page hears something')
}

t.test('the dial pad places a call in Firefox, with sound, and hangs up', async (t) => {
  const example = await startExample(t)
  const page = await openPage(t)
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  /** Waits until the status line says so. */
  const says = (text: string) =>
    page.waitForFunction(
      (text) =>
        [...document.querySelectorAll('[role=status]')].some(({ textContent }) =>
          textContent?.startsWith(text)
        ),
      {},
      text
    )

  await page.goto(example.url)
  await says('Sign in to place calls.')
  await page.type('#password', example.password)
  await page.keyboard.press('Enter')
  await says('Signed in')
  await page.type('#number', '+15551234567')
  await page.keyboard.press('Enter')
  await says('Connected')
  const call = example.emulator.received.find(({ verdict }) => verdict !== undefined)
  t.match(call, { verdict: 'valid', status: 200, path: 'sip:+15551234567@127.0.0.1' })
  await hears(page)
  await page.keyboard.press('Enter')
  await says('The call has ended')
  await until(() => example.emulator.received.at(-1)?.method === 'BYE', 'the gateway has been told')
  t.strictSame(errors, [], 'no uncaught error')
})

t.test('a page in Firefox dials with a token of its source, and again after a refusal', async (t) => {
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  const clock = shiftableClock()
  const app = await startDialApp(t, emulator, clock)
  const page = await openPage(t)
  const told = () => page.evaluate(() => dialPage.told)
  const toldOf = (what: string) =>
    until(async () => (await told()).some((each) => each.startsWith(what)), `the page is told: ${what}`)

  await page.goto(`${app.origin}/sign-in`)
  await page.evaluate((gatewayUrl) => dialPage.connect(gatewayUrl), emulator.gatewayUrl)
  await toldOf('connected')
  t.equal(await page.evaluate(() => dialPage.getToken()), app.served[0]?.id)

  // A token of the last 5 s is not replaced, so the server's clock goes on.
  clock.advance(6_000)
  emulator.revoke(`${app.served[0]?.id}`)
  t.equal(await page.evaluate(() => dialPage.call()), 'dialled')
  await toldOf('callConfirmed')
  t.ok((await told()).includes(`refused ${app.served[0]?.id}, redialled`))
  const calls = emulator.received.filter(({ verdict }) => verdict !== undefined)
  t.match(calls, [{ status: 401 }, { verdict: 'valid', status: 200, accessTokenId: app.served[1]?.id }])
  await hears(page)
  await page.evaluate(() => dialPage.hangUp())
  await toldOf('callTerminated')
})
