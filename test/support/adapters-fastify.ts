import { type FastifyBandwidthTokenOptions, fastifyBandwidthToken } from '@bandwidth-token/fastify'
import { type FastifyRequest, fastify } from 'fastify'
import { answerOf, type Harness } from './adapters-harness.js'

type Asking = Record<string, () => Promise<{ accessToken: string }>>

/** How the contract suite starts an app on Fastify. */
export const fastifyHarness: Harness = {
  name: 'fastify',
  async createServer(options, { mount, trustProxy = false, hook, errorHandler = 'own' }) {
    const errors: unknown[] = []
    const app = fastify({ trustProxy, forceCloseConnections: true })
    try {
      if (errorHandler === 'own') {
        app.setErrorHandler((error, _request, reply) => {
          errors.push(error)
          const { status, body } = answerOf(error)
          reply.code(status).type('application/json').send(body)
        })
      }
      if (hook !== undefined) {
        app.addHook('onRequest', async (request, reply) =>
          hook(request, (status, text) => void reply.code(status).type('text/plain').send(text))
        )
      }
      for (const each of options) {
        // The adapter reads only own properties. Pass them on unchanged.
        const given = each as FastifyBandwidthTokenOptions
        if (mount === undefined) await app.register(fastifyBandwidthToken, given)
        else await app.register(fastifyBandwidthToken, { ...given, prefix: mount })
      }
      app.get('/app/plain', async () => 'plain')
      app.get('/app/token', async (request: FastifyRequest<{ Querystring: { as?: string } }>) => {
        const { as = 'bandwidthToken' } = request.query
        const token = await (request as unknown as Asking)[as]?.()
        return { accessToken: token?.accessToken }
      })
      const origin = await app.listen({ port: 0, host: '127.0.0.1' })
      const decorators = app as unknown as Record<string, typeof app.bandwidthToken>
      const names = options.map(
        (each) => (each as FastifyBandwidthTokenOptions).decorateAs ?? 'bandwidthToken'
      )
      return {
        origin,
        errors,
        providers: names.map((name) => decorators[name] as typeof app.bandwidthToken),
        close: () => app.close()
      }
    } catch (error) {
      await app.close()
      throw error
    }
  }
}
