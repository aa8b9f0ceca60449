import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import { isSignedIn } from './your-app.js'

export const app = Fastify()

await app.register(fastifyBandwidthToken, { authorize: isSignedIn })

app.get('/ready', async (_request, reply) => {
  const { state, expiresInMs, lastErrorCode, retryInMs } = app.bandwidthToken.status()
  const isReady = expiresInMs !== undefined || lastErrorCode === undefined
  // Without requests nobody asks for a token, so the probe does. It does not wait for it.
  if (state === 'empty') app.bandwidthToken.warmUp().catch(() => {})
  return reply.code(isReady ? 200 : 503).send({ state, lastErrorCode, retryInMs })
})
