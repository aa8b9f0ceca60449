import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyCors from '@fastify/cors'
import Fastify from 'fastify'
import { isSignedIn } from './your-app.js'

const pages = ['https://calls.example.com']

export const app = Fastify()

// The one lets the browser hand over the answer. The other lets the route give one.
await app.register(fastifyCors, { origin: pages, credentials: true })
await app.register(fastifyBandwidthToken, { authorize: isSignedIn, allowedOrigins: pages })
