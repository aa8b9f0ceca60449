export type { GlideClient, IoredisClient, NodeRedisClient, RedisClient, SendCommand } from './client.js'
export { type RedisTokenStoreOptions, redisTokenStore } from './redis-token-store.js'
