import { fileURLToPath } from 'node:url'
import fastifyBandwidthToken from '@bandwidth-token/fastify'
import { redisTokenStore } from '@bandwidth-token/redis'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import { Redis } from 'ioredis'

const { HOST = '', PORT = '', MEMBER = '', REDIS_URL = '', BANDWIDTH_STORE_KEYS = '' } = process.env

// Its errors come up again as a warning of the provider, which carries on without Redis.
const client = new Redis(REDIS_URL).on('error', () => {})

// The turns are those of connections, so each request gets one of its own.
const app = Fastify({ logger: { level: 'warn' }, maxRequestsPerSocket: 1 })

// The lines this example is about. No page gets a token here, so there is no route.
await app.register(fastifyBandwidthToken, {
  path: false,
  store: redisTokenStore({ client }),
  storeKeys: BANDWIDTH_STORE_KEYS.split(',')
})

// What a page may know of a token: its id and its times.
app.get('/member', async (request, reply) => {
  const { accessTokenId, issuedAt, expiresIn } = await request.bandwidthToken()
  reply.header('Cache-Control', 'no-store')
  return {
    member: Number(MEMBER),
    process: process.pid,
    tokenId: accessTokenId,
    age: Math.floor((Date.now() - issuedAt.getTime()) / 1000),
    left: expiresIn
  }
})

await app.register(fastifyStatic, {
  root: fileURLToPath(new URL('public', import.meta.url)),
  setHeaders: (response) =>
    response.setHeader(
      'Content-Security-Policy',
      "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
})

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)

try {
  await app.listen({ host: HOST, port: Number(PORT) })
} catch (error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
  process.send?.(code === 'EADDRINUSE' ? `Port ${PORT} is taken. Choose another: PORT=3001` : message)
}

async function stop() {
  await app.close()
  client.disconnect()
  if (process.connected) process.disconnect()
}
