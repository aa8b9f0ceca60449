import { randomBytes } from 'node:crypto'
import type { TokenProvider, TokenProviderOptions, TokenStore } from '@bandwidth-token/core'
import type { Test } from 'tap'
import { type Answer, type Endpoint, grant, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'
import type { VirtualClock } from '../../support/virtual-clock.js'

/** What seals in all tests. */
export const KEY = randomBytes(32).toString('base64url')

export interface Fleet {
  readonly endpoint: Endpoint
  readonly store: TokenStore
  /** What every member has asked of the store. */
  readonly commands: string[]
  join(options?: TokenProviderOptions): TokenProvider
}

/** Members in one process, with one clock, one store and a real endpoint. */
export async function startFleet(t: Test, answer: Answer = grant()): Promise<Fleet> {
  const endpoint = await startEndpoint(t)
  // What is loaded for the first store of a process takes real time.
  const first = endpoint.provider(t, { store: memoryTokenStore(), storeKeys: [KEY] })
  await first.warmUp()
  await first.close()
  endpoint.requests.length = 0
  endpoint.answer = answer
  const memory = memoryTokenStore(() => endpoint.clock.monotonic())
  const commands: string[] = []
  const store = new Proxy(memory, {
    get:
      (target, name: keyof TokenStore) =>
      (...args: never[]) => {
        commands.push(name)
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  return {
    endpoint,
    store,
    commands,
    join: (options = {}) => endpoint.provider(t, { store, storeKeys: [KEY], ...options })
  }
}

/** The store with each command taking that long on its way there, and on the way back. */
export function slow(store: TokenStore, clock: VirtualClock, thereMs: number, backMs = 0): TokenStore {
  const take = (ms: number) => new Promise<void>((resolve) => clock.setTimeout(resolve, ms))
  return new Proxy(store, {
    get:
      (target, name: keyof TokenStore) =>
      async (...args: never[]) => {
        await take(thereMs)
        const answer = await (target[name] as (...args: never[]) => unknown)(...args)
        if (backMs > 0) await take(backMs)
        return answer
      }
  })
}

/** The different tokens that calls got. */
export const accessTokens = async (calls: Promise<{ accessToken: string }>[]) => [
  ...new Set((await Promise.all(calls)).map(({ accessToken }) => accessToken))
]
