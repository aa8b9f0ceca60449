import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import Fastify from 'fastify'
import { checkPassword } from './your-app.js'

export const app = Fastify()

await app.register(fastifyCookie)
await app.register(fastifySession, {
  secret: process.env.SESSION_SECRET, // at least 32 characters
  saveUninitialized: false,
  cookie: { secure: 'auto', sameSite: 'lax' }
})
await app.register(fastifyBandwidthToken, { authorize: (request) => request.session.user !== undefined })

app.post('/sign-in', async (request, reply) => {
  const user = checkPassword(request.body)
  if (user === undefined) return reply.code(401).send()
  await request.session.regenerate() // An id from before the sign-in may be known to others (session fixation).
  request.session.user = user
  return reply.code(204).send()
})

app.post('/sign-out', async (request, reply) => {
  await request.session.destroy()
  return reply.code(204).send()
})
