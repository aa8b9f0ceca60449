import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startEmulator } from '@bandwidth-token/emulator'
import { build } from 'esbuild'
import t, { type Test } from 'tap'
import { launchChromium } from '../support/chromium.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { startDialApp } from './dial-app.js'
import { DialStage } from './dial-stage.js'

const browser = await launchChromium(t)
const script = new URL('dial-page.js', import.meta.url)
const pageOf = (scripts: string) =>
  ['text/html', `<!doctype html><title>Dial</title><audio autoplay></audio>${scripts}`] as const

const ways: Record<string, () => Promise<string>> = {
  'a script of type module that imports files by their addresses': async () =>
    (await readFile(script, 'utf8'))
      .replace("'@bandwidth-token/browser'", "'/vendor/bandwidth-token/index.js'")
      .replace("'@bandwidth/bw-webrtc-sdk'", "'/vendor/bw-webrtc-sdk/index.js'"),
  'a bundle of esbuild': async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(script)],
      bundle: true,
      minify: true,
      format: 'esm',
      write: false
    })
    return `${outputFiles[0]?.text}`
  }
}

for (const [way, code] of Object.entries(ways)) {
  t.test(`works as ${way}`, async (t) => {
    const stage = await DialStage.open(t, await browser.newContext())
    stage.app.files.set('/dial.js', ['text/javascript', await code()])
    stage.app.files.set('/dial', pageOf('<script type="module" src="/dial.js"></script>'))
    await stage.page.goto(`${stage.app.origin}/dial`)
    await stage.connect()
    t.equal(await stage.dial(), stage.app.served[0]?.id)
    t.match(stage.calls(), [{ verdict: 'valid', status: 200 }])
  })
}

t.test('works from an import map', async (t) => {
  const stage = await DialStage.open(t, await browser.newContext())
  t.equal(await stage.page.locator('script[type=importmap]').count(), 1)
  await stage.connect()
  t.equal(await stage.dial(), stage.app.served[0]?.id)
})

/** An origin that serves the page, and whose own token route nobody asks. */
async function elsewhere(t: Test): Promise<string> {
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  return (await startDialApp(t, emulator, new VirtualClock())).origin
}

const from = (origin: string, { app }: DialStage) => `${origin}/?route=${app.origin}/bandwidth/token`

t.test('a page of another origin is answered 403, has a typed error and backs off', async (t) => {
  const other = await elsewhere(t)
  const stage = await DialStage.open(t, await browser.newContext())
  await stage.page.goto(from(other, stage))
  // Without CORS a page may not see what was answered.
  t.match(
    await stage.page.evaluate(() => dialPage.getToken()),
    /^ERR_BANDWIDTH_TOKEN_UNAVAILABLE: No token from /
  )
  await stage.advance(60_000)
  const asked = await stage.asked()
  t.ok(asked > 5 && asked < 12, `${asked} requests in a minute`)
  t.strictSame(new Set(stage.app.statuses), new Set([403]))
  t.equal(stage.app.statuses.length, asked)
  t.equal(stage.app.served.length, 0)
})

t.test('a page of another origin that is allowed, and has CORS, dials', async (t) => {
  const other = await elsewhere(t)
  const stage = await DialStage.open(t, await browser.newContext(), [other])
  await stage.page.goto(from(other, stage))
  await stage.connect()
  t.equal(await stage.dial(), stage.app.served[0]?.id)
  t.strictSame(stage.app.statuses, [200])
})
