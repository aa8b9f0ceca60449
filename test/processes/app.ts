import './orphan.js'
import { fastifyBandwidthToken } from '@bandwidth-token/fastify'
import { fastify } from 'fastify'
import { shiftableClock } from '../support/shiftable-clock.js'
import type { AppToken } from './app-token.js'

/** An app as its users run it, which watches itself; where it listens is the line that it writes. */
const clock = shiftableClock()
const app = fastify()
/** What must never be. */
const violations: string[] = []
let asking = 0

process.on('warning', (warning) => violations.push(`warning: ${warning.message}`))

app.addHook('onError', async (request, _reply, error) => {
  // Between the provider's refusal and this line no other request can have brought a token.
  const atHand = app.bandwidthToken.peek()
  if (atHand !== undefined) {
    violations.push(`${error.code} for ${request.url} with ${atHand.expiresIn} s left of a token at hand`)
  }
})

await app.register(fastifyBandwidthToken, {
  ...JSON.parse(process.argv[2] ?? '{}'),
  authorize: () => true,
  clock
})

app.get('/app/token', async (request): Promise<AppToken> => {
  const askedMs = clock.now()
  asking++
  const token = await request.bandwidthToken().finally(() => asking--)
  const lifetimeMs = token.expiresAt.getTime() - token.issuedAt.getTime()
  const marginMs = Math.min(10_000, lifetimeMs / 10)
  // It was handed out after it was asked for: it had this much left then, or too little.
  const leftMs = token.expiresAt.getTime() - askedMs
  if (leftMs < marginMs) violations.push(`a token with ${leftMs} ms left was handed out`)
  return { id: token.accessTokenId, expiresAtMs: token.expiresAt.getTime(), marginMs }
})

app.get('/watch/report', async () => ({ violations, asking }))
app.get('/watch/heap', async () => {
  gc?.()
  return process.memoryUsage().heapUsed
})
app.get<{ Querystring: { ms: string } }>('/watch/advance', async ({ query }) => {
  clock.advance(Number(query.ms))
  return null
})

process.once('SIGTERM', () => app.close())

process.stdout.write(`${JSON.stringify({ origin: await app.listen({ port: 0, host: '127.0.0.1' }) })}\n`)
