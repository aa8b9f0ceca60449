import type { TokenStore } from '@bandwidth-token/core'
import { checkOptions, type OptionRule, optionInvalid } from '@bandwidth-token/core/adapter'
import { commandRunner, type RedisClient, type SendCommand, scriptRunner } from './client.js'
import { DELETE, LOCK, READ, WRITE } from './scripts.js'

/** The options of `redisTokenStore`: a client, or a function instead of one. */
export type RedisTokenStoreOptions = {
  /** The beginning of every key, without braces. Default: `'bandwidth-token:'`. */
  prefix?: string
} & (
  | {
      /** Your client, client pool or cluster of `ioredis`, `redis` or Valkey. You connect and close it. */
      client: RedisClient
      sendCommand?: never
    }
  | {
      /** Instead of a client: sends one command, as in `('GET', 'key')`, and resolves to the reply. */
      sendCommand: SendCommand
      client?: never
    }
)

const CLIENT = 'a client of ioredis, redis (node-redis) or Valkey; with any other, pass "sendCommand"'

const RULES: Readonly<Record<'client' | 'sendCommand' | 'prefix', OptionRule>> = {
  client: [(value) => scriptRunner(value) !== undefined, CLIENT],
  sendCommand: [
    (value) => typeof value === 'function',
    'a function (...command: string[]) => Promise that sends one command'
  ],
  prefix: [
    (value) => typeof value === 'string' && !/[{}]/.test(value),
    'a string without "{" and "}", which mark the part of a key that a cluster places it by'
  ]
}

/**
 * A store in your Redis or Valkey. It uses your client: for a single server, a pool or a cluster. It opens and closes
 * no connection.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown client, for both `client` and `sendCommand` or
 * neither, or for a prefix with a brace
 *
 * @example
 * const store = redisTokenStore({ client: new Redis('rediss://redis.example.com') })
 * const provider = new TokenProvider({ store, storeKeys: [process.env.STORE_KEY] })
 */
export function redisTokenStore(options: RedisTokenStoreOptions): TokenStore {
  const checked = checkOptions(options, RULES) as { prefix?: string; sendCommand?: SendCommand }
  const { prefix = 'bandwidth-token:' } = checked
  const run = runnerOf(checked)

  // The braces are a hash tag: a cluster keeps both keys on one node.
  const entryOf = (key: string) => `${prefix}{${key}}`
  const lockOf = (key: string) => `${prefix}{${key}}:lock`

  return {
    async get(key) {
      const reply = await run(READ, [entryOf(key)], [])
      if (reply === null || reply === undefined) return undefined
      if (!Array.isArray(reply) || reply.length !== 2) throw unexpected(reply)
      const ttlMs = Number(reply[1])
      // Below 0: the entry never expires, so this store did not write it.
      return ttlMs > 0 ? { entry: String(reply[0]), ttlMs } : undefined
    },
    async set(key, entry, ttlMs, owner) {
      const args = [entry, String(ttlMs)]
      if (owner !== undefined) args.push(owner)
      return isYes(await run(WRITE, [entryOf(key), lockOf(key)], args))
    },
    async delete(key, entry) {
      isYes(await run(DELETE, [entryOf(key)], [entry]))
    },
    async lock(key, owner, ttlMs) {
      return isYes(await run(LOCK, [lockOf(key)], [owner, String(ttlMs)]))
    },
    async unlock(key, owner) {
      isYes(await run(DELETE, [lockOf(key)], [owner]))
    }
  }
}

function runnerOf({ client, sendCommand }: { client?: unknown; sendCommand?: SendCommand }) {
  if (client !== undefined && sendCommand !== undefined) {
    throw optionInvalid('sendCommand', sendCommand, 'no value together with "client"')
  }
  const run = sendCommand === undefined ? scriptRunner(client) : commandRunner(sendCommand)
  if (run === undefined) throw optionInvalid('client', client, CLIENT)
  return run
}

/** Some clients can be configured to return numbers as strings, and strings as buffers. */
function isYes(reply: unknown): boolean {
  if (String(reply) !== '1' && String(reply) !== '0') throw unexpected(reply)
  return String(reply) === '1'
}

function unexpected(reply: unknown): Error {
  return new Error(
    `Redis answered a script with ${reply === null ? 'null' : `a value of type ${typeof reply}`}`
  )
}
