import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyHelmet from '@fastify/helmet'
import Fastify from 'fastify'
import { isSignedIn } from './your-app.js'

export const app = Fastify()

await app.register(fastifyHelmet, {
  contentSecurityPolicy: {
    directives: { connectSrc: ["'self'", 'wss://sbc.webrtc-app.bandwidth.com:10081'] }
  }
})
await app.register(fastifyBandwidthToken, { authorize: isSignedIn })
