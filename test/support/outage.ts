import { Readable } from 'node:stream'
import {
  type Logger,
  type TokenDispatcher,
  TokenProvider,
  type TokenProviderOptions
} from '@bandwidth-token/core'
import type { Teardown } from './teardown.js'
import { turns, VirtualClock } from './virtual-clock.js'

/** What an endpoint in memory answers: a status, or the code of a network error. */
export type MemoryAnswer = number | string

/** A provider on virtual time with an endpoint in memory, for hours that have to pass in seconds. */
export class Outage {
  readonly clock = new VirtualClock()
  readonly provider: TokenProvider
  answer: () => MemoryAnswer = () => 200
  requests = 0
  /** How many calls were refused. */
  refused = 0

  constructor(
    t: Teardown,
    logger: Logger,
    { hasFunction = false, ...options }: { hasFunction?: boolean } & Partial<TokenProviderOptions> = {}
  ) {
    this.clock.settle = () => turns(2)
    const dispatcher: TokenDispatcher = { request: async () => this.#respond() }
    this.provider = new TokenProvider({
      ...(hasFunction
        ? { credentials: (account: string) => ({ clientId: `client-${account}`, clientSecret: 'secret' }) }
        : { clientId: 'client', clientSecret: 'secret' }),
      tokenUrl: 'https://id.example/token',
      clock: this.clock,
      dispatcher,
      logger,
      ...options
    } as TokenProviderOptions)
    t.teardown(() => this.provider.close())
  }

  /** Lets time pass in `steps` of `stepMs`, with `calls` in each, by the accounts in turn. */
  async pass(
    steps: number,
    stepMs: number,
    calls: number,
    accounts: readonly string[] = ['']
  ): Promise<void> {
    let call = 0
    for (let step = 0; step < steps; step++) {
      const pending = Array.from({ length: calls }, () => {
        const account = accounts[call++ % accounts.length] as string
        return this.provider.getToken({ account }).catch(() => {
          this.refused++
        })
      })
      await this.clock.advance(stepMs)
      await Promise.all(pending)
    }
  }

  #respond(): Awaited<ReturnType<TokenDispatcher['request']>> {
    this.requests++
    const answer = this.answer()
    if (typeof answer === 'string') throw Object.assign(new Error('no connection'), { code: answer })
    const body =
      answer === 200
        ? { access_token: `token-${this.requests}`, expires_in: 600 }
        : { error: answer === 401 ? 'invalid_client' : 'x' }
    return { statusCode: answer, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(body))]) }
  }
}
