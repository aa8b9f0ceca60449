import { setMaxListeners } from 'node:events'
import {
  createTokenSource,
  type TokenSource,
  type TokenSourceEvent,
  type TokenSourceOptions
} from '@bandwidth-token/browser'
import FakeTimers from '@sinonjs/fake-timers'
import { type Answer, type Endpoint, grant, startEndpoint } from '../support/endpoint.js'
import type { Teardown } from '../support/teardown.js'
import { turns } from '../support/virtual-clock.js'

const globals = globalThis as { document?: unknown; window?: unknown }

/** A page: its globals, and a clock that stands still until it is told to go on. Sockets stay real. */
export class Page {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  readonly window = new EventTarget()
  readonly clock = FakeTimers.install({
    now: Date.parse('2026-11-24T12:00:00Z'),
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'],
    shouldClearNativeTimers: true
  })
  /** Waited for at every step of time. */
  settle: () => Promise<void> = () => turns(4)

  constructor(t: Teardown) {
    setMaxListeners(0, this.document, this.window)
    globals.document = this.document
    globals.window = this.window
    t.teardown(() => {
      this.clock.uninstall()
      delete globals.document
      delete globals.window
    })
  }

  /** Milliseconds since the page was opened. */
  get nowMs(): number {
    return performance.now()
  }

  async advance(ms: number, stepMs = 125): Promise<void> {
    await this.settle()
    for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
      this.clock.tick(Math.min(stepMs, leftMs))
      await this.settle()
    }
  }

  /** Somebody sets the clock on the wall, or the machine sleeps while timers and monotonic time stand still. */
  stepWall(ms: number): void {
    this.clock.setSystemTime(Date.now() + ms)
  }

  hide(): void {
    this.document.visibilityState = 'hidden'
    this.document.dispatchEvent(new Event('visibilitychange'))
  }

  show(): void {
    this.document.visibilityState = 'visible'
    this.document.dispatchEvent(new Event('visibilitychange'))
  }

  dispatch(type: 'online' | 'pageshow'): void {
    this.window.dispatchEvent(new Event(type))
  }
}

/** A page, the route of its server, and a token source between them that remembers what it told. */
export interface Stage {
  readonly page: Page
  readonly route: Endpoint
  readonly source: TokenSource
  readonly events: TokenSourceEvent[]
  /** The instants at which requests arrived, by the page's clock. */
  readonly instants: number[]
  /** From now on answers wait for `release()`. */
  hold(): void
  release(): Promise<void>
}

export async function stage(
  t: Teardown,
  answer: Answer = grant(),
  options: TokenSourceOptions = {}
): Promise<Stage> {
  const route = await startEndpoint(t, answer)
  const page = new Page(t)
  const instants: number[] = []
  let held: (() => void)[] | undefined
  let open = 0
  const counted: NonNullable<TokenSourceOptions['fetch']> = async (url, init) => {
    open++
    try {
      return await fetch(url, init)
    } finally {
      open--
    }
  }
  // What the route is told to answer, with a note of when it was asked, and a gate.
  let gated = answer
  Object.defineProperty(route, 'answer', {
    get: () => gated,
    set(next: Answer) {
      gated = async (exchange) => {
        instants.push(page.nowMs)
        if (held) await new Promise<void>((resolve) => held?.push(resolve))
        await next(exchange)
      }
    }
  })
  route.answer = answer
  page.settle = async () => {
    await turns(6)
    // An answer that is on its way is waited for; one that is held or hangs is not.
    for (let turn = 0; turn < 500 && open > 0 && !held; turn++) await turns(1)
    await turns(6)
  }
  const source = createTokenSource({ url: route.tokenUrl, fetch: counted, ...options })
  t.teardown(() => source.close())
  const events: TokenSourceEvent[] = []
  source.subscribe((event) => events.push(event))
  return {
    page,
    route,
    source,
    events,
    instants,
    hold() {
      held = []
    },
    async release() {
      for (const go of held ?? []) go()
      held = undefined
      await page.settle()
    }
  }
}
