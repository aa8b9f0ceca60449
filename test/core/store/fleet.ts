import { randomBytes } from 'node:crypto'
import type { TokenProvider, TokenProviderOptions, TokenStore } from '@bandwidth-token/core'
import type { Test } from 'tap'
import { type Answer, type Endpoint, grant, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'

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

/** The different tokens that calls got. */
export const accessTokens = async (calls: Promise<{ accessToken: string }>[]) => [
  ...new Set((await Promise.all(calls)).map(({ accessToken }) => accessToken))
]
