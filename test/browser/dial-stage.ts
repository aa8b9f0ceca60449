import { fileURLToPath } from 'node:url'
import { type Emulator, startEmulator } from '@bandwidth-token/emulator'
import FakeTimers from '@sinonjs/fake-timers'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import type { Teardown } from '../support/teardown.js'
import { turns, VirtualClock } from '../support/virtual-clock.js'
import { type DialApp, startDialApp } from './dial-app.js'

declare const pageClock: FakeTimers.Clock

const { outputFiles } = await build({
  stdin: {
    contents: `export * from '@sinonjs/fake-timers'`,
    resolveDir: fileURLToPath(new URL('.', import.meta.url))
  },
  bundle: true,
  globalName: 'FakeTimers',
  external: ['util'],
  write: false,
  logLevel: 'silent'
})
/** Gives a page a clock that stands still until it is told to go on. */
const stopPageClock = (now: number) =>
  `${outputFiles[0]?.text}
  globalThis.pageClock = FakeTimers.install({
    now: ${now},
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval']
  })
  // The first of the events by which a page wakes up.
  document.addEventListener('resume', () => {
    pageClock.setSystemTime(Date.now() + Number(localStorage.getItem('sleptMs')))
    localStorage.removeItem('sleptMs')
  })`

/** An emulator, a server in front of it and a page of its, all of whose clocks stand still. */
export class DialStage {
  readonly emulator: Emulator
  readonly app: DialApp
  readonly page: Page
  readonly #clock: VirtualClock

  /** The emulator lives by `Date`; sockets and its own timers stay real. */
  static async open(t: Teardown, context: BrowserContext, allowedOrigins: string[] = []): Promise<DialStage> {
    const clock = new VirtualClock()
    const date = FakeTimers.install({ now: clock.now(), toFake: ['Date'] })
    t.teardown(() => date.uninstall())
    const emulator = await startEmulator()
    t.teardown(() => emulator.close())
    const app = await startDialApp(t, emulator, clock, allowedOrigins)
    clock.settle = async () => {
      date.setSystemTime(clock.now())
      await turns()
      await eventually(() => app.server.bandwidthToken.status().state !== 'refreshing')
    }
    const page = await context.newPage()
    t.teardown(() => page.close())
    page.setDefaultTimeout(10_000)
    await page.addInitScript(stopPageClock(clock.now()))
    await page.goto(`${app.origin}/sign-in`)
    return new DialStage(emulator, app, page, clock)
  }

  private constructor(emulator: Emulator, app: DialApp, page: Page, clock: VirtualClock) {
    this.emulator = emulator
    this.app = app
    this.page = page
    this.#clock = clock
  }

  /** What has been told in the page so far. */
  told(): Promise<readonly string[]> {
    return this.page.evaluate(() => dialPage.told)
  }

  /** How often the page has asked the route. */
  asked(): Promise<number> {
    return this.page.evaluate(() => dialPage.asked)
  }

  /** Waits until the page has been told that, so many times. */
  async toldOf(what: string, times = 1): Promise<void> {
    await eventually(async () => (await this.told()).filter((each) => each.startsWith(what)).length >= times)
  }

  /** Connects the page to the gateway. */
  async connect(): Promise<void> {
    await this.page.evaluate((gatewayUrl) => dialPage.connect(gatewayUrl), this.emulator.gatewayUrl)
    await this.toldOf('connected')
  }

  /** Dials, and waits until the call stands. Resolves to the id of the token that the gateway has seen last. */
  async dial(): Promise<string | undefined> {
    const confirmed = (await this.told()).filter((each) => each === 'callConfirmed').length
    const outcome = await this.page.evaluate(() => dialPage.call())
    if (outcome !== 'dialled') throw new Error(outcome)
    await this.toldOf('callConfirmed', confirmed + 1)
    return this.calls().at(-1)?.accessTokenId
  }

  /** The calls that have reached the gateway. */
  calls() {
    return this.emulator.received.filter(({ verdict }) => verdict !== undefined)
  }

  /** How many tokens the server has asked Bandwidth for. */
  upstream(): number {
    return this.emulator.received.filter(({ method }) => method === 'POST').length
  }

  /** Time passes for everybody, the server first by `stepMs`. */
  async advance(ms: number, stepMs = ms): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
      const step = Math.min(stepMs, leftMs)
      await this.sleep(step, 0)
      await this.page.evaluate(async (ms) => {
        for (let leftMs = ms; leftMs > 0; leftMs -= 1_000) {
          pageClock.tick(Math.min(1_000, leftMs))
          await dialPage.settled()
        }
      }, step)
    }
  }

  /** The page's timers and monotonic time stand still for so long, while the server's and the wall clocks go on. */
  async sleep(ms: number, pageWallMs = ms): Promise<void> {
    await this.#clock.advance(ms)
    await this.stepPageWall(pageWallMs)
  }

  /** So much wall time has passed for a page that cannot be reached now, as it finds out when it resumes. */
  async sleepInCache(ms: number): Promise<void> {
    await this.sleep(ms, 0)
    await this.page.evaluate((ms) => localStorage.setItem('sleptMs', `${ms}`), ms)
  }

  /** Lets time pass until the SDK has made its connection anew. */
  async reconnected(times = 2): Promise<void> {
    await this.toldOf('disconnected', times - 1)
    await eventually(async () => {
      await this.advance(1_000)
      return (await this.told()).filter((each) => each === 'connected').length >= times
    })
  }

  /** Somebody sets the clock of the page's machine. */
  async stepPageWall(ms: number): Promise<void> {
    if (ms !== 0) await this.page.evaluate((ms) => pageClock.setSystemTime(Date.now() + ms), ms)
  }
}

/** Polls until it is so; fails after ten seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`still not so after 10 s: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
