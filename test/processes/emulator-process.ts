import type { EmulatorOptions, Fault, ReceivedRequest } from '@bandwidth-token/emulator'
import type { Teardown } from '../support/teardown.js'
import { Child, until } from './child.js'

const CLIENT = { clientId: 'client', clientSecret: 'secret' }

/** An emulator in a process of its own, which can be killed and started again on the same port. */
export class EmulatorProcess {
  readonly #options: EmulatorOptions
  tokenUrl = ''
  readonly #t: Teardown
  #child: Child | undefined
  #port = 0
  #origin = ''

  constructor(t: Teardown, options: EmulatorOptions = {}) {
    this.#t = t
    this.#options = { ...CLIENT, ...options }
  }

  /** What an app needs to know. */
  get credentials() {
    return { tokenUrl: this.tokenUrl, ...CLIENT }
  }

  async start(options: EmulatorOptions = {}): Promise<void> {
    await until(async () => {
      // Below what the system takes for connections: nobody comes by this port by chance while it is given up.
      const port = this.#port || 10_000 + Math.floor(Math.random() * 20_000)
      const child = new Child(this.#t, 'emulator', { ...this.#options, ...options, port })
      const report = await child.report<{ isTaken?: true; origin: string; tokenUrl: string }>()
      if (report.isTaken) return false
      this.#child = child
      this.#port = port
      this.#origin = report.origin
      this.tokenUrl = report.tokenUrl
      return true
    }, 'the emulator has its port')
  }

  async kill(): Promise<void> {
    await this.#child?.kill()
  }

  async script(faults: readonly Fault[]): Promise<void> {
    const response = await fetch(`${this.#origin}/_emulator/script`, {
      method: 'POST',
      body: JSON.stringify(faults)
    })
    if (!response.ok) throw new Error(await response.text())
  }

  async received(): Promise<readonly ReceivedRequest[]> {
    return (await (await fetch(`${this.#origin}/_emulator/received`)).json()) as ReceivedRequest[]
  }

  /** Waits until that many token requests have come in. */
  async untilReceived(count: number): Promise<void> {
    await until(async () => (await this.received()).length >= count, `request ${count} has come in`)
  }
}
