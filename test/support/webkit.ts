import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from '../processes/child.js'
import { freePort } from './free-port.js'
import type { Teardown } from './teardown.js'

/** A page in WebKitGTK, the engine of Safari, by WebDriver (https://www.w3.org/TR/webdriver2/). */
export class WebKitPage {
  readonly #session: string

  private constructor(session: string) {
    this.#session = session
  }

  /** Starts a browser that ends with the test. It shows its window on a screen that nobody sees. */
  static async open(t: Teardown): Promise<WebKitPage> {
    const port = await freePort()
    const driver = spawn('xvfb-run', ['-a', 'WebKitWebDriver', `--port=${port}`], {
      stdio: 'ignore',
      detached: true
    })
    const exited = once(driver, 'exit')
    t.teardown(async () => {
      // The driver and the screen are children of `xvfb-run`, in its group.
      if (driver.pid !== undefined) process.kill(-driver.pid, 'SIGTERM')
      await exited
    })
    const address = `http://127.0.0.1:${port}`
    await until(
      () =>
        fetch(`${address}/status`).then(
          ({ ok }) => ok,
          () => false
        ),
      'the driver listens'
    )
    const browserOptions = { binary: miniBrowser(), args: ['--automation'] }
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': browserOptions } }
    const { sessionId } = await command<{ sessionId: string }>(`${address}/session`, { capabilities })
    const page = new WebKitPage(`${address}/session/${sessionId}`)
    t.teardown(() => command(page.#session, undefined, 'DELETE'))
    return page
  }

  async goto(url: string): Promise<void> {
    await command(`${this.#session}/url`, { url })
  }

  /** Runs a function in the page. What it needs from here it must be given. */
  evaluate<Given extends unknown[], Result>(
    fn: (...given: Given) => Result | Promise<Result>,
    ...given: Given
  ): Promise<Result> {
    // WebDriver awaits a promise that the script returns.
    const script = `return (${fn})(...arguments)`
    return command<Result>(`${this.#session}/execute/sync`, { script, args: given })
  }
}

/** Sends a command, and returns its value. */
async function command<Value>(url: string, body?: object, method = 'POST'): Promise<Value> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(url, { method, ...sent })
  const { value } = (await response.json()) as { value: Value & { error?: string; message?: string } }
  if (!response.ok) throw new Error(`${value.error}: ${value.message}`)
  return value
}

/** The small browser of the engine's own package. Its folder depends on the machine. */
function miniBrowser(): string {
  const files = execFileSync('dpkg', ['-L', 'libwebkit2gtk-4.1-0'], { encoding: 'utf8' })
  return files.split('\n').find((file) => file.endsWith('/MiniBrowser')) ?? 'MiniBrowser'
}
