import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { type Endpoint, startEndpoint } from '../support/endpoint.js'
import { RedisServer } from '../support/redis-server.js'
import { until } from './child.js'
import { Told } from './told.js'

interface MemberReport {
  /** The different tokens, and when each was first handed out. */
  readonly seen: readonly (readonly [accessToken: string, atMs: number])[]
  readonly errors: readonly string[]
}

/** Real processes with a connection each to a real Redis, and an endpoint in the process of the test. */
export class ProcessFleet {
  readonly #t: Test
  readonly #options: object
  readonly #storeKeys = [randomBytes(32).toString('base64')]

  private constructor(
    t: Test,
    readonly endpoint: Endpoint,
    readonly server: RedisServer,
    readonly admin: Redis,
    options: object
  ) {
    this.#t = t
    this.#options = options
  }

  /** `options` of the members' providers, besides what they need to be a fleet. */
  static async start(t: Test, options: object = {}): Promise<ProcessFleet> {
    const server = await RedisServer.start(t)
    const admin = new Redis(server.url).on('error', () => {})
    t.teardown(() => admin.disconnect())
    return new ProcessFleet(t, await startEndpoint(t), server, admin, options)
  }

  /** New processes, once they have connected. */
  async join(count: number, endpoint: { readonly tokenUrl: string } = this.endpoint): Promise<Told[]> {
    const members = Array.from(
      { length: count },
      () =>
        new Told(this.#t, 'fleet-member', {
          ...this.#options,
          clientId: 'client',
          clientSecret: 'secret',
          tokenUrl: endpoint.tokenUrl,
          storeKeys: this.#storeKeys,
          redisUrl: this.server.url
        })
    )
    await Promise.all(members.map((member) => member.report()))
    return members
  }

  async untilRequest(count: number): Promise<void> {
    await until(() => this.endpoint.count >= count, `request ${count} has come in`)
  }

  /** How many commands the members have sent. */
  async commands(): Promise<number> {
    const [, calls] = /cmdstat_eval:calls=(\d+)/.exec(await this.admin.info('commandstats')) ?? []
    return Number(calls ?? 0)
  }
}

/** Tells all of them at once. Returns the different answers. */
export async function tellAll(members: readonly Told[], command: string): Promise<string[]> {
  return [...new Set(await Promise.all(members.map((member) => member.tell<string>(command))))]
}

/** The codes of all errors that their callers saw. */
export async function errorsOf(members: readonly Told[]): Promise<string[]> {
  const reports = await Promise.all(members.map((member) => member.tell<MemberReport>('report')))
  return reports.flatMap(({ errors }) => errors)
}

export async function untilAllAgree(members: readonly Told[]): Promise<void> {
  await until(async () => (await tellAll(members, 'get')).length === 1, 'all have the same token')
}
