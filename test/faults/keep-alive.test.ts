import type { AccessToken } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { type Exchange, grant } from '../support/endpoint.js'
import { until } from '../support/outcomes.js'
import { type Stage, setStage } from './stage.js'

delete process.env['BW_TOKEN_URL']

/** What may happen to a connection that was kept alive. */
const ENDS: Readonly<Record<string, (stage: Stage, exchange: Exchange) => void>> = {
  // A server's sockets stay open for reading: this is half of a close.
  'is half closed': (_stage, { socket }) => void socket.end(),
  'is closed': (_stage, { socket }) => socket.destroy(),
  'is reset': ({ endpoint }, exchange) => endpoint.reset(exchange)
}

/** A provider whose connection was used once and is idle now. */
async function keepAlive(t: Test): Promise<{ stage: Stage; idle: Exchange; token: AccessToken }> {
  const stage = await setStage(t)
  const { endpoint, provider, outcome } = stage
  let idle: Exchange | undefined
  endpoint.answer = (exchange) => {
    idle ??= exchange
    grant()(exchange)
  }
  const token = (await outcome(provider.getToken())) as AccessToken
  t.equal(endpoint.openSockets, 1, 'is kept alive')
  return { stage, idle: idle as Exchange, token }
}

async function leavesNothing(t: Test, { close, clock, endpoint }: Stage): Promise<void> {
  await close()
  t.equal(clock.timers.size, 0)
  await until(() => endpoint.openSockets === 0)
}

t.test('an idle connection is used again', async (t) => {
  const { stage } = await keepAlive(t)
  const { endpoint, provider, outcome } = stage
  t.match(await outcome(provider.getToken({ account: 'another' })), { accessTokenId: 'id-2' })
  t.equal(endpoint.connections, 1)
  await leavesNothing(t, stage)
})

for (const [end, happen] of Object.entries(ENDS)) {
  t.test(`a connection that ${end} while it is idle is not used again`, async (t) => {
    const { stage, idle } = await keepAlive(t)
    const { endpoint, provider, outcome } = stage
    happen(stage, idle)
    await until(() => endpoint.openSockets === 0)
    t.match(await outcome(provider.getToken({ account: 'another' })), { accessTokenId: 'id-2' })
    t.equal(endpoint.connections, 2)
    await leavesNothing(t, stage)
  })

  t.test(`a connection that ${end} just as it is used again costs an attempt`, async (t) => {
    const { stage, idle } = await keepAlive(t)
    const { endpoint, provider, outcome } = stage
    endpoint.answer = (exchange) =>
      exchange.socket === idle.socket ? happen(stage, exchange) : grant()(exchange)
    t.match(await outcome(provider.getToken({ account: 'another' })), { accessTokenId: 'id-3' })
    t.equal(endpoint.requests.length, 3, 'the second one was lost')
    t.equal(provider.status('another').state, 'fresh')
    await leavesNothing(t, stage)
  })

  t.test(`a connection that ${end} under a refresh is not felt`, async (t) => {
    const { stage, idle, token } = await keepAlive(t)
    const { endpoint, provider, nextTimer, until } = stage
    endpoint.answer = (exchange) =>
      exchange.socket === idle.socket ? happen(stage, exchange) : grant()(exchange)
    await nextTimer()
    await until(() => provider.status().state === 'degraded')
    t.equal(await provider.getToken(), token)
    await nextTimer()
    await until(() => provider.status().state === 'fresh')
    t.match(await provider.getToken(), { accessTokenId: 'id-3' })
    await leavesNothing(t, stage)
  })
}

t.test('a connection that is dead without a word costs an attempt', async (t) => {
  const { stage, idle } = await keepAlive(t)
  const { endpoint, provider, outcome, hangs } = stage
  endpoint.answer = (exchange) => (exchange.socket === idle.socket ? hangs() : grant()(exchange))
  t.match(await outcome(provider.getToken({ account: 'another' })), { accessTokenId: 'id-3' })
  t.equal(endpoint.requests.length, 3)
  await leavesNothing(t, stage)
})

t.test('an answer with which the connection is half closed is taken', async (t) => {
  const stage = await setStage(t)
  const { endpoint, provider, outcome } = stage
  endpoint.answer = (exchange) => {
    exchange.response.on('finish', () => exchange.socket.end())
    grant()(exchange)
  }
  for (const account of ['a', 'b', 'c']) {
    // The next request may be on its way before the end is seen: it is then made once more.
    t.match(await outcome(provider.getToken({ account })), { accessTokenId: /^id-\d$/ })
  }
  t.ok(endpoint.connections >= 3, 'no connection has two answers')
  await leavesNothing(t, stage)
})
