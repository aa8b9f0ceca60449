import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifySwagger from '@fastify/swagger'
import Fastify from 'fastify'
import { isSignedIn } from './your-app.js'

const tokenRoute = {
  summary: 'A Bandwidth access token for the page',
  querystring: {
    type: 'object',
    properties: { rejected: { type: 'string', description: 'The id of a token that the gateway refused' } }
  },
  response: {
    200: {
      description: 'A valid token',
      type: 'object',
      required: ['access_token', 'token_type', 'expires_in'],
      properties: {
        access_token: { type: 'string' },
        access_token_id: { type: 'string' },
        token_type: { type: 'string', enum: ['Bearer'] },
        expires_in: { type: 'integer', description: 'The seconds that are left' }
      }
    },
    403: { description: 'Nobody is signed in, or a page of another origin asks', type: 'null' }
  }
}

export const app = Fastify()

await app.register(fastifySwagger, {
  openapi: { info: { title: 'Calls', version: '1.0.0' } },
  // Describes the route, and changes nothing about it.
  transform: ({ schema, url }) => ({ schema: url === '/bandwidth/token' ? tokenRoute : schema, url })
})
await app.register(fastifyBandwidthToken, { authorize: isSignedIn })

app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
