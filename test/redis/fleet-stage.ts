import { randomBytes } from 'node:crypto'
import type { TokenProvider, TokenProviderOptions, TokenStore } from '@bandwidth-token/core'
import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { until } from '../processes/child.js'
import { type Endpoint, grant, startEndpoint } from '../support/endpoint.js'
import { recordingLogger } from '../support/recording-logger.js'
import { type Connect, clients } from '../support/redis-clients.js'
import { RedisServer } from '../support/redis-server.js'
import { turns } from '../support/virtual-clock.js'

export const KEY = randomBytes(32).toString('base64url')

/** A token with less left is refreshed. */
const SOFT_MS = 30_000
const STEP_MS = 5_000

/** What a caller gives up at most for the store. */
export const COMMAND_MS = 250
export const ACQUISITION_MS = 500

/** The clients that most apps have. */
export const commonClients = Object.entries(clients).filter(
  ([name]) => name === 'ioredis' || name === 'redis'
)

export interface Member {
  readonly provider: TokenProvider
  /** Its store, for commands of the test's own. */
  readonly store: TokenStore
  readonly logger: ReturnType<typeof recordingLogger>
}

/**
 * Real providers with a connection each to a real redis-server. Only the providers' clock is virtual: Redis answers in
 * no time of theirs, or not at all.
 */
export class RedisFleet {
  readonly #t: Test
  readonly #connect: Connect
  #inFlight = 0
  /** Whether virtual time stands still until Redis has answered. */
  #isAnswering = true

  private constructor(
    t: Test,
    connect: Connect,
    public server: RedisServer,
    /** A client that may do anything. */
    public admin: Redis,
    readonly endpoint: Endpoint
  ) {
    this.#t = t
    this.#connect = connect
    const { clock } = endpoint
    const { settle } = clock
    clock.settle = async () => {
      for (;;) {
        await settle.call(clock)
        if (!this.#isAnswering || this.#inFlight === 0) return
        while (this.#isAnswering && this.#inFlight > 0) await turns(1)
      }
    }
  }

  static async start(t: Test, connect: Connect, settings: readonly string[] = []): Promise<RedisFleet> {
    const server = await RedisServer.start(t, settings)
    const admin = new Redis(server.url).on('error', () => {})
    t.teardown(() => admin.disconnect())
    const fleet = new RedisFleet(t, connect, server, admin, await startEndpoint(t))
    // What is loaded for the first store of a process takes real time.
    const first = await fleet.join()
    await first.provider.warmUp()
    await first.provider.close()
    await admin.flushall()
    fleet.endpoint.requests.length = 0
    fleet.endpoint.answer = grant()
    return fleet
  }

  /** A member with a client of its own, which has connected to `url` if anybody answers there. */
  async join({
    url = this.server.url,
    ...options
  }: TokenProviderOptions & { url?: string } = {}): Promise<Member> {
    const store = redisTokenStore({ client: await this.#connect(this.#t, url) })
    if (url === this.server.url && this.#isAnswering) await store.get('nothing')
    return this.joinWith(store, options)
  }

  joinWith(store: TokenStore, options: TokenProviderOptions = {}): Member {
    const logger = recordingLogger()
    const counted = new Proxy(store, {
      get:
        (target, name: keyof TokenStore) =>
        async (...args: never[]) => {
          this.#inFlight++
          try {
            return await (target[name] as (...args: never[]) => unknown)(...args)
          } finally {
            this.#inFlight--
          }
        }
    })
    const provider = this.endpoint.provider(this.#t, { store: counted, storeKeys: [KEY], logger, ...options })
    return { provider, store, logger }
  }

  async members(count: number): Promise<Member[]> {
    return Promise.all(Array.from({ length: count }, () => this.join()))
  }

  /** Time goes on whatever Redis does. */
  expectSilence(): void {
    this.#isAnswering = false
  }

  freeze(): void {
    this.expectSilence()
    this.server.freeze()
  }

  async thaw(): Promise<void> {
    this.server.thaw()
    this.#isAnswering = true
    await this.admin.ping()
    await this.endpoint.clock.settle()
  }

  async kill(): Promise<void> {
    this.expectSilence()
    await this.server.kill()
  }

  /** Starts an empty server in its place, and waits until these members have connected to it. */
  async restart(members: readonly Member[]): Promise<void> {
    this.server = await this.server.restart(this.#t)
    for (const { store } of members) await until(() => answers(store), 'the client is back')
    await until(() => this.admin.status === 'ready', 'the admin is back')
    this.#isAnswering = true
  }

  /** The key of the entry of one account, as Redis has it. */
  async entryKey(): Promise<string> {
    const keys = (await this.admin.keys('bandwidth-token:*')).filter((key) => !key.endsWith(':lock'))
    if (keys.length !== 1) throw new Error(`${keys.length} entries`)
    return keys[0] as string
  }
}

/** Whether a command is answered at all. */
export function answers(store: TokenStore): Promise<boolean> {
  return store.get('nothing').then(
    () => true,
    () => false
  )
}

/** Whether a client refuses commands, for it knows that it is disconnected. */
export async function untilItKnows({ store }: Member): Promise<void> {
  await until(async () => {
    const refused = store.get('nothing').then(
      () => false,
      () => true
    )
    return Promise.race([refused, turns(20).then(() => false)])
  }, 'the client knows that it is disconnected')
}

/** Calls all members until each has another token than before. Returns how many requests that took. */
export async function requestsForNextToken(
  { endpoint }: RedisFleet,
  members: readonly Member[]
): Promise<number> {
  const before = endpoint.count
  const old = members.map(({ provider }) => provider.peek())
  const leftMs = old.flatMap((token) => (token === undefined ? [] : token.expiresIn * 1_000))
  if (leftMs.length > 0) await endpoint.clock.advance(Math.min(...leftMs) - SOFT_MS - STEP_MS)
  for (let step = 0; step < 20; step++) {
    const calls = members.map(({ provider }) => provider.getToken())
    await endpoint.clock.advance(STEP_MS)
    const tokens = await Promise.all(calls)
    if (tokens.every((token, index) => token.accessToken !== old[index]?.accessToken)) {
      return endpoint.count - before
    }
  }
  throw new Error('Some members have kept their tokens.')
}
