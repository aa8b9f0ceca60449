import { randomBytes } from 'node:crypto'
import type { TokenProvider, TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { fail, grant, hang, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'
import { processEvents } from '../../support/process-events.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { accessTokens, KEY, slow, startFleet } from './fleet.js'

const unhandled = processEvents(t, 'unhandledRejection')
t.teardown(() => {
  if (unhandled.length > 0) throw new Error(`Rejections that nobody handled: ${unhandled}`)
})

t.test('finds the newer of two tokens while the keys are rotated', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const next = randomBytes(32).toString('base64')
  const before = join({ storeKeys: [KEY, next] })
  const after = join({ storeKeys: [next, KEY] })
  await before.getToken()
  await after.getToken()
  await endpoint.clock.advance(10_000)
  t.equal((await after.getToken({ rejected: 'token-1' })).accessToken, 'token-2')
  t.equal((await before.getToken({ rejected: 'token-1' })).accessToken, 'token-2')
  t.equal(endpoint.count, 2)
})

t.test('shares one token in both directions at every step of a rotation of keys', async (t) => {
  const next = randomBytes(32).toString('base64')
  const steps = [[KEY], [KEY, next], [next, KEY], [next]]
  for (const [index, storeKeys] of steps.slice(1).entries()) {
    for (const [first, second] of [
      [steps[index], storeKeys],
      [storeKeys, steps[index]]
    ] as const) {
      const { endpoint, join } = await startFleet(t)
      await join({ storeKeys: first as string[] }).getToken()
      await join({ storeKeys: second as string[] }).getToken()
      t.equal(endpoint.count, 1, `${first?.length} keys, then ${second?.length}`)
    }
  }
})

for (const skewMs of [-30_000, 30_000]) {
  t.test(`agrees with a member whose clock is off by ${skewMs} ms`, async (t) => {
    for (const isFirst of [true, false]) {
      const { endpoint, join } = await startFleet(t)
      const { clock } = endpoint
      const skewed = {
        now: () => clock.now() + skewMs,
        monotonic: () => clock.monotonic(),
        setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
        clearTimeout: (handle: unknown) => clock.clearTimeout(handle)
      }
      const members = [join(), join({ clock: skewed })]
      const [first, second] = (isFirst ? members : members.reverse()) as [TokenProvider, TokenProvider]
      const token = await first.getToken()
      await clock.advance(200_000)
      const other = await second.getToken()
      t.equal(other.accessToken, token.accessToken)
      t.equal(other.expiresIn, 400)
      t.equal(token.expiresIn, 400)
      t.equal(endpoint.count, 1)
    }
  })
}

t.test('a slow store does not keep a slow holder from sharing what it fetched', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  const far = slow(store, endpoint.clock, 100)
  const calls = [join({ store: far }), join({ store: far })].map((member) => member.getToken())
  await endpoint.clock.advance(3_800)
  t.equal(endpoint.count, 1)
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.advance(2_000)
  t.strictSame(await accessTokens(calls), ['token-1'])
  t.equal(endpoint.count, 1)
})

t.test('a renewal of the lock that fails does not keep the holder from sharing', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  let locks = 0
  const flaky = new Proxy(store, {
    get: (target, name: keyof TokenStore) =>
      name === 'lock' && ++locks === 3 ? () => Promise.reject(new Error('a hiccup')) : target[name]
  })
  const call = join({ store: flaky }).getToken()
  await endpoint.clock.advance(2_500)
  t.ok(locks >= 4, 'the next renewal is on time')
  endpoint.answer = grant()
  await endpoint.release()
  await call
  t.equal((await join().getToken()).accessToken, 'token-1')
})

t.test(
  'a member without a token replaces the one in the store that its caller names as rejected',
  async (t) => {
    const { endpoint, join } = await startFleet(t)
    const member = join()
    await member.getToken()
    await endpoint.clock.advance(10_000)
    const cold = [join(), join()]
    const calls = cold.map((member) => member.getToken({ rejected: 'id-1' }))
    await endpoint.clock.advance(2_000)
    t.strictSame(await accessTokens(calls), ['token-2'])
    t.equal((await member.getToken({ rejected: 'id-1' })).accessToken, 'token-2')
    t.equal(endpoint.count, 2)
  }
)

t.test('invalidates a token in the store too, whichever member fetched it', async (t) => {
  const { endpoint, join } = await startFleet(t)
  await join().getToken()
  const member = join()
  const token = await member.getToken()
  await endpoint.clock.advance(5_000)
  t.ok(member.invalidate(token))
  t.equal((await join().getToken()).accessToken, 'token-2')
})

t.test('a member without a token takes no young one from the others', async (t) => {
  const { endpoint, join } = await startFleet(t)
  await join().getToken()
  t.equal((await join().getToken({ rejected: 'id-1' })).accessToken, 'token-1')
  await endpoint.clock.advance(10_000)
  t.equal((await join().getToken({ rejected: 'id-1' })).accessToken, 'token-2')
  await endpoint.clock.advance(10_000)
  t.equal((await join().getToken({ rejected: 'id-2' })).accessToken, 'token-2', 'one per 30 s')
  t.equal(endpoint.count, 2)
})

t.test('a freeze while it backs off makes one request after the thaw, not two', async (t) => {
  for (const isShared of [true, false]) {
    const { endpoint, join, store } = await startFleet(t, fail(503))
    const broken = new Proxy(store, { get: () => () => Promise.reject(new Error('down')) })
    endpoint.answer = fail(503, { 'retry-after': '5' })
    const call = join({ store: isShared ? store : broken }).getToken()
    await endpoint.clock.settle()
    t.equal(endpoint.count, 1)
    endpoint.answer = grant()
    await endpoint.clock.freeze(12_000)
    await endpoint.clock.advance(6_000)
    t.equal((await call).accessToken, 'token-2')
    t.equal(endpoint.count, 2)
  }
})

t.test(
  'a token of the fleet that was issued after a failure ends what the failure left behind',
  async (t) => {
    const { endpoint, join } = await startFleet(t, fail(503))
    const member = join()
    const refused = t.rejects(member.getToken())
    await endpoint.clock.advance(1_000)
    await refused
    endpoint.answer = grant()
    await endpoint.clock.advance(2_000)
    const other = join()
    await other.getToken()
    await member.getToken()
    t.match(member.status(), { state: 'fresh', consecutiveFailures: 0, lastErrorCode: undefined })
  }
)

t.test('a token of the fleet that was issued before a failure proves nothing', async (t) => {
  const { endpoint, join } = await startFleet(t)
  await join().getToken({ account: 'b' })
  endpoint.answer = fail(503)
  const member = join()
  const refused = t.rejects(member.getToken())
  await endpoint.clock.advance(1_000)
  await refused
  await endpoint.clock.advance(1_000)
  await member.getToken({ account: 'b' })
  t.equal(member.status().consecutiveFailures, 1)
})

t.test('an answer of the store that arrives while the process is busy counts', async (t) => {
  const endpoint = await startEndpoint(t)
  const clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimeout: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs),
    clearTimeout: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout)
  }
  const memory = memoryTokenStore()
  const far = await startEndpoint(t)
  // Over a real socket: its answer is there, and is read only after the timers.
  const store = new Proxy(memory, {
    get:
      (target, name: keyof TokenStore) =>
      async (...args: never[]) => {
        await (await fetch(far.tokenUrl, { method: 'POST' })).text()
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  const logger = recordingLogger()
  const join = () => endpoint.provider(t, { clock, store, storeKeys: [KEY], logger })
  await join().getToken()
  const before = far.count
  const call = join().getToken()
  while (far.count === before) await new Promise((resolve) => setImmediate(resolve))
  const untilMs = performance.now() + 400
  while (performance.now() < untilMs);
  t.equal((await call).accessToken, 'token-1')
  t.strictSame(logger.warnings(), [])
})

t.test(
  'one that is asked again and again while the store is down costs it 500 ms each time at most',
  async (t) => {
    const { endpoint, join, store } = await startFleet(t)
    const member: TokenProvider = join({ store: slow(store, endpoint.clock, 10_000) })
    for (const account of ['a', 'b']) {
      const call = member.getToken({ account })
      await endpoint.clock.advance(500)
      t.ok(member.peek(account))
      await call
    }
  }
)

t.test('one at a store whose every command is just in time has its token after 500 ms', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  const member: TokenProvider = join({ store: slow(store, endpoint.clock, 240) })
  const call = member.getToken()
  await endpoint.clock.advance(499)
  t.equal(endpoint.count, 0)
  await endpoint.clock.advance(1)
  t.equal((await call).accessToken, 'token-1')
})

t.test('one with a cool-down of its own leaves the others without', async (t) => {
  const { endpoint, join } = await startFleet(t, fail(503, { 'retry-after': '60' }))
  const refused = t.rejects(join().getToken(), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    retryAfter: 60
  })
  await endpoint.clock.settle()
  await refused
  endpoint.answer = grant()
  t.equal((await join().getToken()).accessToken, 'token-2')
})

t.test('one whose holder hangs for ever asks no sooner than its own deadline allows', async (t) => {
  const { endpoint, join } = await startFleet(t, hang)
  const calls = [join(), join()].map((member) =>
    member.getToken().then(
      () => 'a token',
      ({ code }) => code
    )
  )
  await endpoint.clock.advance(10_200)
  t.strictSame(await Promise.all(calls), Array(2).fill('ERR_BANDWIDTH_TOKEN_TIMEOUT'))
  t.ok(endpoint.count <= 3, `${endpoint.count}`)
})

t.test('lengthens its cool-down once for what the holders of many accounts tell', async (t) => {
  const { endpoint, join } = await startFleet(t, fail(503))
  const [holder, waiting] = [join(), join()]
  const accounts = Array.from({ length: 10 }, (_, index) => `account-${index}`)
  endpoint.answer = endpoint.held(fail(503))
  const calls = accounts.map((account) => holder.getToken({ account }))
  while (endpoint.count < 10) await endpoint.clock.advance(10)
  calls.push(...accounts.map((account) => waiting.getToken({ account })))
  for (const call of calls) call.catch(() => {})
  await endpoint.clock.advance(500)
  endpoint.answer = fail(503)
  await endpoint.release()
  await endpoint.clock.advance(3_000)
  await Promise.allSettled(calls)
  t.equal(waiting.status('account-0').consecutiveFailures, 1)
})

t.test('a fleet whose callers all want more life than any token has makes one request', async (t) => {
  const { endpoint, join } = await startFleet(t)
  endpoint.answer = endpoint.held()
  const calls = Array.from({ length: 20 }, () => join().getToken({ minimumLifetimeMs: 605_000 }))
  await endpoint.clock.advance(700)
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.advance(3_000)
  t.strictSame(await accessTokens(calls), ['token-1'])
  t.equal(endpoint.count, 1)

  await endpoint.clock.advance(3_000)
  t.equal((await join().getToken({ minimumLifetimeMs: 605_000 })).accessToken, 'token-2')
})

t.test('a fleet replaces a rejected token once per 30 s, even if the endpoint sends it again', async (t) => {
  const { endpoint, join } = await startFleet(t)
  endpoint.answer = grant({ access_token: 'same', access_token_id: 'id' })
  const members = Array.from({ length: 8 }, () => join())
  for (const member of members) await member.getToken()
  await endpoint.clock.advance(10_000)
  const calls = members.map((member) => member.getToken({ rejected: 'id' }))
  await endpoint.clock.advance(3_000)
  t.strictSame(await accessTokens(calls), ['same'])
  t.equal(endpoint.count, 2)

  await endpoint.clock.advance(17_000)
  const late = [...members, join()].map((member) => member.getToken({ rejected: 'id' }))
  await endpoint.clock.advance(3_000)
  t.strictSame(await accessTokens(late), ['same'])
  t.equal(endpoint.count, 2, 'for members that were not there, too')

  await endpoint.clock.advance(10_000)
  const again = members.map((member) => member.getToken({ rejected: 'id' }))
  await endpoint.clock.advance(3_000)
  t.strictSame(await accessTokens(again), ['same'])
  t.equal(endpoint.count, 3)
})

t.test('a token that was invalidated does not come back from a store that could not delete it', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  const member = join({ store: { ...store, delete: () => Promise.reject(new Error('read only')) } })
  await member.getToken()
  await endpoint.clock.advance(10_000)
  t.equal((await member.getToken({ rejected: 'id-1' })).accessToken, 'token-2')
  await endpoint.clock.advance(6_000)
  t.ok(member.invalidate('id-2'))
  t.equal((await member.getToken()).accessToken, 'token-3')
})

t.test('a fleet whose callers want more life makes one request, even if the token is the same', async (t) => {
  const { endpoint, join } = await startFleet(t)
  endpoint.answer = grant({ access_token: 'same', access_token_id: 'id' })
  const members = Array.from({ length: 6 }, () => join())
  for (const member of members) await member.getToken()
  await endpoint.clock.advance(10_000)
  const calls = members.map((member) => member.getToken({ minimumLifetimeMs: 605_000 }))
  await endpoint.clock.advance(3_000)
  t.strictSame(await accessTokens(calls), ['same'])
  t.equal(endpoint.count, 2)
})
