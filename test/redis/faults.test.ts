import type { TokenStore } from '@bandwidth-token/core'
import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { newKey, promises } from '../contract/token-store.js'
import { until } from '../processes/child.js'
import { freePort } from '../support/free-port.js'
import { clients } from '../support/redis-clients.js'
import { RedisServer } from '../support/redis-server.js'

const LONG_MS = 60_000

/** A server, a client that may do anything there, and a store. */
async function stage(t: Test, settings: readonly string[] = []) {
  const server = await RedisServer.start(t, settings)
  const admin = new Redis(server.url).on('error', () => {})
  t.teardown(() => admin.disconnect())
  await admin.ping()
  return { server, admin, store: redisTokenStore({ client: admin }), key: newKey() }
}

t.test('while Redis has no memory left, writing is refused and reading goes on', async (t) => {
  const { admin, store, key } = await stage(t, ['--maxmemory-policy', 'noeviction'])
  await store.set(key, 'entry', LONG_MS)
  await store.lock(key, 'alice', LONG_MS)
  await admin.config('SET', 'maxmemory', '1')
  await t.rejects(store.set(key, 'new', LONG_MS), /OOM/)
  await t.rejects(store.set(key, 'new', LONG_MS, 'alice'), /OOM/)
  await t.rejects(store.lock(key, 'alice', LONG_MS), /OOM/)
  t.equal((await store.get(key))?.entry, 'entry')
  await store.unlock(key, 'alice')
  await store.delete(key, 'entry')
  t.equal(await admin.dbsize(), 0, 'deleting goes on, too')
  await admin.config('SET', 'maxmemory', '0')
  t.equal(await store.lock(key, 'bob', LONG_MS), true)
})

t.test('a replica that may only be read refuses every write', async (t) => {
  const { server, store, key } = await stage(t, ['--repl-diskless-sync-delay', '0'])
  await store.set(key, 'entry', LONG_MS)
  await store.lock(key, 'alice', LONG_MS)
  const replica = await stage(t, ['--replicaof', `127.0.0.1 ${server.port}`])
  await until(async () => (await replica.admin.dbsize()) === 2, 'the replica has both')
  await t.rejects(replica.store.set(key, 'new', LONG_MS), /READONLY/)
  await t.rejects(replica.store.set(key, 'new', LONG_MS, 'alice'), /READONLY/)
  await t.rejects(replica.store.lock(key, 'alice', LONG_MS), /READONLY/)
  await t.rejects(replica.store.unlock(key, 'alice'), /READONLY/)
  await t.rejects(replica.store.delete(key, 'entry'), /READONLY/)
  t.equal(await replica.store.lock(key, 'bob', LONG_MS), false)
  t.equal((await replica.store.get(key))?.entry, 'entry')
})

t.test('with a wrong password every command is refused', async (t) => {
  const { url } = await RedisServer.start(t, ['--requirepass', 'Cr00k$h@nk$'])
  const client = new Redis(url.replace('//', '//:wrong@')).on('error', () => {})
  t.teardown(() => client.disconnect())
  const store = redisTokenStore({ client })
  const key = newKey()
  await t.rejects(store.get(key), /WRONGPASS|NOAUTH/)
  await t.rejects(store.lock(key, 'alice', LONG_MS), /WRONGPASS|NOAUTH/)
})

t.test('an evicted entry is none, and an evicted lock is free', async (t) => {
  const { admin, store, key } = await stage(t, ['--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-lru'])
  await store.lock(key, 'alice', LONG_MS)
  await store.set(key, 'entry', LONG_MS, 'alice')
  for (let number = 0; number < 200; number++) await admin.set(`filler:${number}`, 'x'.repeat(100_000))
  t.equal(await store.get(key), undefined)
  t.equal(await store.set(key, 'stale', LONG_MS, 'alice'), false, 'alice has lost it')
  t.equal(await store.lock(key, 'bob', LONG_MS), true)
})

t.test('what something else wrote under the keys is no entry and no answer', async (t) => {
  const { admin, store, key } = await stage(t)
  await admin.set(`bandwidth-token:{${key}}`, 'without an end')
  t.equal(await store.get(key), undefined)
  await admin.del(`bandwidth-token:{${key}}`)
  await admin.lpush(`bandwidth-token:{${key}}`, 'a list')
  t.equal(await store.get(key), undefined)
  await store.delete(key, 'a list')
  t.equal(await admin.llen(`bandwidth-token:{${key}}`), 1, 'what is not its own is left alone')
  await store.set(key, 'entry', LONG_MS)
  t.equal((await store.get(key))?.entry, 'entry', 'and is replaced')
})

t.test('what something else wrote under the key of a lock locks nobody out', async (t) => {
  const { admin, store, key } = await stage(t)
  await admin.lpush(`bandwidth-token:{${key}}:lock`, 'a list')
  t.equal(await store.set(key, 'entry', LONG_MS, 'alice'), false)
  await store.unlock(key, 'alice')
  t.equal(await store.lock(key, 'alice', LONG_MS), true)
  await admin.set(`bandwidth-token:{${key}}:lock`, 'without an end')
  t.equal(await store.lock(key, 'bob', LONG_MS), true)
  t.equal(await store.lock(key, 'alice', LONG_MS), false)
  await admin.set(`bandwidth-token:{${key}}:lock`, 'for a day', 'PX', 86_400_000)
  t.equal(await store.lock(key, 'carol', 3_000), true)
  await admin.set(`bandwidth-token:{${key}}:lock`, 'as a member may', 'PX', 5_000)
  t.equal(await store.lock(key, 'carol', 3_000), false)
})

t.test('a server that carries a command out too late writes nothing', async (t) => {
  const { server, store, key } = await stage(t)
  t.equal(await store.lock(key, 'alice', 200), true)
  const startMs = performance.now()
  server.freeze()
  const late = store.set(key, 'stale', LONG_MS, 'alice')
  await until(() => performance.now() - startMs > 210, 'the time of the lock is up')
  server.thaw()
  t.equal(await late, false)
  t.equal(await store.get(key), undefined)
})

// valkey-glide tries to reach the server itself before it answers.
const { 'valkey-glide': _, ...queueing } = clients

for (const [name, connect] of Object.entries(clients)) {
  t.test(`${name} misses no script after SCRIPT FLUSH`, async (t) => {
    const { server, admin } = await stage(t)
    const store = redisTokenStore({ client: await connect(t, server.url) })
    const run = async () => {
      for (const promise of [
        'deletes an entry only if it is still that one',
        'releases a lock only for its owner'
      ])
        await promises[promise]?.({ store, other: store, key: newKey() })
    }
    await run()
    await admin.script('FLUSH')
    await t.resolves(run())
  })
}

for (const [name, connect] of Object.entries(queueing)) {
  t.test(`${name} queues nothing while the server is down, and goes on when it is back`, async (t) => {
    const { server } = await stage(t)
    const key = newKey()
    const store = redisTokenStore({ client: await connect(t, server.url) })
    t.equal(await store.lock(key, 'alice', LONG_MS), true)
    await server.kill()
    await until(() => refuses(store, key), 'the client knows')
    await t.rejects(store.lock(key, 'alice', LONG_MS), /not connected/)
    await t.rejects(store.set(key, 'stale', LONG_MS), /not connected/)
    const { port, settings } = server
    const admin = new Redis((await RedisServer.start(t, settings, port)).url)
    t.teardown(() => admin.disconnect())
    await until(
      () =>
        store.get(key).then(
          () => true,
          () => false
        ),
      'the client is back'
    )
    t.equal(await admin.dbsize(), 0, 'nothing was written late')
    t.equal(await store.set(key, 'stale', LONG_MS, 'alice'), false, 'the lock is lost')
    t.equal(await store.lock(key, 'bob', LONG_MS), true)
  })

  t.test(`${name} writes nothing late that was in flight when the server was killed`, async (t) => {
    const { server } = await stage(t)
    const key = newKey()
    const store = redisTokenStore({ client: await connect(t, server.url) })
    await store.lock(key, 'alice', LONG_MS)
    server.freeze()
    const inFlight = store.set(key, 'stale', LONG_MS, 'alice').catch(() => false)
    await server.restart(t)
    t.equal(await inFlight, false)
    await until(
      () =>
        store.get(key).then(
          () => true,
          () => false
        ),
      'the client is back'
    )
    t.equal(await store.get(key), undefined)
  })
}

t.test('a command before the first connection waits for it', async (t) => {
  const port = await freePort()
  const client = new Redis({ port, host: '127.0.0.1' }).on('error', () => {})
  t.teardown(() => client.disconnect())
  const answer = redisTokenStore({ client }).lock(newKey(), 'alice', LONG_MS)
  await RedisServer.start(t, [], port)
  t.equal(await answer, true)
})

t.test('not more than 1,000 commands wait for a first connection that does not come', async (t) => {
  const client = createClient({ url: `redis://127.0.0.1:${await freePort()}` }).on('error', () => {})
  const connection = client.connect().catch(() => {})
  const store = redisTokenStore({ client })
  const waiting = Array.from({ length: 1_000 }, () =>
    store.get('key').then(
      () => 'answered',
      () => 'refused'
    )
  )
  t.equal(await Promise.race([...waiting, 'waiting']), 'waiting')
  await t.rejects(store.get('key'), /not connected/)
  client.destroy()
  await Promise.all([connection, ...waiting])
})

t.test('each call is one round trip', async (t) => {
  const { admin, store, key } = await stage(t)
  const calls: (() => Promise<unknown>)[] = [
    () => store.lock(key, 'alice', LONG_MS),
    () => store.set(key, 'entry', LONG_MS, 'alice'),
    () => store.get(key),
    () => store.unlock(key, 'alice'),
    () => store.delete(key, 'entry')
  ]
  const monitor = admin.duplicate()
  t.teardown(() => monitor.disconnect())
  const commands: string[] = []
  const watched = await monitor.monitor()
  t.teardown(() => watched.disconnect())
  watched.on('monitor', (_time: string, [command]: string[], source: string) => {
    if (source !== 'lua' && command !== undefined) commands.push(command.toUpperCase())
  })
  for (const call of calls) await call()
  await admin.echo('end')
  await until(() => commands.includes('ECHO'), 'all was seen')
  t.strictSame(commands, [...calls.map(() => 'EVAL'), 'ECHO'])
})

/** Whether a command is refused, rather than in flight for as long as the server is down. */
function refuses(store: TokenStore, key: string): Promise<boolean> {
  const refusal = store.get(key).then(
    () => false,
    (error: Error) => /not connected/.test(error.message)
  )
  return Promise.race([refusal, new Promise<boolean>((resolve) => setTimeout(resolve, 50, false))])
}
