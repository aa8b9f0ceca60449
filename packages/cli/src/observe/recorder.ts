import type { TokenDispatcher } from '@bandwidth-token/core'

type Request = TokenDispatcher['request']

/** An answer of the token endpoint, as far as the core does not report it. */
export interface Exchange {
  /** The times at which the request was sent and the headers arrived, by the wall clock of this machine. */
  readonly sentAtMs: number
  readonly receivedAtMs: number
  /** The header `Date`. `undefined` if it is missing or malformed. */
  readonly dateMs: number | undefined
}

/** A dispatcher that records what passes through it. The core sends its requests by it. */
export class Recorder implements TokenDispatcher {
  readonly exchanges: Exchange[] = []
  /** The URL to which the requests went. `undefined` if there was none. */
  url: string | undefined
  /** The status with which a proxy refused to open a tunnel. */
  proxyStatus: number | undefined
  readonly #inner: TokenDispatcher

  constructor(inner: TokenDispatcher) {
    this.#inner = inner
  }

  request: Request = async (options) => {
    this.url = options.origin + options.path
    const sentAtMs = Date.now()
    try {
      const response = await this.#inner.request(options)
      const dateMs = Date.parse(String(response.headers['date']))
      this.exchanges.push({
        sentAtMs,
        receivedAtMs: Date.now(),
        dateMs: Number.isNaN(dateMs) ? undefined : dateMs
      })
      return response
    } catch (error) {
      // undici has no code for it, and the core shows no message of another library.
      const [, status] = /^Proxy response \((\d{3})\)/.exec(error instanceof Error ? error.message : '') ?? []
      if (status !== undefined) this.proxyStatus = Number(status)
      throw error
    }
  }
}
