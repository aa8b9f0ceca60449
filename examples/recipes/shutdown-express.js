import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { bandwidthToken } from '@bandwidth-token/express'
import express from 'express'
import { isSignedIn } from './your-app.js'

const tokens = bandwidthToken({ authorize: isSignedIn })
const app = express().use(tokens)

const server = app.listen(Number(process.env.PORT ?? 3000), '0.0.0.0', () => console.log(server.address()))

process.once('SIGTERM', async () => {
  // New requests still come for a few seconds: Kubernetes tells its nodes at the same time as the pod.
  await setTimeout(Number(process.env.DRAIN_MS ?? 5_000))
  // Ends the connections that clients keep open after their last answer.
  const timer = setInterval(() => server.closeIdleConnections(), 500)
  await once(server.close(), 'close') // Waits for what is in flight.
  clearInterval(timer)
  await tokens.close()
})
