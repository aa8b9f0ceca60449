import { createTokenSource } from '@bandwidth-token/browser'
import fc from 'fast-check'
import t from 'tap'
import { answerWith, grant } from '../support/endpoint.js'
import { turns } from '../support/virtual-clock.js'
import { planLifetime } from './internals.js'
import { Page, stage } from './page.js'

const seconds = fc.oneof(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 86_400 }))

/** The contract's lines, with as much left as it says. */
const linesOf = (expiresIn: number) => {
  const earliest = Math.min(20, (3 * expiresIn) / 4)
  return { margin: Math.min(10, expiresIn / 2), earliest, latest: earliest - Math.min(5, expiresIn / 8) }
}

t.test('keeps the lines of the contract for every lifetime', async () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(seconds, random, (expiresIn, random) => {
      const { marginMs, refreshLeftMs } = planLifetime(expiresIn * 1000, random)
      const { margin, earliest, latest } = linesOf(expiresIn)
      return (
        marginMs === margin * 1000 &&
        refreshLeftMs <= earliest * 1000 &&
        refreshLeftMs > latest * 1000 - 1e-6 &&
        refreshLeftMs > marginMs
      )
    })
  )
})

t.test('refreshes between its two lines, once, and hands out nothing nearer to the end', async (t) => {
  const page = new Page(t)
  await fc.assert(
    fc.asyncProperty(seconds, async (expiresIn) => {
      const askedAt: number[] = []
      let isUp = true
      const source = createTokenSource({
        fetch: async () => {
          askedAt.push(page.nowMs)
          const number = askedAt.length
          return isUp
            ? Response.json({ access_token: `t${number}`, token_type: 'Bearer', expires_in: expiresIn })
            : new Response('', { status: 503, headers: { 'retry-after': '300' } })
        }
      })
      const { margin, earliest, latest } = linesOf(expiresIn)
      const start = page.nowMs
      const leftWhenAsked = async () => {
        const count = askedAt.length
        while (askedAt.length === count && page.nowMs - start < expiresIn * 1000) {
          page.clock.next()
          await turns(2)
        }
        return expiresIn - ((askedAt.at(-1) ?? 0) - start) / 1000
      }
      try {
        await source.getToken()
        isUp = false
        const left = await leftWhenAsked()
        // A timer is no finer than a millisecond, and may be two late.
        const isInTime = left <= earliest && left >= latest - 0.003
        page.clock.tick(Math.max(0, (expiresIn - margin) * 1000 - (page.nowMs - start)))
        const isServed = (await source.getToken()).accessToken === 't1'
        page.clock.tick(1)
        const isRefused = await source.getToken().then(
          () => false,
          ({ code }) => code === 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
        )
        return isInTime && isServed && isRefused && askedAt.length === 2
      } finally {
        source.close()
      }
    }),
    { numRuns: 300 }
  )
})

t.test('draws the refresh instant uniformly from 5 seconds', async (t) => {
  const page = new Page(t)
  const instants: number[] = []
  const sources = Array.from({ length: 500 }, () => {
    let isFirst = true
    return createTokenSource({
      fetch: async () => {
        if (!isFirst) instants.push(page.nowMs)
        isFirst = false
        return Response.json({ access_token: 'a', token_type: 'Bearer', expires_in: 600 })
      }
    })
  })
  await Promise.all(sources.map((source) => source.getToken()))
  for (let ms = 0; ms < 586_000; ms += 500) {
    page.clock.tick(500)
    // Many a call does not move the instant.
    if (ms % 60_000 === 0) await Promise.all(sources.map((source) => source.getToken()))
  }
  for (const source of sources) source.close()
  t.equal(instants.length, 500)
  t.ok(Math.min(...instants) >= 580_000 && Math.max(...instants) <= 585_002)
  for (let second = 580; second < 585; second++) {
    const share = instants.filter((ms) => ms >= second * 1000 && ms < (second + 1) * 1000).length
    t.ok(share > 50 && share < 150, `${share} of 500 in second ${second}`)
  }
})

t.test(
  'asks once per life and gets a new token each time from a server that rotates as ours does',
  async (t) => {
    const { page, route, source, events } = await stage(t)
    // Ours replaces a token of 600 s between 30 and 20 s before its end; here at the last moment of that.
    let bornAt = 0
    let number = 0
    route.answer = (exchange) => {
      if (number === 0 || page.nowMs - bornAt >= 580_000) {
        bornAt = page.nowMs
        number++
      }
      const expires_in = Math.floor((600_000 - (page.nowMs - bornAt)) / 1000)
      return answerWith(200, {
        access_token: `token-${number}`,
        access_token_id: `id-${number}`,
        expires_in
      })(exchange)
    }
    await source.getToken()
    await page.advance(6 * 3_600_000, 1_000)
    const tokens = events.map((event) => event.type === 'token' && event.accessTokenId)
    t.strictSame(
      tokens,
      Array.from({ length: number }, (_, index) => `id-${index + 1}`)
    )
    t.equal(route.requests.length, number)
    t.ok(number >= 36 && number <= 38, `${number} in six hours`)
  }
)

t.test('makes no loop of requests while the route hands out the same token again', async (t) => {
  for (const expires_in of [1, 4, 15, 600]) {
    await t.test(`which is always said to have ${expires_in} s left`, async (t) => {
      const { page, route, source, events } = await stage(t, grant({ access_token: 'same', expires_in }))
      await source.getToken()
      await page.advance(60_000, 50)
      t.ok(route.requests.length <= 13, `${route.requests.length} requests in a minute`)
      t.equal(events.length, 1, 'nobody is told that it is new')
    })
  }
})
