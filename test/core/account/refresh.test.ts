import t from 'tap'
import {
  answerWith,
  credentials,
  type Endpoint,
  fail,
  grant,
  hang,
  startEndpoint
} from '../../support/endpoint.js'
import { onMessage } from '../../support/observed.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { turns } from '../../support/virtual-clock.js'

t.test('serves the cached token at once while one refresh runs behind', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = endpoint.held()
  await endpoint.untilRequest(2)
  for (let call = 0; call < 100; call++) t.equal((await provider.getToken()).accessToken, 'token-1')
  const nowMs = endpoint.clock.monotonic()
  const inMs = [...endpoint.clock.timers].map(({ atMs }) => atMs - nowMs).sort((a, b) => a - b)
  t.equal(inMs.length, 3, 'the two limits of the refresh, and the hard line')
  t.ok((inMs[0] ?? 0) > 3_000, 'there is nothing to repeat meanwhile')
  t.equal(endpoint.count, 2, 'one request runs, and nobody waits for it')
  t.equal(provider.status().state, 'refreshing')
  await endpoint.release()
  t.equal((await provider.getToken()).accessToken, 'token-2')
  t.equal(provider.status().state, 'fresh')
})

t.test('refreshes a used token by itself and lets an idle one lapse', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const startMs = endpoint.clock.monotonic()
  await provider.warmUp()
  await endpoint.clock.advance(585_000)
  const wakeUps = [...endpoint.clock.timers].map(({ atMs }) => atMs - startMs)
  t.strictSame(wakeUps, [590_001], 'nothing is left to do before its hard line')
  await endpoint.clock.advance(15_000)
  t.equal(endpoint.count, 1, 'a token that nobody took is not refreshed')
  t.equal(provider.status().state, 'empty')
  t.equal(endpoint.clock.timers.size, 0)

  await provider.getToken()
  await endpoint.clock.advance(581_000)
  t.equal(endpoint.count, 3, 'a token that was taken is')
  await endpoint.clock.advance(600_000)
  t.equal(endpoint.count, 3, 'and its successor, which nobody took, is not')
})

t.test('refreshes an idle token when a call comes between the soft and the hard line', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.warmUp()
  await endpoint.clock.advance(585_000)
  t.equal(endpoint.count, 1)
  t.equal((await provider.getToken()).accessToken, 'token-1')
  await endpoint.clock.settle()
  t.equal(endpoint.count, 2)
  t.equal(provider.peek()?.accessToken, 'token-2')
})

for (const [how, pass] of [
  ['by itself', (endpoint: Endpoint) => endpoint.clock.advance(570_000)],
  [
    'for a call',
    (endpoint: Endpoint) => {
      endpoint.clock.suspend(570_000)
      return endpoint.clock.settle()
    }
  ]
] as const) {
  t.test(`refreshes ${how} at the very instant`, async (t) => {
    const endpoint = await startEndpoint(t)
    // With two margins alike there is nothing to draw.
    const provider = endpoint.provider(t, { refreshAheadMs: 30_000, expiryMarginMs: 30_000 })
    await provider.getToken()
    await pass(endpoint)
    await provider.getToken()
    await endpoint.clock.settle()
    t.equal(endpoint.count, 2)
    t.equal((await provider.getToken()).accessToken, 'token-2')
  })
}

t.test('counts a call that names an account as use', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.warmUp('ada')
  await provider.getToken({ account: 'ada' })
  await endpoint.clock.advance(581_000)
  t.equal(endpoint.count, 2)
})

t.test('counts peek() as use', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.equal(provider.peek(), undefined)
  t.equal(endpoint.count, 0, 'it never fetches')
  await provider.warmUp()
  t.equal(provider.peek()?.accessToken, 'token-1')
  await endpoint.clock.advance(581_000)
  t.equal(endpoint.count, 2)
  t.equal(provider.peek('another account'), undefined)
})

t.test(
  'keeps no timer that holds the process but those of an acquisition that a caller awaits',
  async (t) => {
    const endpoint = await startEndpoint(t, hang)
    const provider = endpoint.provider(t)
    const held = () => [...endpoint.clock.timers].filter((timer) => timer.held).length
    const caller = new AbortController()
    const pending = provider.getToken({ signal: caller.signal })
    await turns()
    t.equal(held(), 1, 'held while a caller waits')
    caller.abort()
    await t.rejects(pending, { name: 'AbortError' })
    t.equal(held(), 0, 'and no longer')
    t.ok(endpoint.clock.timers.size > 0, 'though the acquisition goes on')
    const joined = provider.getToken()
    await turns()
    t.equal(held(), 1, 'held again by the next one who waits')
    joined.catch(() => {})
    await endpoint.clock.advance(20_000)
    t.equal(held(), 0)

    const other = await startEndpoint(t)
    const warm = other.provider(t)
    await warm.getToken()
    t.ok(other.clock.timers.size > 0)
    t.notOk(
      [...other.clock.timers].some((timer) => timer.held),
      'a warm provider holds nothing'
    )
  }
)

for (const [name, answer] of [
  ['503', fail(503)],
  ['401', fail(401)],
  ['429', fail(429, { 'Retry-After': '300' })],
  ['garbage', answerWith(200, '<html>')],
  ['a hang', hang]
] as const) {
  t.test(`serves while the endpoint fails with ${name}, and not past the hard line`, async (t) => {
    const endpoint = await startEndpoint(t)
    const logger = recordingLogger()
    const provider = endpoint.provider(t, { logger })
    await provider.getToken()
    await endpoint.clock.advance(569_000)
    endpoint.answer = answer
    for (let tenth = 0; tenth < 209; tenth++) {
      t.equal((await provider.getToken()).accessToken, 'token-1')
      await endpoint.clock.advance(100)
    }
    t.equal(provider.status().state, 'degraded')
    t.ok(logger.warnings().length > 0, 'a failed refresh is a log line')
    await endpoint.clock.advance(101)
    const pending = t.rejects(provider.getToken(), { name: 'BandwidthTokenError' })
    await endpoint.clock.advance(10_000)
    await pending
  })
}

t.test('tries a failed refresh again while the token is in use, with doubling pauses', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { refreshAheadMs: 150_000 })
  await provider.getToken()
  endpoint.answer = fail(503)
  await endpoint.clock.advance(595_000)
  const instants = endpoint.requests.slice(1).map(({ atMs }) => atMs)
  const gaps = instants.slice(1).map((instant, index) => instant - (instants[index] ?? 0))
  t.ok(gaps.length >= 4)
  gaps.forEach((gap, index) => {
    const full = Math.min(30_000, 1_000 * 2 ** index)
    t.ok(gap >= full / 2 && gap <= full + 1, `pause ${index} of ${gap} ms`)
  })
  t.equal(provider.status().consecutiveFailures, instants.length)
})

t.test('refreshes after a cool-down that hid the instant, while the token is in use', async (t) => {
  const endpoint = await startEndpoint(t)
  // The instant is at 520 s at the latest.
  const provider = endpoint.provider(t, { refreshAheadMs: 150_000 })
  await provider.getToken()
  await endpoint.clock.advance(440_000)
  endpoint.answer = fail(429, { 'Retry-After': '100' })
  await provider.getToken({ minimumLifetimeMs: 300_000 })
  endpoint.answer = grant()
  await endpoint.clock.advance(99_999)
  t.equal(endpoint.count, 2)
  await endpoint.clock.advance(1)
  t.equal(endpoint.count, 3)
})

for (const [how, options] of [
  ['plainly', {}],
  ['for a longer life', { minimumLifetimeMs: 60_000 }],
  ['as rejected', { rejected: 'token-1' }]
] as const) {
  t.test(`refreshes after a cool-down a token that was first used during it, ${how}`, async (t) => {
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t)
    await provider.warmUp()
    await endpoint.clock.advance(581_000)
    endpoint.answer = fail(429, { 'Retry-After': '5' })
    const other = provider.getToken({ account: 'other' }).catch(() => {})
    await endpoint.untilRequest(2)
    await endpoint.clock.settle()
    endpoint.answer = fail(503)
    await endpoint.clock.advance(5_000)
    await endpoint.clock.advance(400)
    await other
    t.ok(provider.status().retryInMs, 'there is a cool-down')
    endpoint.answer = grant()
    const before = endpoint.count
    await provider.getToken(options).catch(() => {})
    t.equal(endpoint.count, before)
    await endpoint.clock.advance(1_000)
    t.equal(endpoint.count, before + 1)
    t.equal((await provider.getToken()).expiresIn, 599)
  })
}

t.test(
  'refreshes at the hard line at last, if a lasting failure of the account alone came before',
  async (t) => {
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t)
    await provider.getToken()
    endpoint.answer = fail(404)
    await endpoint.untilRequest(2)
    await endpoint.clock.settle()
    endpoint.answer = grant()
    const leftMs = (provider.status().expiresInMs ?? 0) - 10_000
    await endpoint.clock.advance(leftMs - 1)
    t.equal(endpoint.count, 2)
    await endpoint.clock.advance(1)
    t.equal(endpoint.count, 3)
    t.equal(provider.peek()?.accessToken, 'token-3')
  }
)

t.test('makes one attempt in a background refresh, and more once a caller waits for it', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = endpoint.held(fail(503))
  await endpoint.untilRequest(2)
  endpoint.clock.suspend(20_000)
  const waiting = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', attempts: 3 })
  endpoint.answer = fail(503)
  await endpoint.release()
  await endpoint.clock.advance(400)
  await waiting
  t.equal(endpoint.count, 4)
})

t.test('tries again after a second if a refresh got no place in time', async (t) => {
  const endpoint = await startEndpoint(t)
  // All refreshes begin at the same instant.
  t.intercept(Math, 'random', { value: () => 0 })
  const provider = endpoint.provider(t, { credentials, timeoutMs: 10_000, deadlineMs: 10_000 })
  const accounts = Array.from({ length: 65 }, (_, account) => `${account}`)
  await Promise.all(accounts.map((account) => provider.getToken({ account })))
  endpoint.answer = hang
  endpoint.requests.length = 0
  await endpoint.clock.advance(570_000)
  const asked = () => new Set(endpoint.requests.map(({ headers }) => headers.authorization)).size
  t.equal(asked(), 64)
  await endpoint.clock.advance(10_000)
  t.equal(asked(), 64)
  endpoint.answer = grant()
  await endpoint.clock.advance(999)
  t.equal(asked(), 64)
  await endpoint.clock.advance(1)
  t.equal(asked(), 65)
})

t.test('begins no acquisition at the very instant of the hard line during a lasting pause', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  const ended: unknown[] = []
  onMessage(t, (message, name) => {
    if (name === 'bandwidth-token:refresh') ended.push(message)
  })
  endpoint.answer = fail(401)
  await endpoint.clock.advance(590_000)
  t.equal(endpoint.count, 2)
  t.equal((await provider.getToken()).expiresIn, 10, 'the last instant at which it is handed out')
  await endpoint.clock.settle()
  t.match(ended, [{ outcome: 'failure', attempts: 1 }])
  t.equal(ended.length, 1)
})

t.test('a subscriber that asks as a token lapses joins the acquisition that has just ended', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const asked: Promise<unknown>[] = []
  onMessage(t, (message, name) => {
    const { outcome } = message as { outcome?: string }
    if (name !== 'bandwidth-token:cooldown' || outcome !== 'ended') return
    asked.push(provider.getToken().catch(({ code }) => code))
  })
  await provider.getToken()
  endpoint.answer = endpoint.held(fail(401))
  await endpoint.untilRequest(2)
  endpoint.answer = fail(404)
  await t.rejects(provider.getToken({ account: 'other' }), { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' })
  endpoint.clock.suspend(60_000)
  await endpoint.release()
  await endpoint.clock.settle()
  t.strictSame(await Promise.all(asked), ['ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'])
  t.equal(endpoint.count, 3)
})
