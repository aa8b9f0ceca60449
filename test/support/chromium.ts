import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import type { Teardown } from './teardown.js'

// scripts/ensure-chromium.sh looks for them too.
const usual = ['/usr/bin/chromium', '/usr/bin/google-chrome']

const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]
/** A fake microphone that beeps, and a fake user who allows the page to use it. */
const microphone = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/** A real Chromium that ends with the test. */
export async function launchChromium(t: Teardown): Promise<Browser> {
  const browser = await chromium.launch(launchOptions())
  t.teardown(() => browser.close())
  return browser
}

/** How long Chromium may take to let itself be controlled. Once in many starts it never does. */
const CONTROL_MS = 15_000
const MAX_LAUNCHES = 3

/**
 * A Chromium that moves tabs to the background, freezes them, and restores them from the back-forward cache. One that
 * Playwright launches does not do this.
 */
export async function launchOrdinaryChromium(t: Teardown): Promise<BrowserContext> {
  for (let launches = 1; ; launches++) {
    try {
      return await launchControllable(t)
    } catch (error) {
      if (launches === MAX_LAUNCHES) throw error
    }
  }
}

async function launchControllable(t: Teardown): Promise<BrowserContext> {
  const folder = await mkdtemp(join(tmpdir(), 'chromium-'))
  const { executablePath, args } = launchOptions()
  const child = spawn(
    executablePath,
    ['--headless', '--remote-debugging-port=0', `--user-data-dir=${folder}`, ...args],
    { stdio: ['ignore', 'ignore', 'pipe'] }
  )
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill()
    await exited
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const browser = await chromium.connectOverCDP(await addressOf(child.stderr), {
    noDefaults: true,
    timeout: CONTROL_MS
  })
  t.teardown(() => browser.close())
  return browser.contexts()[0] as BrowserContext
}

/** The address at which Chromium can be controlled, as it prints it. */
async function addressOf(output: Readable): Promise<string> {
  let text = ''
  for await (const chunk of output.setEncoding('utf8')) {
    text += chunk
    const [, address] = /DevTools listening on (ws:\S+)\s/.exec(text) ?? []
    if (address !== undefined) return address
  }
  throw new Error(`Chromium did not start: ${text}`)
}

function launchOptions() {
  // CI runs as root, for which Chromium has no sandbox.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return {
    executablePath: findChromium(),
    args: [...quiet, ...microphone, ...sandbox]
  }
}

function findChromium(): string {
  const path = process.env['CHROMIUM_PATH'] || usual.find((each) => existsSync(each))
  if (path !== undefined) return path
  throw new Error('there is no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH')
}
