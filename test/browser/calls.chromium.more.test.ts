import t from 'tap'
import { launchChromium } from '../support/chromium.js'
import { DialStage, eventually } from './dial-stage.js'

const browser = await launchChromium(t)

t.test('a call connects with the token that the server has served', async (t) => {
  const stage = await DialStage.open(t, await browser.newContext())
  await stage.connect()
  t.equal(await stage.dial(), stage.app.served[0]?.id)
  await eventually(() => stage.page.evaluate(() => dialPage.isConnected()))
  t.match(stage.calls(), [{ verdict: 'valid', status: 200 }])
  t.equal(stage.calls().length, 1)
  t.equal(stage.app.served.length, 1)
  t.equal(stage.upstream(), 1)
})

t.test('a call after a rotation uses the new token, and nothing is restarted', async (t) => {
  const stage = await DialStage.open(t, await browser.newContext())
  await stage.connect()
  const before = await stage.dial()
  await stage.page.evaluate(() => dialPage.hangUp())
  await stage.advance(560_000)
  await stage.advance(60_000, 1_000)
  t.equal(await stage.asked(), 2, 'the page has refreshed by itself')
  const after = await stage.dial()
  t.not(after, before)
  t.equal(after, stage.app.served[1]?.id)
  t.match(stage.calls(), [{ verdict: 'valid' }, { verdict: 'valid' }])
  t.equal(await stage.asked(), 2)
  t.equal((await stage.told()).filter((each) => each === 'connected').length, 1)
})

t.test('a page that refreshes once per life gets a new token each time', async (t) => {
  const stage = await DialStage.open(t, await browser.newContext())
  await stage.page.evaluate(() => dialPage.getToken())
  for (let life = 1; life <= 3; life++) {
    await stage.advance(540_000)
    await stage.advance(60_000, 1_000)
    t.equal(await stage.asked(), life + 1)
  }
  const ids = stage.app.served.map(({ id }) => id)
  t.equal(new Set(ids).size, 4)
  t.strictSame(
    await stage.told(),
    ids.map((id) => `token ${id}`)
  )
})

t.test('a revoked token gives exactly one redial and one upstream request', async (t) => {
  const stage = await DialStage.open(t, await browser.newContext())
  await stage.connect()
  await stage.page.evaluate(() => dialPage.getToken())
  await stage.advance(10_000)
  const [revoked] = stage.app.served
  stage.emulator.revoke(`${revoked?.id}`)
  t.equal(await stage.dial(), stage.app.served[1]?.id)
  t.match(stage.calls(), [
    { verdict: 'revoked', accessTokenId: revoked?.id, status: 401 },
    { verdict: 'valid', status: 200 }
  ])
  t.equal(stage.calls().length, 2)
  t.equal(stage.upstream(), 2)
  t.equal(await stage.asked(), 2)
  t.strictSame(
    (await stage.told()).filter((each) => /^(refused|callTerminated)/.test(each)),
    [`refused ${revoked?.id}, redialled`]
  )
})

t.test('a gateway that refuses every token ends the call after one redial', async (t) => {
  const stage = await DialStage.open(t, await browser.newContext())
  await stage.connect()
  await stage.page.evaluate(() => dialPage.getToken())
  await stage.advance(10_000)
  stage.emulator.script(Array.from({ length: 9 }, () => ({ on: 'invite', status: 401 })))
  await stage.page.evaluate(() => dialPage.call())
  await stage.toldOf('callTerminated 401')
  await stage.advance(60_000, 5_000)
  t.equal(stage.calls().length, 2)
  t.equal(stage.upstream(), 2)
  t.equal(await stage.asked(), 2)
  const [first, second] = stage.app.served
  t.strictSame(
    (await stage.told()).filter((each) => /^(refused|callTerminated)/.test(each)),
    [`refused ${first?.id}, redialled`, `refused ${second?.id}`, 'callTerminated 401']
  )
})

t.test('signed out gives one event and no loop of requests, until somebody signs in', async (t) => {
  const context = await browser.newContext()
  const stage = await DialStage.open(t, context)
  await stage.connect()
  await stage.dial()
  await stage.page.evaluate(() => dialPage.hangUp())
  await context.clearCookies()
  await stage.advance(3_600_000, 30_000)
  const signedOut = async () => (await stage.told()).filter((each) => each === 'signed-out').length
  t.equal(await signedOut(), 1)
  t.equal(await stage.asked(), 2)

  t.match(await stage.page.evaluate(() => dialPage.call()), /^ERR_BANDWIDTH_TOKEN_FORBIDDEN: /)
  t.equal(stage.calls().length, 1, 'it does not reach the gateway')
  t.equal(await signedOut(), 2, 'it has asked once more')
  await stage.advance(600_000, 30_000)
  t.equal(await stage.asked(), 3)

  await stage.page.evaluate(() => fetch('/sign-in'))
  await stage.page.evaluate(() => dialPage.invalidate())
  t.equal(await stage.dial(), stage.app.served[1]?.id)
  t.match(stage.calls()[1], { verdict: 'valid', status: 200 })
})
