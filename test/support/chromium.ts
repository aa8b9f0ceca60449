import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const usual = ['/usr/bin/chromium', '/usr/bin/google-chrome']

const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]
/** A microphone that beeps, and a person who lets the page have it. */
const microphone = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/** A real Chromium that ends with the test. */
export async function launchChromium(t: { teardown(fn: () => unknown): void }): Promise<Browser> {
  // Chromium has no sandbox for root, as whom CI runs.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...quiet, ...microphone, ...sandbox]
  })
  t.teardown(() => browser.close())
  return browser
}

function findChromium(): string {
  const { CHROMIUM_PATH } = process.env
  if (CHROMIUM_PATH !== undefined) return CHROMIUM_PATH
  const path = usual.find((each) => existsSync(each))
  if (path !== undefined) return path
  throw new Error('there is no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH')
}
