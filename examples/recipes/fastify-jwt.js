import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import { checkPassword } from './your-app.js'

export const app = Fastify()

await app.register(fastifyJwt, { secret: process.env.JWT_SECRET })
await app.register(fastifyBandwidthToken, {
  // Answers 401 if there is no valid JWT. The claim decides the rest.
  routeOptions: { onRequest: (request) => request.jwtVerify() },
  authorize: (request) => request.user.mayCall === true
})

app.post('/sign-in', async (request, reply) => {
  const user = checkPassword(request.body)
  if (user === undefined) return reply.code(401).send()
  return { jwt: app.jwt.sign({ sub: user, mayCall: user === 'alice' }, { expiresIn: '15m' }) }
})
