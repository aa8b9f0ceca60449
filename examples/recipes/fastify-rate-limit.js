import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyRateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { isSignedIn, userOf } from './your-app.js'

export const app = Fastify()

await app.register(fastifyRateLimit, {
  global: false,
  keyGenerator: (request) => userOf(request) ?? request.ip
})
await app.register(fastifyBandwidthToken, {
  authorize: isSignedIn,
  routeOptions: { config: { rateLimit: { max: 10, timeWindow: '1 minute' } } }
})
