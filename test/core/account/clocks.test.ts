import type { Clock } from '@bandwidth-token/core'
import t from 'tap'
import { grant, startEndpoint } from '../../support/endpoint.js'
import { turns } from '../../support/virtual-clock.js'

const HOUR = 3_600_000

/** The time of a clock, with timers of the test's own. */
function withTimers(clock: Clock, timers: Pick<Clock, 'setTimeout' | 'clearTimeout'>): Clock {
  return { now: () => clock.now(), monotonic: () => clock.monotonic(), ...timers }
}

for (const stepMs of [HOUR, -HOUR]) {
  t.test(`survives a step of the wall clock by ${stepMs} ms with at most one extra request`, async (t) => {
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t)
    const born = new Map<string, number>()
    for (let second = 0; second < 1_500; second++) {
      if (second === 100) endpoint.clock.stepWall(stepMs)
      const { accessToken, expiresIn } = await provider.getToken()
      const bornAt = born.get(accessToken) ?? second
      born.set(accessToken, bornAt)
      if (second - bornAt > 590) t.fail(`handed out at the age of ${second - bornAt} s`)
      if (expiresIn > 600 - (second - bornAt))
        t.fail(`says ${expiresIn} s at the age of ${second - bornAt} s`)
      await endpoint.clock.advance(1_000)
    }
    t.ok(endpoint.count <= 4, `${endpoint.count} requests`)
  })
}

t.test('asks anew at once when the wall clock steps right after a token came', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.clock.stepWall(HOUR)
  t.equal(provider.peek(), undefined)
  t.equal((await provider.getToken()).accessToken, 'token-2')
  endpoint.clock.stepWall(-HOUR)
  t.equal((await provider.getToken()).accessToken, 'token-2')
  t.equal(endpoint.count, 2)
})

t.test('says whole seconds, rounded down', async (t) => {
  const endpoint = await startEndpoint(t)
  const token = await endpoint.provider(t).getToken()
  t.equal(token.expiresIn, 600)
  await endpoint.clock.advance(1)
  t.equal(token.expiresIn, 599)
  await endpoint.clock.advance(599_998)
  t.equal(token.expiresIn, 0)
})

t.test('hands out no expired token after a suspend, though the monotonic clock stood still', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const before = await provider.getToken()
  endpoint.clock.suspend(20 * 60_000)
  t.equal(before.expiresIn, 0)
  t.equal((await provider.getToken()).accessToken, 'token-2')
  t.equal(endpoint.count, 2)
})

t.test('hands out no short-lived token within its margin after a suspend', async (t) => {
  const endpoint = await startEndpoint(t, grant({ expires_in: 5 }))
  const provider = endpoint.provider(t)
  const token = await provider.getToken()
  endpoint.clock.suspend(4_500)
  t.equal(await provider.getToken(), token)
  endpoint.clock.suspend(1)
  await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
})

t.test('refreshes for a late call when the wall clock stood still', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.warmUp()
  await endpoint.clock.advance(585_000)
  endpoint.clock.stepWall(-585_000)
  t.equal((await provider.getToken()).accessToken, 'token-1')
  await endpoint.clock.settle()
  t.equal(endpoint.count, 2)
})

t.test('clears no timer twice, and none that it has not set', async (t) => {
  const endpoint = await startEndpoint(t)
  const { clock } = endpoint
  const set: unknown[] = []
  const cleared: unknown[] = []
  const provider = endpoint.provider(t, {
    clock: withTimers(clock, {
      setTimeout: (callback, delayMs) => {
        set.push(clock.setTimeout(callback, delayMs))
        return set.at(-1)
      },
      clearTimeout: (handle) => {
        cleared.push(handle)
        clock.clearTimeout(handle)
      }
    })
  })
  const token = await provider.getToken()
  await clock.advance(5_000)
  t.equal(provider.invalidate(token), true)
  await provider.getToken()
  await clock.advance(581_000)
  await provider.getToken({ account: 'ada' })
  await provider.close()
  t.ok(cleared.every((handle) => set.includes(handle)))
  t.equal(new Set(cleared).size, cleared.length)
})

t.test('hands out no expired token when the wall clock stood still', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const token = await provider.getToken()
  for (let minute = 0; minute < 9; minute++) {
    await endpoint.clock.advance(60_000)
    endpoint.clock.stepWall(-60_000)
  }
  t.equal(token.expiresIn, 60)
  endpoint.answer = ({ response }) => response.writeHead(503).end()
  await endpoint.clock.advance(50_000)
  endpoint.clock.stepWall(-50_000)
  t.equal(await provider.getToken(), token)
  await endpoint.clock.advance(1)
  endpoint.clock.stepWall(-1)
  await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
})

for (const [name, handleOf] of [
  ['nothing', () => undefined],
  ['null', () => null],
  ['a number', (count: number) => count],
  ['an object of its own', (count: number) => ({ count })]
] as const) {
  t.test(`takes a clock whose timers are known by ${name}`, async (t) => {
    const endpoint = await startEndpoint(t)
    const { clock } = endpoint
    const cleared: unknown[] = []
    const provider = endpoint.provider(t, {
      clock: withTimers(clock, {
        setTimeout: (callback, delayMs) => {
          clock.setTimeout(callback, delayMs)
          return handleOf(clock.timers.size)
        },
        clearTimeout: (handle) => void cleared.push(handle)
      })
    })
    t.equal((await provider.getToken()).accessToken, 'token-1')
    await provider.close()
    t.strictSame(cleared.slice(0, 2), [handleOf(2), handleOf(1)], 'that of the attempt, then the deadline')
  })
}

t.test('ends a short-lived token at its hard line when the wall clock stood still', async (t) => {
  const endpoint = await startEndpoint(t, grant({ expires_in: 5 }))
  const provider = endpoint.provider(t)
  const token = await provider.getToken()
  await endpoint.clock.advance(4_500)
  endpoint.clock.stepWall(-4_500)
  t.equal(await provider.getToken(), token)
  await endpoint.clock.advance(1)
  endpoint.clock.stepWall(-1)
  await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
})

t.test('counts both clocks from the request, whatever the wall clock does meanwhile', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held()
  const provider = endpoint.provider(t)
  const pending = provider.getToken()
  await turns()
  endpoint.clock.stepWall(-HOUR)
  await endpoint.release()
  const token = await pending
  t.equal(token.expiresIn, 600, 'never above L')
  await endpoint.clock.advance(100_000)
  t.equal(token.expiresIn, 500)
})

t.test('hands out no token that was seen to have lapsed, when the wall clock is set back', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.clock.suspend(20 * 60_000)
  t.equal(provider.status().state, 'empty')
  endpoint.clock.stepWall(-HOUR)
  t.equal(provider.peek(), undefined)
  t.equal((await provider.getToken()).accessToken, 'token-2')
})
