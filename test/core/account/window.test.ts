import t from 'tap'
import { grant, startEndpoint } from '../../support/endpoint.js'
import { turns } from '../../support/virtual-clock.js'

t.test('serves an hour of one call a second with at most 7 requests, never within the margin', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const born = new Map<string, number>()
  let leastLeft = Number.POSITIVE_INFINITY
  for (let second = 0; second < 3600; second++) {
    const token = await provider.getToken()
    const bornAt = born.get(token.accessToken) ?? second
    born.set(token.accessToken, bornAt)
    leastLeft = Math.min(leastLeft, token.expiresIn)
    await endpoint.clock.advance(1_000)
  }
  t.ok(endpoint.count <= 7, `${endpoint.count} requests`)
  t.ok(leastLeft >= 10, `${leastLeft} s were left`)
  const gaps = endpoint.requests
    .slice(1)
    .map(({ atMs }, index) => atMs - (endpoint.requests[index]?.atMs ?? 0))
  t.ok(Math.min(...gaps) >= 570_000, 'no refresh starts before T - 30 s')
  t.ok(Math.max(...gaps) <= 581_000, 'every refresh starts by T - 20 s')
})

for (const [lifetime, marginMs, softMs] of [
  [600, 10_000, 30_000],
  [100, 10_000, 25_000],
  [40, 4_000, 10_000],
  [20, 2_000, 5_000]
] as const) {
  t.test(`keeps the hard and the soft line of a token that lives ${lifetime} s`, async (t) => {
    const endpoint = await startEndpoint(t, grant({ expires_in: lifetime }))
    const provider = endpoint.provider(t)
    await provider.warmUp()
    await endpoint.clock.advance(lifetime * 1000 - softMs - 1)
    endpoint.answer = ({ response }) => response.writeHead(503).end()
    t.equal((await provider.getToken()).accessToken, 'token-1')
    t.equal(endpoint.count, 1, 'no refresh starts before the soft line')
    await endpoint.clock.advance(softMs - marginMs + 1)
    t.equal((await provider.getToken()).accessToken, 'token-1', 'the token serves at the hard line')
    t.ok(endpoint.count > 1, 'it was to be refreshed meanwhile')
    await endpoint.clock.advance(1)
    await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' }, 'and not past it')
  })
}

t.test('counts the life of a token from just before the request was sent', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held()
  const provider = endpoint.provider(t)
  const pending = provider.getToken()
  await turns()
  await endpoint.clock.advance(3_000)
  await endpoint.release()
  const token = await pending
  t.equal(token.expiresIn, 597)
  t.equal(token.expiresAt.getTime() - token.issuedAt.getTime(), 600_000)
  t.equal(endpoint.clock.now() - token.issuedAt.getTime(), 3_000)
})

t.test('honours margins of the user', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { refreshAheadMs: 5_000, expiryMarginMs: 2_000 })
  await provider.getToken()
  await endpoint.clock.advance(594_999)
  t.equal(endpoint.count, 1)
  await endpoint.clock.advance(3_000)
  t.equal(endpoint.count, 2)
})

t.test(
  'draws the refresh instant once per token, uniformly from [T - soft, T - (soft + hard) / 2]',
  async (t) => {
    const endpoint = await startEndpoint(t)
    const providers = Array.from({ length: 300 }, () => endpoint.provider(t))
    await Promise.all(providers.map((provider) => provider.getToken()))
    const start = endpoint.clock.monotonic()
    endpoint.requests.length = 0
    // Many calls before it do not move the instant.
    for (let second = 0; second < 570; second += 57) {
      await Promise.all(providers.map((provider) => provider.getToken()))
      await endpoint.clock.advance(57_000 - (second === 513 ? 1 : 0))
    }
    t.equal(endpoint.count, 0)
    await endpoint.clock.advance(10_001)
    const instants = endpoint.requests.map(({ atMs }) => atMs - start)
    t.equal(instants.length, 300)
    t.ok(Math.min(...instants) >= 570_000 && Math.max(...instants) <= 580_001)
    for (let bucket = 0; bucket < 10; bucket++) {
      const from = 570_000 + bucket * 1_000
      const share = instants.filter((instant) => instant >= from && instant < from + 1_000).length
      t.ok(share > 5 && share < 75, `${share} of 300 in bucket ${bucket}`)
    }
  }
)
