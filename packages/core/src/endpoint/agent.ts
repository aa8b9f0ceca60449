import { setMaxListeners } from 'node:events'
import { Agent } from 'undici'
import { optionInvalid } from '../errors.js'

/** The dispatcher of a provider that was given none: an undici `Agent` that the provider closes itself. */
export class DefaultAgent {
  readonly dispatcher: Agent
  readonly #ended = new AbortController()

  /** @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` if the runtime replaces undici by a shim that cannot send requests */
  constructor(connectTimeoutMs: number) {
    const { signal } = this.#ended
    // One listener per connection: without this, Node warns of a leak at the eleventh.
    setMaxListeners(0, signal)
    this.dispatcher = new Agent({ connect: { timeout: connectTimeoutMs, signal } })
    // Bun puts a class of its own in the place of undici's: its `Agent` has no methods.
    if (typeof this.dispatcher.request !== 'function') {
      throw optionInvalid(
        'dispatcher',
        undefined,
        'a dispatcher with a method request(), because the "undici" of this runtime has none; pass one that sends ' +
          'requests with fetch() (docs/bun.md)'
      )
    }
  }

  async destroy(): Promise<void> {
    const destroyed = this.dispatcher.destroy()
    // undici loses track of connections that are still being made. Each would hold the process open until its timeout.
    this.#ended.abort()
    await destroyed
  }
}
