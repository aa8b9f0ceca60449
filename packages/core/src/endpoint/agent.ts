import { setMaxListeners } from 'node:events'
import { Agent } from 'undici'

/** The dispatcher of a provider that was given none. */
export class OwnAgent {
  readonly dispatcher: Agent
  readonly #ended = new AbortController()

  constructor(connectTimeoutMs: number) {
    const { signal } = this.#ended
    // Each connection listens to it: their number is no leak.
    setMaxListeners(0, signal)
    this.dispatcher = new Agent({ connect: { timeout: connectTimeoutMs, signal } })
  }

  async destroy(): Promise<void> {
    const destroyed = this.dispatcher.destroy()
    // undici forgets the connections that are still being made; each would hold the process open until its timeout.
    this.#ended.abort()
    await destroyed
  }
}
