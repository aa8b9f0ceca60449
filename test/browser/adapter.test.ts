import { createTokenSource, type TokenSourceEvent } from '@bandwidth-token/browser'
import type { Fault } from '@bandwidth-token/emulator'
import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import t from 'tap'
import { credentialsOf } from '../support/adapters-harness.js'
import { emulate } from '../support/emulate.js'
import { rejection } from '../support/outcomes.js'
import type { Teardown } from '../support/teardown.js'

/** The real route, on the real plugin, in front of the emulator. */
async function serve(t: Teardown, faults: readonly Fault[] = []) {
  const emulator = await emulate(t)
  emulator.script(faults)
  const app = Fastify()
  const session = { isSignedIn: true }
  await app.register(fastifyBandwidthToken, {
    ...credentialsOf(emulator),
    authorize: () => session.isSignedIn
  })
  t.teardown(() => app.close())
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const source = createTokenSource({ url: `${origin}/bandwidth/token` })
  t.teardown(() => source.close())
  const events: TokenSourceEvent[] = []
  source.subscribe((event) => events.push(event))
  return { emulator, app, session, source, events, origin }
}

t.test("the page has a token of Bandwidth's through the plugin", async (t) => {
  const { source, app, events } = await serve(t)
  const token = await source.getToken()
  const { accessToken, accessTokenId } = await app.bandwidthToken.getToken()
  t.match({ ...token }, { accessToken, accessTokenId, expiresIn: Number })
  t.ok(token.expiresIn >= 598)
  t.match(events, [{ type: 'token', accessTokenId }])
})

t.test('a page that is not signed in hears of it, and has a token once it is', async (t) => {
  const { source, session, events } = await serve(t)
  session.isSignedIn = false
  t.match(await rejection(source.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_FORBIDDEN', status: 403 })
  t.strictSame(events, [{ type: 'signed-out' }])
  session.isSignedIn = true
  t.match({ ...(await source.getToken()) }, { accessToken: String })
})

t.test('obeys what the plugin says while Bandwidth is down', async (t) => {
  const down = { status: 503, headers: { 'retry-after': '60' } }
  const { source, emulator, events } = await serve(t, [down])
  t.match(await rejection(source.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', status: 503 })
  const [event] = events
  t.ok(event?.type === 'error' && event.retryInMs > 50_000 && event.retryInMs <= 60_000)
  t.match(await rejection(source.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
  t.equal(emulator.received.length, 1)
})

t.test('a page behind another origin is told that it may not', async (t) => {
  const { origin } = await serve(t)
  const source = createTokenSource({
    url: `${origin}/bandwidth/token`,
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' }
  })
  t.match(await rejection(source.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_FORBIDDEN', status: 403 })
  source.close()
})

t.test('invalidate() has the same token again from a server that still keeps it', async (t) => {
  const { source, emulator } = await serve(t)
  const first = await source.getToken()
  source.invalidate()
  t.equal((await source.getToken()).accessToken, first.accessToken)
  t.equal(emulator.received.length, 1)
})
