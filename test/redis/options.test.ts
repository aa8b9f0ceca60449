import { inspect } from 'node:util'
import { type RedisTokenStoreOptions, redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t from 'tap'

const sendCommand = async () => null
const idle = () => new Redis({ lazyConnect: true })

/** What the error for these options is. */
function refusal(options: unknown): Error {
  try {
    redisTokenStore(options as RedisTokenStoreOptions)
  } catch (error) {
    return error as Error
  }
  throw new Error('They were taken.')
}

const refused: Readonly<Record<string, readonly [options: unknown, message: RegExp]>> = {
  'no options': [undefined, /"client": expected a client of ioredis, redis .* "sendCommand"; got undefined/],
  'neither client nor sendCommand': [{}, /"client": expected a client of ioredis.* got undefined/],
  'options that are no object': ['redis://', /"options": expected an object; got a string/],
  'an address for a client': [{ client: 'redis://127.0.0.1' }, /"client": expected .*; got a string/],
  'null for a client': [{ client: null }, /"client": expected .*; got null/],
  'a client of something else': [{ client: new Map() }, /"client": expected .*; got an object/],
  'a class for a client': [{ client: Redis }, /"client": expected .*; got a function/],
  'a function for a client': [{ client: sendCommand }, /"client": expected .*; got a function/],
  'a command for sendCommand': [
    { sendCommand: 'GET' },
    /"sendCommand": expected a function .*; got a string/
  ],
  'client and sendCommand': [
    { client: idle(), sendCommand },
    /"sendCommand": expected no value together with "client"/
  ],
  'a prefix with a brace': [
    { sendCommand, prefix: 'app{1' },
    /"prefix": expected a string without "\{" and "\}"/
  ],
  'a prefix with a closing brace': [{ sendCommand, prefix: 'app}' }, /"prefix": expected a string without/],
  'a prefix that is no string': [{ sendCommand, prefix: 1 }, /"prefix": expected a string .*; got a number/],
  'a misspelt option': [{ sendCommand, prefx: 'app' }, /"prefx": expected the spelling "prefix"/],
  'a client that is inherited': [Object.create({ client: idle() }), /"client": expected .*; got undefined/]
}

for (const [what, [options, message]] of Object.entries(refused)) {
  t.test(`${what} is refused at construction`, async (t) => {
    t.match(refusal(options), {
      name: 'BandwidthTokenError',
      code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
      statusCode: 500,
      status: 500,
      message
    })
  })
}

t.test('the types refuse what start-up refuses', async () => {
  // @ts-expect-error neither client nor sendCommand
  ;() => redisTokenStore({})
  // @ts-expect-error both
  ;() => redisTokenStore({ client: idle(), sendCommand })
  // @ts-expect-error no client
  ;() => redisTokenStore({ client: new Map() })
  // @ts-expect-error an unknown option
  ;() => redisTokenStore({ sendCommand, prefx: '' })
})

t.test('construction sends nothing and connects nothing', async (t) => {
  const ioredis = idle()
  const nodeRedis = createClient()
  redisTokenStore({ client: ioredis })
  redisTokenStore({ client: nodeRedis })
  redisTokenStore({ sendCommand: () => t.fail('sent a command') as never })
  t.equal(ioredis.status, 'wait')
  t.notOk(nodeRedis.isOpen)
})

t.test('the options are left as they were, and later changes to them have no effect', async (t) => {
  const options = Object.freeze({ sendCommand, prefix: 'app:' })
  redisTokenStore(options)
  const commands: string[][] = []
  const given = { sendCommand: async (...command: string[]) => void commands.push(command), prefix: 'app:' }
  const store = redisTokenStore(given)
  given.prefix = 'other:'
  await store.get('key')
  t.match(commands, [['EVAL', /GET/, '1', 'app:{key}']])
})

t.test('nothing of the client can be read in a store', async (t) => {
  const client = new Redis({ lazyConnect: true, password: 'Cr00k$h@nk$' })
  const store = redisTokenStore({ client })
  t.notMatch(inspect(store, { depth: Infinity, showHidden: true, getters: true }), 'Cr00k')
  t.equal(JSON.stringify(store), '{}')
})

t.test('both keys have one hash tag and the prefix', async (t) => {
  const keys = new Set<string>()
  const store = redisTokenStore({
    async sendCommand(_command, _script, count, ...rest) {
      for (const key of rest.slice(0, Number(count))) keys.add(key)
      return 1
    }
  })
  await store.set('key', 'entry', 1, 'owner')
  await store.lock('key', 'owner', 1)
  await store.unlock('key', 'owner')
  await store.delete('key', 'entry')
  t.strictSame([...keys], ['bandwidth-token:{key}', 'bandwidth-token:{key}:lock'])
})

t.test('a reply that no script gives is an error, not an answer', async (t) => {
  for (const reply of ['OK', 'QUEUED', 2, [1, 2, 3], { entry: 'entry', ttlMs: 1 }, true]) {
    const store = redisTokenStore({ sendCommand: async () => reply })
    const calls: Promise<unknown>[] = [
      store.get('key'),
      store.set('key', 'entry', 1),
      store.delete('key', 'entry'),
      store.lock('key', 'owner', 1),
      store.unlock('key', 'owner')
    ]
    for (const call of calls) await t.rejects(call, /Redis answered a script with/)
  }
  for (const reply of [undefined, null]) {
    const silent = redisTokenStore({ sendCommand: async () => reply })
    await t.rejects(silent.lock('key', 'owner', 1), { message: new RegExp(`${reply}$`) })
  }
})

t.test('what a client throws or rejects with is a rejection', async (t) => {
  const error = new Error('of the client')
  const throwing = redisTokenStore({
    sendCommand() {
      throw error
    }
  })
  await t.rejects(throwing.get('key'), error)
  await t.rejects(redisTokenStore({ sendCommand: async () => Promise.reject(error) }).get('key'), error)
})
