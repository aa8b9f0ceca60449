import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import t, { type Test } from 'tap'
import { launchChromium } from '../support/chromium.js'
import { DialStage, eventually } from './dial-stage.js'

const browser = await launchChromium(t)
const readme = await readFile(new URL('../../../packages/browser/README.md', import.meta.url), 'utf8')

/** The first block of a language in a section. */
function blockOf(section: string, language: string): string {
  const text = readme.split(`\n## ${section}\n`)[1] ?? ''
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1] ?? ''
}

/** A page of a reader, with the code of the README but for the address of the gateway. */
async function open(t: Test, html: string, code: string): Promise<DialStage> {
  const stage = await DialStage.open(t, await browser.newContext())
  const { outputFiles } = await build({
    stdin: {
      contents: code
        .replaceAll('wss://sbc.webrtc-app.bandwidth.com:10081', stage.emulator.gatewayUrl)
        .replaceAll('sbc.webrtc-app.bandwidth.com', 'localhost'),
      loader: 'tsx',
      resolveDir: fileURLToPath(new URL('../../browser', import.meta.url))
    },
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
    write: false
  })
  stage.app.files.set('/readme.js', ['text/javascript', `${outputFiles[0]?.text}`])
  const scripts = '<script type="module" src="/readme.js"></script>'
  stage.app.files.set('/readme', ['text/html', `<!doctype html><title>README</title>${html}${scripts}`])
  // An element of its own or one of the page: this is where sound comes out.
  await stage.page.addInitScript(() => {
    const { set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject') ?? {}
    Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
      set(this: HTMLMediaElement, stream) {
        Object.assign(globalThis, { loudspeaker: this })
        set?.call(this, stream)
      }
    })
  })
  await stage.page.goto(`${stage.app.origin}/readme`)
  return stage
}

const isHeard = ({ page }: DialStage) =>
  page.evaluate(() => {
    const { loudspeaker } = globalThis as { loudspeaker?: HTMLAudioElement }
    return loudspeaker !== undefined && !loudspeaker.paused && loudspeaker.currentTime > 0
  })

/** Signs the user out. Resolves to a function that signs the user in again. */
async function signOut({ page }: DialStage): Promise<() => Promise<void>> {
  const cookies = await page.context().cookies()
  await page.context().clearCookies()
  return () => page.context().addCookies(cookies)
}

/** Answers a sign-in like the servers of the READMEs of fastify and express. */
async function answerSignIn(t: Test, { page }: DialStage): Promise<void> {
  await page.route('**/sign-in', async (route) => {
    const request = route.request()
    t.equal(request.headers()['content-type'], 'application/json')
    const headers = { 'set-cookie': 'session=alice; Path=/' }
    const isRight = request.postDataJSON().password === 'right'
    await route.fulfill(isRight ? { status: 204, headers } : { status: 401 })
  })
}

t.test('the quick start dials, is heard and hangs up', async (t) => {
  const stage = await open(t, blockOf('Quick start', 'html'), blockOf('Quick start', 'js'))
  const { page } = stage
  const signIn = await signOut(stage)
  const refused = page.waitForEvent('console', (message) => message.text().includes('Sign in'))
  await page.click('#dial')
  await refused
  await signIn()
  await page.click('#dial')
  t.equal(await page.isDisabled('#dial'), true)
  await eventually(() => isHeard(stage))
  t.match(stage.calls(), [{ verdict: 'valid', status: 200 }])
  const printed = page.waitForEvent('console', (message) => message.text() === 'Terminated')
  await page.click('#hang-up')
  await printed
  await page.waitForSelector('#dial:enabled')
  t.equal(stage.app.served.length, 1)
})

/** The component of the README in an app that renders it anew, and can take it away. */
const mounted = `
  import { StrictMode, useState } from 'react'
  import { createRoot } from 'react-dom/client'
  ${blockOf('React', 'tsx')}
  function App() {
    const [count, setCount] = useState(0)
    return (
      <>
        {count < 3 && <Dialler />}
        <button id="rerender" onClick={() => setCount(count + 1)}>{count}</button>
      </>
    )
  }
  createRoot(document.getElementById('root')!).render(<StrictMode><App /></StrictMode>)`

t.test('the React component dials under StrictMode, and a rerender does not touch the call', async (t) => {
  const stage = await open(t, '<div id="root"></div>', mounted)
  const { page } = stage
  const thrown: Error[] = []
  page.on('pageerror', (error) => thrown.push(error))
  const status = page.getByRole('status')
  const call = page.getByText('Call', { exact: true })
  await answerSignIn(t, stage)
  await page.context().clearCookies()
  await call.click()
  await status.getByText('Sign in to call').waitFor()
  await page.fill('input', 'right')
  await page.getByText('Sign in', { exact: true }).click()
  await status.getByText('ready', { exact: true }).waitFor()

  stage.emulator.script([{ on: 'invite', hang: 'ringing' }])
  await call.click()
  await eventually(() => stage.calls().length === 1)
  t.equal(await status.textContent(), 'calling …')
  t.equal(await call.isDisabled(), true)
  await page.getByText('Hang up').click()
  await status.getByText('Canceled').waitFor()

  await call.click()
  await status.getByText('connected').waitFor()
  t.equal(await call.isDisabled(), true)
  await eventually(() => isHeard(stage))
  await page.click('#rerender')
  await page.click('#rerender')
  t.equal(await page.locator('#rerender').textContent(), '2')
  t.equal(await status.textContent(), 'connected')
  t.equal(await isHeard(stage), true)
  await page.getByText('Hang up').click()
  await status.getByText('Terminated').waitFor()

  await call.click()
  await status.getByText('connected').waitFor()
  await page.click('#rerender')
  t.equal(await status.count(), 0)
  const ended = () => stage.emulator.received.filter(({ method }) => method === 'BYE').length
  await eventually(() => ended() === 2)
  const connected = { verdict: 'valid', status: 200 }
  t.match(stage.calls(), [{ status: 487 }, connected, connected])
  t.equal(stage.app.served.length, 1)
  t.strictSame(thrown, [])
})

t.test('the form signs in with JSON, tells a failure, and gets a token of who is signed in', async (t) => {
  const section = 'Sign-in, and what to show'
  const stage = await open(t, blockOf(section, 'html'), blockOf(section, 'ts'))
  const { page } = stage
  await answerSignIn(t, stage)
  await page.context().clearCookies()
  await page.reload()
  const status = page.getByRole('status')
  await status.getByText('You are signed out.').waitFor()
  await page.fill('input', 'wrong')
  await page.click('form button')
  await status.getByText('You could not be signed in.').waitFor()
  await page.fill('input', 'right')
  await page.click('form button')
  await status.getByText('Ready to call.').waitFor()
  t.equal(stage.app.statuses.at(-1), 200)
})
