import { readFile } from 'node:fs/promises'
import type { TokenStore } from '@bandwidth-token/core'
import { type RedisClient, redisTokenStore } from '@bandwidth-token/redis'
import { GlideClusterClient } from '@valkey/valkey-glide'
import { Cluster } from 'ioredis'
import { Cluster as Cluster5 } from 'ioredis5'
import { Cluster as ValkeyCluster } from 'iovalkey'
import { createCluster } from 'redis'
import { createCluster as createCluster5 } from 'redis5'
import t, { type Test } from 'tap'
import { newKey, testTokenStore } from '../contract/token-store.js'
import { until } from '../processes/child.js'
import {
  addReplica,
  failure,
  type Node,
  nodeOf,
  startRedisCluster,
  wellness
} from '../support/redis-cluster.js'

const LONG_MS = 60_000

const readme = await readFile(new URL('../../../packages/redis/README.md', import.meta.url), 'utf8')
const [line = ''] = /^ACL SETUSER .*$/m.exec(readme) ?? []
const [, onCluster = ''] = /On a cluster, add\s+`([^`]*)`/.exec(readme) ?? []
const rules = [...line.split(' ').slice(3), ...onCluster.split(' ')]

const nodes = await startRedisCluster(t)
for (const { admin } of nodes) await admin.call('ACL', 'SETUSER', 'bandwidth-token', ...rules)

const username = 'bandwidth-token'
const password = 'change-me'
const addresses = nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port }))
const urls = nodes.map(({ server }) => ({ url: server.url }))

/** How an app connects to a cluster with each of the clients, as the user of the README. */
const clients: Readonly<Record<string, (t: Pick<Test, 'teardown'>) => Promise<RedisClient>>> = {
  async ioredis(t) {
    const client = new Cluster(addresses, { redisOptions: { username, password } }).on('error', () => {})
    t.teardown(() => client.disconnect())
    return client
  },
  async 'ioredis 5'(t) {
    const client = new Cluster5(addresses, { redisOptions: { username, password } }).on('error', () => {})
    t.teardown(() => client.disconnect())
    return client
  },
  async iovalkey(t) {
    const client = new ValkeyCluster(addresses, { redisOptions: { username, password } })
    client.on('error', () => {})
    t.teardown(() => client.disconnect())
    return client
  },
  async redis(t) {
    const client = createCluster({ rootNodes: urls, defaults: { username, password } }).on('error', () => {})
    await client.connect()
    t.teardown(() => client.destroy())
    return client
  },
  async 'redis 5'(t) {
    const client = createCluster5({ rootNodes: urls, defaults: { username, password } }).on('error', () => {})
    await client.connect()
    t.teardown(() => client.destroy())
    return client
  },
  async 'valkey-glide'(t) {
    const client = await GlideClusterClient.createClient({
      addresses,
      credentials: { username, password },
      // While a slot moves, a command is sent again and again, which can take longer than the usual 250 ms.
      requestTimeout: 5_000
    })
    t.teardown(() => client.close())
    return client
  }
}

for (const [name, connect] of Object.entries(clients)) {
  testTokenStore(`a cluster by ${name}`, async (t) => redisTokenStore({ client: await connect(t) }))
}

for (const [name, connect] of Object.entries(clients)) {
  t.test(`${name} follows a slot that moves while it is in use`, async (t) => {
    const store = redisTokenStore({ client: await connect(t) })
    const key = newKey()
    await store.set(key, 'entry', LONG_MS)
    const traffic = new Traffic(store, key)
    await until(() => traffic.rounds > 5, 'there is traffic')
    const wereTold = await redirections()
    await moveSlot(`bandwidth-token:{${key}}`)
    const movedAt = traffic.rounds
    await until(() => traffic.rounds > movedAt + 5, 'the traffic goes on')
    t.strictSame(await traffic.end(), [])
    t.ok((await redirections()) > wereTold, 'the client was sent to the other node')
    t.equal(await store.lock(key, 'bob', LONG_MS), true)
    t.not(await store.set(key, 'by bob', LONG_MS, 'bob'), false)
    t.equal((await store.get(key))?.entry, 'by bob')
  })
}

t.test('the user of the README does nothing on a cluster that is not permitted', async (t) => {
  for (const { admin } of nodes) {
    const log = (await admin.call('ACL', 'LOG')) as unknown[][]
    t.strictSame(
      log.map((entry) => entry[entry.indexOf('object') + 1]).filter((what) => what !== 'client|setinfo'),
      []
    )
  }
})

t.test('a node that dies', async (all) => {
  const stores = await Promise.all(
    Object.entries(clients).map(async ([name, connect]) => ({
      name,
      store: redisTokenStore({ client: await connect(all) })
    }))
  )
  const [doomed, ...others] = nodes
  const key = await keyOn(doomed)
  const elsewhere = await keyOn(others[0])
  for (const { store } of stores) {
    await store.set(key, 'entry', LONG_MS)
    await store.set(elsewhere, 'entry', LONG_MS)
  }

  all.test('takes only its own keys with it, and gives them back when it is restarted', async (t) => {
    await doomed.server.kill()
    for (const { name, store } of stores) {
      t.equal((await store.get(elsewhere))?.entry, 'entry', `${name}: the keys of another node`)
      t.not(await within(250, store.get(key)), 'answered', `${name}: the keys of the dead one`)
    }
    await failure(others)
    doomed.server = await doomed.server.restart(all)
    await wellness(nodes)
    await doomed.admin.call('ACL', 'SETUSER', username, ...rules)
    for (const { name, store } of stores) await t.resolves(worksAgain(store, await keyOn(doomed)), name)
  })

  all.test('is replaced by its replica', async (t) => {
    const [, , last] = nodes
    const replica = await addReplica(t, last)
    const key = await keyOn(last)
    for (const { store } of stores) await store.set(key, 'entry', LONG_MS)
    await last.admin.wait(1, 5_000)
    const admin = last.admin.duplicate({ port: replica.port }).on('error', () => {})
    t.teardown(() => admin.disconnect())
    await admin.call('ACL', 'SETUSER', username, ...rules)
    await last.server.kill()
    // redis 5 waits for the dead node, which says where to go once it is back.
    const hasToWait = ({ name }: { name: string }) => name === 'redis 5'
    for (const each of stores) {
      if (!hasToWait(each)) await t.resolves(worksAgain(each.store, key), each.name)
    }
    t.match(await admin.info('replication'), /role:master/)
    await last.server.restart(all)
    await last.admin.call('ACL', 'SETUSER', username, ...rules)
    for (const { name, store } of stores.filter(hasToWait)) await t.resolves(worksAgain(store, key), name)
  })
})

/** A member of a fleet that fetches again and again. It notes what a store must never do. */
class Traffic {
  rounds = 0
  readonly #faults: unknown[] = []
  #hasEnded = false
  readonly #running: Promise<void>

  constructor(store: TokenStore, key: string) {
    this.#running = this.#run(store, key)
  }

  async end(): Promise<unknown[]> {
    this.#hasEnded = true
    await this.#running
    return this.#faults
  }

  async #run(store: TokenStore, key: string): Promise<void> {
    for (let number = 0; !this.#hasEnded; number++) {
      try {
        const owner = `owner-${number}`
        if (!(await store.lock(key, owner, LONG_MS))) this.#faults.push('a released lock is not free')
        if ((await store.set(key, owner, LONG_MS, owner)) === false) this.#faults.push('a lock was lost')
        if ((await store.get(key))?.entry !== owner) this.#faults.push('an entry was lost')
        await store.unlock(key, owner)
      } catch (error) {
        // The slot is on its way: one of its keys is here, the other one there.
        if (!/TRYAGAIN|TryAgain/.test(String(error))) this.#faults.push(error)
        await until(
          () =>
            store.unlock(key, `owner-${number}`).then(
              () => true,
              () => false
            ),
          'it is released'
        )
      }
      this.rounds++
    }
  }
}

/** Moves the slot of a key to another node, as `redis-cli --cluster reshard` does. */
async function moveSlot(key: string): Promise<void> {
  const source = await nodeOf(nodes, key)
  const target = nodes[(nodes.indexOf(source) + 1) % nodes.length] as Node
  const slot = Number(await source.admin.cluster('KEYSLOT', key))
  await target.admin.cluster('SETSLOT', slot, 'IMPORTING', source.id)
  await source.admin.cluster('SETSLOT', slot, 'MIGRATING', target.id)
  for (;;) {
    // One at a time, so that a pair of keys is torn apart for a moment.
    const [next] = (await source.admin.cluster('GETKEYSINSLOT', slot, 1)) as string[]
    if (next === undefined) break
    await source.admin.migrate('127.0.0.1', target.server.port, next, 0, 5_000)
    await source.admin.ping()
  }
  for (const { admin } of [target, source, ...nodes]) await admin.cluster('SETSLOT', slot, 'NODE', target.id)
}

/** How often the nodes have sent a client elsewhere. */
async function redirections(): Promise<number> {
  const counts = await Promise.all(
    nodes.map(async ({ admin }) => {
      const stats = await admin.info('errorstats')
      return [...stats.matchAll(/errorstat_(?:MOVED|ASK):count=(\d+)/g)].map(([, count]) => Number(count))
    })
  )
  return counts.flat().reduce((sum, count) => sum + count, 0)
}

/** A key that nobody has used and that this node has. */
async function keyOn(node: Node): Promise<string> {
  for (;;) {
    const key = newKey()
    if ((await nodeOf(nodes, `bandwidth-token:{${key}}`)) === node) return key
  }
}

/** What becomes of a call within the time that the provider gives it. */
async function within(limitMs: number, call: Promise<unknown>): Promise<string> {
  const outcome = call.then(
    () => 'answered',
    () => 'refused'
  )
  return Promise.race([outcome, new Promise<string>((resolve) => setTimeout(resolve, limitMs, 'pending'))])
}

async function worksAgain(store: TokenStore, key: string): Promise<void> {
  await until(async () => (await within(250, store.set(key, 'entry', LONG_MS))) === 'answered', 'it answers')
}
