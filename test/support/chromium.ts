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
/** A microphone that beeps, and a person who lets the page have it. */
const microphone = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/** A real Chromium that ends with the test. */
export async function launchChromium(t: Teardown): Promise<Browser> {
  const browser = await chromium.launch(launchOptions())
  t.teardown(() => browser.close())
  return browser
}

/**
 * A Chromium as people have it, whose tabs go to the background, are frozen, and come out of the back-forward cache:
 * Playwright keeps those that it has launched from it.
 */
export async function launchOrdinaryChromium(t: Teardown): Promise<BrowserContext> {
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
  const browser = await chromium.connectOverCDP(await addressOf(child.stderr), { noDefaults: true })
  t.teardown(() => browser.close())
  return browser.contexts()[0] as BrowserContext
}

/** Where Chromium says that it can be driven. */
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
  // Chromium has no sandbox for root, as whom CI runs.
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
