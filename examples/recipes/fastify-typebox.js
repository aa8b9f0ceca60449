import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import { Type } from 'typebox'
import { isSignedIn } from './your-app.js'

/** @type {import('@fastify/type-provider-typebox').FastifyPluginAsyncTypebox} */
const calls = async (app) => {
  const body = Type.Object({ to: Type.String({ pattern: '^\\+[0-9]{7,15}$' }) })
  const response = { 200: Type.Object({ to: Type.String(), expiresIn: Type.Integer() }) }

  app.addHook('onRequest', async (request, reply) => {
    if (!isSignedIn(request)) return reply.code(401).send()
  })
  app.post('/calls', { schema: { body, response } }, async (request) => {
    const { expiresIn } = await request.bandwidthToken()
    return { to: request.body.to, expiresIn }
  })
}

export const app = Fastify()

await app.register(fastifyBandwidthToken, { authorize: isSignedIn })
await app.register(calls)
