import { readFile } from 'node:fs/promises'
import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import t from 'tap'
import { newKey, testTokenStore } from '../contract/token-store.js'
import { clients } from '../support/redis-clients.js'
import { RedisServer } from '../support/redis-server.js'

const readme = await readFile(new URL('../../../packages/redis/README.md', import.meta.url), 'utf8')
const [line = ''] = /^ACL SETUSER .*$/m.exec(readme) ?? []
const rules = line.split(' ').slice(3)
const commands = rules.filter((rule) => rule.startsWith('+'))

const server = await RedisServer.start(t)
const admin = new Redis(server.url)
t.teardown(() => admin.disconnect())
await setUser('bandwidth-token', rules)

function setUser(name: string, rules: readonly string[]): Promise<unknown> {
  return admin.call('ACL', 'SETUSER', name, ...rules)
}

/** The address by which this user connects. */
function urlOf(user: string): string {
  return server.url.replace('//', `//${user}:change-me@`)
}

for (const [name, connect] of Object.entries(clients)) {
  testTokenStore(`Redis by ${name}, as the user of the README`, async (t) =>
    redisTokenStore({ client: await connect(t, urlOf('bandwidth-token')) })
  )
}

t.test('the user of the README does nothing that is not permitted', async (t) => {
  const log = (await admin.call('ACL', 'LOG')) as unknown[][]
  const refused = log.map((entry) => entry[entry.indexOf('object') + 1])
  // How clients say what they are, from Redis 7.2 on. They do not mind.
  t.strictSame(
    refused.filter((what) => what !== 'client|setinfo'),
    []
  )
})

t.test('the user of the README may do nothing else', async (t) => {
  const client = new Redis(urlOf('bandwidth-token'))
  t.teardown(() => client.disconnect())
  for (const command of [
    ['KEYS', '*'],
    ['SCAN', '0'],
    ['FLUSHALL'],
    ['CONFIG', 'GET', '*'],
    ['ACL', 'LIST']
  ]) {
    const [name = '', ...args] = command
    await t.rejects(client.call(name, ...args), /NOPERM/, name)
  }
  const elsewhere = redisTokenStore({ client, prefix: 'sessions:' })
  await t.rejects(elsewhere.get('key'), /NOPERM/, 'another prefix')
  await t.rejects(elsewhere.set('key', 'entry', 1), /NOPERM/, 'another prefix')
})

t.test('the user of the README needs all that is permitted', async (t) => {
  t.ok(commands.length >= 6)
  for (const command of commands.filter((command) => command !== '+info')) {
    const name = `without-${command.slice(1)}`
    await setUser(
      name,
      rules.filter((rule) => rule !== command)
    )
    const client = new Redis(urlOf(name))
    t.teardown(() => client.disconnect())
    const store = redisTokenStore({ client })
    const key = newKey()
    await t.rejects(
      async () => {
        await store.lock(key, 'alice', 1_000)
        await store.set(key, 'entry', 1_000, 'alice')
        await store.get(key)
        await store.delete(key, 'entry')
      },
      /NOPERM|can't run this command/,
      name
    )
  }
})
