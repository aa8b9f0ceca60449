import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import Fastify from 'fastify'
import { checkPassword } from './your-app.js'

// Believes the X-Forwarded headers of nginx on the same machine, and of nobody else.
export const app = Fastify({ trustProxy: 'loopback' })

await app.register(fastifyCookie)
await app.register(fastifySession, {
  secret: process.env.SESSION_SECRET,
  saveUninitialized: false,
  cookie: { secure: true, sameSite: 'lax' }
})
await app.register(fastifyBandwidthToken, { authorize: (request) => request.session.user !== undefined })

app.post('/sign-in', async (request, reply) => {
  const user = checkPassword(request.body)
  if (user === undefined) return reply.code(401).send()
  await request.session.regenerate()
  request.session.user = user
  return reply.code(204).send()
})

app.get('/address', async (request) => request.ip)
