import t, { type Test } from 'tap'
import { launchOrdinaryChromium } from '../support/chromium.js'
import { DialStage, eventually } from './dial-stage.js'

const SLEEP = 20 * 60_000
const HOUR = 3_600_000

const context = await launchOrdinaryChromium(t)

/** A page that is connected and has a token. */
async function open(t: Test): Promise<DialStage> {
  const stage = await DialStage.open(t, context)
  await stage.connect()
  await stage.page.evaluate(() => dialPage.getToken())
  return stage
}

const visibility = ({ page }: DialStage) => page.evaluate(() => document.visibilityState)

/** Brings another tab to the front. */
async function hide(t: Test, stage: DialStage): Promise<void> {
  const other = await context.newPage()
  t.teardown(() => other.close())
  await other.bringToFront()
  await eventually(async () => (await visibility(stage)) === 'hidden')
}

/** Dials once, with the second token, which the gateway takes. */
async function dialsWithTheSecondToken(t: Test, stage: DialStage): Promise<void> {
  t.equal(await stage.dial(), stage.app.served[1]?.id)
  t.match(stage.calls(), [{ verdict: 'valid', status: 200 }])
  t.equal(stage.calls().length, 1)
  t.equal(stage.app.served.length, 2)
  t.not(stage.app.served[0]?.id, stage.app.served[1]?.id)
}

t.test('a tab in the background does not refresh; in front again it does', async (t) => {
  const stage = await open(t)
  await hide(t, stage)
  await stage.advance(SLEEP, 20_000)
  t.equal(await stage.asked(), 1)
  await stage.page.bringToFront()
  await stage.toldOf('token', 2)
  t.equal(await visibility(stage), 'visible')
  await dialsWithTheSecondToken(t, stage)
  t.equal(await stage.asked(), 2)
})

t.test('a tab that was frozen past the end of its token dials with a new one', async (t) => {
  const stage = await open(t)
  await hide(t, stage)
  await stage.page.evaluate(() => document.addEventListener('freeze', () => dialPage.told.push('frozen')))
  const cdp = await context.newCDPSession(stage.page)
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' })
  await stage.toldOf('frozen')
  await stage.sleep(SLEEP)
  t.equal(await stage.asked(), 1)
  await stage.page.bringToFront()
  await stage.toldOf('token', 2)
  // Chromium has closed its WebSocket.
  await stage.reconnected()
  await dialsWithTheSecondToken(t, stage)
  t.equal(await stage.asked(), 2)
})

t.test('a page that comes out of the back-forward cache dials with a new token', async (t) => {
  const stage = await open(t)
  await stage.page.evaluate(() =>
    addEventListener('pageshow', ({ persisted }) => dialPage.told.push(`pageshow ${persisted}`))
  )
  stage.app.files.set('/elsewhere', ['text/html', '<!doctype html><title>Elsewhere</title>'])
  await stage.page.goto(`${stage.app.origin}/elsewhere`)
  await stage.sleepInCache(SLEEP)
  // It has been loaded long ago.
  await stage.page.goBack({ waitUntil: 'commit' })
  await stage.toldOf('pageshow true')
  await stage.toldOf('token', 2)
  await stage.reconnected()
  await dialsWithTheSecondToken(t, stage)
  t.equal(await stage.asked(), 2)
})

t.test('a page on a machine that slept past the end of the token dials with a new one', async (t) => {
  const stage = await open(t)
  await stage.sleep(SLEEP)
  t.equal(await stage.asked(), 1, 'nobody has told it')
  await dialsWithTheSecondToken(t, stage)
  t.equal(await stage.asked(), 2)
})

t.test('a page that was offline past the end of the token has a new one once it is online', async (t) => {
  const stage = await open(t)
  t.teardown(() => context.setOffline(false))
  await context.setOffline(true)
  await stage.advance(SLEEP, 20_000)
  const asked = await stage.asked()
  t.ok(asked > 20 && asked < 50, `${asked - 1} tries in ten minutes: it backs off`)
  t.match(await stage.page.evaluate(() => dialPage.call()), /^ERR_BANDWIDTH_TOKEN_UNAVAILABLE: /)
  t.equal(await stage.asked(), asked)
  await context.setOffline(false)
  await stage.toldOf('token', 2)
  await dialsWithTheSecondToken(t, stage)
  t.equal(await stage.asked(), asked + 1)
})

for (const [how, stepMs, extra] of [
  ['forward', HOUR, 1],
  ['back', -HOUR, 0]
] as const) {
  t.test(`a page whose clock is put ${how} by an hour always dials with a valid token`, async (t) => {
    const stage = await open(t)
    await stage.advance(60_000)
    await stage.stepPageWall(stepMs)
    const first = await stage.dial()
    t.equal(await stage.asked(), 1 + extra)
    await stage.page.evaluate(() => dialPage.hangUp())
    await stage.advance(480_000)
    await stage.advance(70_000, 1_000)
    t.equal(await stage.asked(), 2 + extra, 'it has refreshed in time')
    t.not(await stage.dial(), first)
    t.match(stage.calls(), [{ verdict: 'valid' }, { verdict: 'valid' }])
    t.equal(stage.calls().length, 2)
    t.equal(await stage.asked(), 2 + extra)
  })
}
