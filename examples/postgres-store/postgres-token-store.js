/** A `TokenStore` in PostgreSQL, for a fleet that has no Redis. */

/** Run this once, with your migrations. Losing the table is harmless, so it needs no write-ahead log. */
export const SCHEMA = `
  CREATE UNLOGGED TABLE IF NOT EXISTS bandwidth_token (
    key text COLLATE "C" PRIMARY KEY,
    value text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
  )`

const GET = `
  SELECT value AS entry, 1000 * extract(epoch FROM expires_at - clock_timestamp())::float8 AS "ttlMs"
  FROM bandwidth_token WHERE key = $1 AND expires_at > clock_timestamp()`

const SET = `
  INSERT INTO bandwidth_token VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms')
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`

// FOR UPDATE: no other member takes or releases the lock before the entry is written.
const SET_AS_OWNER = `
  WITH held AS (
    SELECT FROM bandwidth_token WHERE key = $4 AND value = $5 AND expires_at > clock_timestamp() FOR UPDATE
  )
  INSERT INTO bandwidth_token SELECT $1, $2, clock_timestamp() + $3 * interval '1 ms' FROM held
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`

const LOCK = `${SET}
  WHERE bandwidth_token.value = excluded.value OR bandwidth_token.expires_at <= clock_timestamp()`

const DELETE = 'DELETE FROM bandwidth_token WHERE key = $1 AND value = $2'

/**
 * @param {import('pg').Pool} pool your pool; the store never ends it
 * @returns {import('@bandwidth-token/core').TokenStore}
 */
export function postgresTokenStore(pool) {
  const lockOf = (/** @type {string} */ key) => `${key}:lock`
  return {
    async get(key) {
      const { rows } = await pool.query(GET, [key])
      return rows[0]
    },
    async set(key, entry, ttlMs, owner) {
      const { rowCount } = await (owner === undefined
        ? pool.query(SET, [key, entry, ttlMs])
        : pool.query(SET_AS_OWNER, [key, entry, ttlMs, lockOf(key), owner]))
      return rowCount === 1
    },
    async delete(key, entry) {
      await pool.query(DELETE, [key, entry])
    },
    async lock(key, owner, ttlMs) {
      const { rowCount } = await pool.query(LOCK, [lockOf(key), owner, ttlMs])
      return rowCount === 1
    },
    async unlock(key, owner) {
      await pool.query(DELETE, [lockOf(key), owner])
    }
  }
}
