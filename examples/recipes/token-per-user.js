import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import { isSignedIn, userOf } from './your-app.js'

export const app = Fastify()

await app.register(fastifyBandwidthToken, {
  authorize: isSignedIn,
  account: (request) => String(userOf(request))
})

// An account that is no longer needed makes room by itself: `maxTokens`.
app.get('/status', async (request, reply) => {
  const user = userOf(request)
  return user === undefined ? reply.code(401).send() : app.bandwidthToken.status(user)
})
