import { isSignedIn } from '../../your-app.js'

/** @type {import('fastify').FastifyPluginAsync} */
export default async function routes(app) {
  app.get('/status', async (request, reply) => {
    if (!isSignedIn(request)) return reply.code(401).send()
    const { accessTokenId, expiresIn } = await request.bandwidthToken()
    return { accessTokenId, expiresIn }
  })
}
