import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifySecureSession from '@fastify/secure-session'
import Fastify from 'fastify'
import { checkPassword } from './your-app.js'

export const app = Fastify()

await app.register(fastifySecureSession, {
  key: Buffer.from(process.env.SESSION_KEY, 'base64'), // 32 bytes
  cookie: { path: '/', httpOnly: true, secure: 'auto', sameSite: 'lax' }
})
await app.register(fastifyBandwidthToken, {
  authorize: (request) => request.session.get('user') !== undefined
})

app.post('/sign-in', async (request, reply) => {
  const user = checkPassword(request.body)
  if (user === undefined) return reply.code(401).send()
  request.session.set('user', user)
  return reply.code(204).send()
})

app.post('/sign-out', async (request, reply) => {
  request.session.delete()
  return reply.code(204).send()
})
