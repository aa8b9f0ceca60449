/// <reference lib="dom" />
import { fileURLToPath } from 'node:url'
import { type Emulator, type Fault, startEmulator } from '@bandwidth-token/emulator'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Test } from 'tap'
import { until } from '../processes/child.js'
import { spawnNode } from '../support/node.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What the page's script below has seen; nothing of it is the dial pad's own. */
declare const seen: {
  violations: string[]
  tones: string
  microphone: MediaStreamTrack | undefined
}

/** Runs before the page: remembers what its sources show nowhere. */
function watch(): void {
  const found: typeof seen = { violations: [], tones: '', microphone: undefined }
  Object.assign(globalThis, { seen: found })
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
    found.violations.push(`${effectiveDirective} ${blockedURI}`)
  })
  const { getUserMedia } = MediaDevices.prototype
  MediaDevices.prototype.getUserMedia = async function (constraints) {
    const stream = await getUserMedia.call(this, constraints)
    found.microphone = stream.getAudioTracks()[0]
    return stream
  }
  const { insertDTMF } = RTCDTMFSender.prototype
  RTCDTMFSender.prototype.insertDTMF = function (...args) {
    this.ontonechange = ({ tone }) => {
      found.tones += tone
    }
    insertDTMF.apply(this, args)
  }
}

/** The Fastify example, started as its users start it, with an emulator in the place of Bandwidth. */
export interface Example {
  readonly emulator: Emulator
  readonly url: string
  readonly password: string
}

/** `faults` meet what the example asks for from the start. */
export async function startExample(t: Test, faults: Fault[] = []): Promise<Example> {
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  emulator.script(faults)
  const child = spawnNode(['examples/fastify/server.js'], {
    cwd: root,
    env: {
      PORT: '0',
      BW_TOKEN_URL: emulator.tokenUrl,
      BW_GATEWAY_URL: emulator.gatewayUrl,
      BW_CLIENT_ID: emulator.clientId,
      BW_CLIENT_SECRET: emulator.clientSecret
    },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  let printed = ''
  child.stdout?.on('data', (chunk) => {
    printed += chunk
  })
  await until(() => /^curl .*\n/m.test(printed), 'the example has printed its address')
  const [, password = ''] = /password=(\S+)/.exec(printed) ?? []
  const [url = ''] = /http:\/\/[\d.:]+/.exec(printed) ?? []
  return { emulator, url, password }
}

/** The dial pad in a page, as a person sees it. */
export class DialPad {
  readonly page: Page
  readonly example: Example
  readonly password
  readonly number
  readonly state
  readonly session
  /** How often it asked the token route. */
  tokenRequests = 0
  /** Everything that it told the outside by other ways than the bodies of its answers. */
  readonly #told: string[] = []
  readonly #tokens: Promise<string>[] = []
  readonly #errors: string[] = []
  readonly #start: number

  constructor(page: Page, example: Example) {
    this.page = page
    this.example = example
    this.#start = example.emulator.received.length
    this.password = page.getByLabel('Password')
    this.number = page.getByLabel('Number to call')
    this.state = page.locator('#state')
    this.session = page.locator('#session')
    page.on('console', (message) => this.#told.push(message.text()))
    page.on('pageerror', (error) => this.#errors.push(String(error)))
    page.on('websocket', (socket) => this.#told.push(socket.url()))
    page.on('request', (request) => {
      this.#told.push(request.url(), request.postData() ?? '')
      if (new URL(request.url()).pathname === '/bandwidth/token') this.tokenRequests++
    })
    page.on('response', (response) => {
      if (!response.url().includes('/bandwidth/token') || !response.ok()) return
      this.#tokens.push(response.json().then(({ access_token }) => access_token))
    })
  }

  button(name: string) {
    return this.page.getByRole('button', { name, exact: true })
  }

  async signIn(password = this.example.password): Promise<void> {
    await this.password.fill(password)
    await this.button('Sign in').click()
  }

  /** Waits until the status line says so. */
  async says(text: string | RegExp): Promise<void> {
    await this.page.getByRole('status').filter({ hasText: text, visible: true }).waitFor()
  }

  async call(number = '+1 (555) 123-4567'): Promise<void> {
    await this.number.fill(number)
    await this.button('Call').click()
  }

  async connect(): Promise<void> {
    await this.call()
    await this.says(/^Connected$/)
  }

  focused(): Promise<string | null | undefined> {
    return this.page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id)
  }

  tones(): Promise<string> {
    return this.page.evaluate(() => seen.tones)
  }

  microphone(): Promise<{ enabled?: boolean; readyState?: string }> {
    return this.page.evaluate(() => ({
      enabled: seen.microphone?.enabled ?? false,
      readyState: seen.microphone?.readyState ?? 'none'
    }))
  }

  /** The calls that have come to the gateway since the page was opened. */
  get calls() {
    return this.example.emulator.received.slice(this.#start).filter(({ verdict }) => verdict !== undefined)
  }

  /** The picture of a call in the README. */
  async picture(file: string): Promise<void> {
    await this.page.locator('#time').filter({ hasText: '0:07' }).waitFor()
    await this.page.mouse.move(0, 0)
    // Without the shadow, whose many shades make up half of the file.
    await this.page.evaluate(() => document.querySelector('main')?.style.setProperty('box-shadow', 'none'))
    const card = await this.page.locator('main').boundingBox()
    const { x, y, width, height } = card ?? { x: 0, y: 0, width: 0, height: 0 }
    const clip = { x: x - 24, y: y - 24, width: width + 48, height: height + 48 }
    await this.page.screenshot({ path: `${root}${file}`, clip })
  }

  /** What must hold of every page: no violation of its policy, no error, and no token lies around. */
  async check(t: Test): Promise<void> {
    t.strictSame(await this.page.evaluate(() => seen.violations), [], 'no violation of the policy')
    t.strictSame(this.#errors, [], 'no uncaught error')
    t.strictSame(
      this.#told.filter((text) => /content security policy/i.test(text)),
      []
    )
    const kept = await this.page.evaluate(async () => ({
      localStorage: { ...localStorage },
      sessionStorage: { ...sessionStorage },
      databases: await indexedDB.databases(),
      caches: await caches.keys(),
      name: window.name,
      history: JSON.stringify(history.state),
      address: location.href,
      html: document.documentElement.outerHTML,
      fields: [...document.querySelectorAll('input')].map(({ value }) => value)
    }))
    t.strictSame([kept.databases, kept.caches], [[], []], 'no database, no cache')
    const cookies = await this.page.context().cookies()
    const everything = JSON.stringify([kept, cookies, this.#told])
    for (const token of new Set(await Promise.all(this.#tokens))) {
      t.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/)
      t.notOk(everything.includes(token), 'no token lies around')
    }
  }
}

export async function openDialPad(
  t: Test,
  browser: Browser,
  example: Example,
  options: BrowserContextOptions = {},
  prepare: (page: Page) => Promise<unknown> = async () => {}
): Promise<DialPad> {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  await context.addInitScript(watch)
  const page = await context.newPage()
  await prepare(page)
  const pad = new DialPad(page, example)
  await page.goto(example.url)
  return pad
}
