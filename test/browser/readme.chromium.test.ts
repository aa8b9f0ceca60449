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

t.test('the quick start dials, is heard and hangs up', async (t) => {
  const stage = await open(t, blockOf('Quick start', 'html'), blockOf('Quick start', 'js'))
  await stage.page.click('#dial')
  await eventually(() => isHeard(stage))
  t.match(stage.calls(), [{ verdict: 'valid', status: 200 }])
  const printed = stage.page.waitForEvent('console', (message) => message.text() === 'Terminated')
  await stage.page.click('#hang-up')
  await printed
  t.equal(stage.app.served.length, 1)
})

t.test('the React component dials under StrictMode, and a rerender does not touch the call', async (t) => {
  const mounted = `
    import { StrictMode, useState } from 'react'
    import { createRoot } from 'react-dom/client'
    ${blockOf('React', 'tsx')}
    function App() {
      const [count, setCount] = useState(0)
      return <><Dialler /><button id="rerender" onClick={() => setCount(count + 1)}>{count}</button></>
    }
    createRoot(document.getElementById('root')!).render(<StrictMode><App /></StrictMode>)`
  const stage = await open(t, '<div id="root"></div>', mounted)
  const { page } = stage
  await page.getByText('Call', { exact: true }).click()
  await page.getByRole('status').getByText('connected').waitFor()
  await eventually(() => isHeard(stage))
  await page.click('#rerender')
  await page.click('#rerender')
  t.equal(await page.locator('#rerender').textContent(), '2')
  t.equal(await page.getByRole('status').textContent(), 'connected')
  t.equal(await isHeard(stage), true)
  await page.getByText('Hang up').click()
  await page.getByRole('status').getByText('Terminated').waitFor()
  t.match(stage.calls(), [{ verdict: 'valid', status: 200 }])
  t.equal(stage.calls().length, 1)
  t.equal(stage.app.served.length, 1)
})
