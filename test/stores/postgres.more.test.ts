import type { TokenStore } from '@bandwidth-token/core'
import pg from 'pg'
import t from 'tap'
import { newKey, testTokenStore } from '../contract/token-store.js'
import { startPostgres } from '../support/postgres-server.js'

interface Example {
  readonly SCHEMA: string
  postgresTokenStore(pool: pg.Pool): TokenStore
}

const example = new URL('../../../examples/postgres-store/postgres-token-store.js', import.meta.url)
const { SCHEMA, postgresTokenStore } = (await import(example.href)) as Example

const server = await startPostgres(t)
const pool = connect(t)
await pool.query(SCHEMA)

function connect(t: { teardown(fn: () => unknown): void }): pg.Pool {
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

t.test('a store whose table is gone rejects', async (t) => {
  await pool.query('DROP TABLE bandwidth_token')
  const store = postgresTokenStore(pool)
  await t.rejects(store.get('key'), /bandwidth_token/)
  await t.rejects(store.lock('key', 'alice', 1_000), /bandwidth_token/)
})
