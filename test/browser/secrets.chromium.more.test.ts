import t from 'tap'
import { launchChromium } from '../support/chromium.js'
import { Needles } from '../support/leak-hunt/needles.js'
import { DialStage, eventually } from './dial-stage.js'
import { LookInto } from './look-into.js'

const browser = await launchChromium(t)

/** The places in which a token was seen, whole or in part. */
async function leaks({ app }: DialStage, look: LookInto): Promise<string[]> {
  const needles = new Needles(Object.fromEntries(app.served.map(({ id, token }) => [id, token])))
  const texts = await look.texts()
  return [
    ...new Set(texts.filter(([, text]) => needles.find(text).length > 0).map(([place]) => place))
  ].sort()
}

t.test(
  'no token is in storage, cookies, the console, the DOM or a URL, whatever becomes of a call',
  async (t) => {
    const context = await browser.newContext()
    const stage = await DialStage.open(t, context)
    // What the SDK has kept by then may let it say more.
    await stage.connect()
    await stage.dial()
    const look = new LookInto(stage.page)
    await stage.page.reload()

    await stage.connect()
    await stage.dial()
    t.strictSame(await leaks(stage, look), [], 'during a call')
    await stage.page.evaluate(() => dialPage.hangUp())
    await stage.advance(10_000)
    stage.emulator.revoke(`${stage.calls().at(-1)?.accessTokenId}`)
    await stage.dial()
    await stage.toldOf('refused')
    t.strictSame(await leaks(stage, look), [], 'during a redial')

    // The server replaces no other refused token within 30 seconds.
    await stage.advance(40_000)
    stage.emulator.script([401, 401, 503].map((status) => ({ on: 'invite', status })))
    for (const status of [401, 503]) {
      await stage.page.evaluate(() => dialPage.call())
      await stage.toldOf(`callTerminated ${status}`)
    }
    t.strictSame(await leaks(stage, look), [], 'after calls that were refused')

    await context.clearCookies()
    await stage.page.evaluate(() => dialPage.invalidate())
    t.match(await stage.page.evaluate(() => dialPage.getToken()), /FORBIDDEN/)
    t.strictSame(await leaks(stage, look), [], 'signed out')
    t.equal(stage.calls().filter(({ status }) => status === 200).length, 3)
  }
)

t.test('a token is found wherever there is one', async (t) => {
  const stage = await DialStage.open(t, await browser.newContext())
  const look = new LookInto(stage.page)
  await stage.page.evaluate(() => dialPage.getToken())
  t.strictSame(await leaks(stage, look), [])
  await stage.page.evaluate(async (token) => {
    localStorage.setItem('kept', token)
    sessionStorage.setItem('kept', btoa(token))
    // biome-ignore lint/suspicious/noDocumentCookie: what a page must not do
    document.cookie = `kept=${token.slice(-40)}`
    document.body.dataset['token'] = token
    history.replaceState(token, '')
    console.log('debug', { deep: { token } })
    reportError(new Error(token))
    await fetch(`/?token=${token}`)
    await (await caches.open('kept')).put('/kept', new Response(token))
    const opening = indexedDB.open('kept')
    opening.onupgradeneeded = () => opening.result.createObjectStore('kept').put({ token }, 1)
    await new Promise((resolve) => {
      opening.onsuccess = resolve
    })
    opening.result.close()
  }, `${stage.app.served[0]?.token}`)
  const everywhere = [
    'caches',
    'console',
    'cookies',
    'dom',
    'error',
    'history',
    'indexedDB',
    'localStorage',
    'sessionStorage',
    'url'
  ]
  await eventually(async () => (await leaks(stage, look)).length === everywhere.length)
  t.strictSame(await leaks(stage, look), everywhere)
})
