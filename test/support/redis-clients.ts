import type { RedisClient } from '@bandwidth-token/redis'
import { GlideClient } from '@valkey/valkey-glide'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { Redis as Valkey } from 'iovalkey'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import type { Teardown } from './teardown.js'

export type Connect = (t: Teardown, url: string) => Promise<RedisClient>

/** Connects each of the supported clients as an app does. Their connections are closed with the test. */
export const clients: Readonly<Record<string, Connect>> = {
  ioredis: async (t, url) => endsWith(t, new Redis(url)),
  'ioredis 5': async (t, url) => endsWith(t, new Redis5(url)),
  iovalkey: async (t, url) => endsWith(t, new Valkey(url)),
  async redis(t, url) {
    const client = createClient({ url }).on('error', () => {})
    t.teardown(() => client.destroy())
    return client.connect()
  },
  async 'redis 5'(t, url) {
    const client = createClient5({ url }).on('error', () => {})
    t.teardown(() => client.destroy())
    return client.connect()
  },
  async 'valkey-glide'(t, url) {
    const { hostname: host, port } = new URL(url)
    const client = await GlideClient.createClient({ addresses: [{ host, port: Number(port) }] })
    t.teardown(() => client.close())
    return client
  }
}

interface Ioredis {
  on(event: 'error', listener: () => void): unknown
  disconnect(): void
}

function endsWith<Client extends Ioredis>(t: Teardown, client: Client): Client {
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}
