import type { TokenStore } from '@bandwidth-token/core'
import pg from 'pg'
import t from 'tap'
import { newKey, testTokenStore } from '../contract/token-store.js'
import { until } from '../processes/child.js'
import { startPostgres } from '../support/postgres-server.js'
import type { Teardown } from '../support/teardown.js'

interface Example {
  readonly SCHEMA: string
  postgresTokenStore(pool: pg.Pool): TokenStore
}

const example = new URL('../../../examples/postgres-store/postgres-token-store.js', import.meta.url)
const { SCHEMA, postgresTokenStore } = (await import(example.href)) as Example

const server = await startPostgres(t)
const pool = connect(t)
await pool.query(SCHEMA)

function connect(t: Teardown): pg.Pool {
  const pool = new pg.Pool({ ...server, max: 20 })
  t.teardown(() => pool.end())
  return pool
}

testTokenStore('PostgreSQL', (t) => postgresTokenStore(connect(t)))

t.test('the schema may be run again', async (t) => {
  const store = postgresTokenStore(pool)
  const key = newKey()
  await store.set(key, 'entry', 60_000)
  await pool.query(SCHEMA)
  t.equal((await store.get(key))?.entry, 'entry')
})

t.test('nobody takes over the lock in the middle of a write of its owner', async (t) => {
  const store = postgresTokenStore(pool)
  const key = newKey()
  const order: string[] = []
  await store.set(key, 'entry', 60_000)
  await store.lock(key, 'alice', 60_000)

  const holdUp = await pool.connect()
  await holdUp.query('BEGIN')
  await holdUp.query('SELECT FROM bandwidth_token WHERE key = $1 FOR UPDATE', [key])
  const written = store.set(key, 'by alice', 60_000, 'alice').then(() => order.push('written'))
  await until(async () => (await waiting()) === 1, 'the write waits')
  const takenOver = (async () => {
    await store.unlock(key, 'alice')
    await store.lock(key, 'bob', 60_000)
    order.push('taken over')
    await store.set(key, 'by bob', 60_000, 'bob')
  })()
  await until(async () => (await waiting()) === 2, 'and so does who takes over')
  await holdUp.query('COMMIT')
  holdUp.release()

  await Promise.all([written, takenOver])
  t.strictSame(order, ['written', 'taken over'])
  t.equal((await store.get(key))?.entry, 'by bob')
})

/** How many statements wait for a row that another one has locked. */
async function waiting(): Promise<number> {
  const { rowCount } = await pool.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
  return rowCount ?? 0
}

t.test('a store whose table is gone rejects', async (t) => {
  await pool.query('DROP TABLE bandwidth_token')
  const store = postgresTokenStore(pool)
  await t.rejects(store.get('key'), /bandwidth_token/)
  await t.rejects(store.lock('key', 'alice', 1_000), /bandwidth_token/)
})
