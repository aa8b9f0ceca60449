import type { TokenStore } from '@bandwidth-token/core'
import {
  type RedisClient,
  type RedisTokenStoreOptions,
  redisTokenStore,
  type SendCommand
} from '@bandwidth-token/redis'

export function use(client: RedisClient, sendCommand: SendCommand): TokenStore[] {
  const options: RedisTokenStoreOptions = { client, prefix: 'app:' }
  // @ts-expect-error: neither of the two
  redisTokenStore({ prefix: 'app:' })
  // @ts-expect-error: both of the two
  redisTokenStore({ client, sendCommand })
  // @ts-expect-error: no client
  redisTokenStore({ client: new Map() })
  return [redisTokenStore(options), redisTokenStore({ sendCommand })]
}
