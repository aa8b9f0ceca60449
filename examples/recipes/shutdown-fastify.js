import { setTimeout } from 'node:timers/promises'
import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import { isSignedIn } from './your-app.js'

const app = Fastify({ logger: true })

await app.register(fastifyBandwidthToken, { authorize: isSignedIn })

process.once('SIGTERM', async () => {
  // New requests still come for a few seconds: Kubernetes tells its nodes at the same time as the pod.
  await setTimeout(Number(process.env.DRAIN_MS ?? 5_000))
  // Ends the connections that clients keep open after their last answer, for 72 s if nobody does.
  const timer = setInterval(() => app.server.closeIdleConnections(), 500)
  await app.close() // Answers what is in flight, then closes the provider.
  clearInterval(timer)
})

await app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 3000) })
