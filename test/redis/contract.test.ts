import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import { createClientPool } from 'redis'
import t from 'tap'
import { testTokenStore } from '../contract/token-store.js'
import { clients } from '../support/redis-clients.js'
import { RedisServer } from '../support/redis-server.js'

const server = await RedisServer.start(t)

for (const [name, connect] of Object.entries(clients)) {
  testTokenStore(`Redis by ${name}`, async (t) => redisTokenStore({ client: await connect(t, server.url) }))
}

testTokenStore('Redis by a pool of redis', async (t) => {
  const client = createClientPool({ url: server.url })
  await client.connect()
  t.teardown(() => client.destroy())
  return redisTokenStore({ client })
})

testTokenStore('Redis by sendCommand', async (t) => {
  const client = new Redis(server.url)
  t.teardown(() => client.disconnect())
  const sendCommand = (command: string, ...args: string[]) => client.call(command, ...args)
  return redisTokenStore({ sendCommand, prefix: 'app:tokens:' })
})
