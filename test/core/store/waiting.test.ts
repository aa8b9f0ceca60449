import type { TokenStore } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { fail, grant, hang } from '../../support/endpoint.js'
import type { VirtualClock } from '../../support/virtual-clock.js'
import { startFleet } from './fleet.js'

/** The store, with a note of each command: its name, its last number, and when it came. */
function watched(store: TokenStore, clock: VirtualClock) {
  const commands: { name: keyof TokenStore; ttlMs: number; atMs: number }[] = []
  const startMs = clock.monotonic()
  const noting = new Proxy(store, {
    get:
      (target, name: keyof TokenStore) =>
      (...args: never[]) => {
        const ttlMs = Number(args[2])
        commands.push({ name, ttlMs, atMs: clock.monotonic() - startMs })
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  const timesOf = (wanted: keyof TokenStore) =>
    commands.filter(({ name }) => name === wanted).map(({ atMs }) => atMs)
  return { store: noting, commands, timesOf }
}

function fixRandom(t: Test, value: number): void {
  const { random } = Math
  Math.random = () => value
  t.teardown(() => {
    Math.random = random
  })
}

t.test(
  'looks for the token of a holder soon, then ever more seldom, and asks for the lock each second',
  async (t) => {
    const { endpoint, join, store } = await startFleet(t, hang)
    join({ deadlineMs: 60_000, timeoutMs: 60_000 })
      .getToken()
      .catch(() => {})
    await endpoint.untilRequest(1)
    fixRandom(t, 0.3)
    const { store: own, timesOf } = watched(store, endpoint.clock)
    join({ store: own })
      .getToken()
      .catch(() => {})
    await endpoint.clock.advance(2_199)
    t.strictSame(timesOf('lock'), [0, 1_100, 2_100])
    const looks = [0, 20, 60, 140, 300, 500, 700, 900, 1_100, 1_300, 1_500, 1_700, 1_900, 2_100]
    // Before it asks for the lock it looks whether the holder has failed, too.
    t.strictSame(
      timesOf('get'),
      [...looks, 1_100, 2_100].sort((a, b) => a - b)
    )
  }
)

t.test('renews the lock for 3 s each second', async (t) => {
  const { endpoint, join, store } = await startFleet(t, hang)
  const { store: own, commands } = watched(store, endpoint.clock)
  join({ store: own })
    .getToken()
    .catch(() => {})
  await endpoint.clock.advance(2_500)
  t.match(
    commands.filter(({ name }) => name === 'lock'),
    [0, 1_000, 2_000].map((atMs) => ({ ttlMs: 3_000, atMs }))
  )
})

t.test('takes the token of the holder as soon as it is seen', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  const holder = join().getToken()
  await endpoint.untilRequest(1)
  const { store: own, timesOf } = watched(store, endpoint.clock)
  const waiting = join({ store: own }).getToken()
  await endpoint.clock.advance(100)
  await endpoint.release()
  await holder
  await endpoint.clock.advance(400)
  t.equal((await waiting).accessToken, 'token-1')
  t.equal(timesOf('lock').length, 1)
})

t.test('does not take a failure that was told before it began to wait', async (t) => {
  const { endpoint, join } = await startFleet(t, fail(503))
  const failing = t.rejects(join().getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
  await endpoint.clock.advance(500)
  await failing
  endpoint.answer = endpoint.held()
  const holder = join().getToken()
  const waiting = join().getToken()
  await endpoint.clock.advance(2_500)
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.advance(500)
  t.equal((await waiting).accessToken, (await holder).accessToken)
})

t.test('waits for a holder at a store that takes 180 ms for a command', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  const { clock } = endpoint
  const slow = new Proxy(store, {
    get:
      (target, name: keyof TokenStore) =>
      async (...args: never[]) => {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 180))
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  const holder = join().getToken()
  await endpoint.untilRequest(1)
  const waiting = join({ store: slow }).getToken()
  await clock.advance(3_500)
  t.equal(endpoint.count, 1)
  await endpoint.release()
  await clock.advance(1_000)
  t.equal((await waiting).accessToken, (await holder).accessToken)
  t.equal(endpoint.count, 1)
})

t.test('fetches its own token as soon as the store fails while it waits', async (t) => {
  const { endpoint, join, store } = await startFleet(t, hang)
  join()
    .getToken()
    .catch(() => {})
  await endpoint.untilRequest(1)
  let isDown = false
  const failing = new Proxy(store, {
    get: (target, name: keyof TokenStore) =>
      isDown ? () => Promise.reject(new Error('down')) : target[name].bind(target)
  })
  endpoint.answer = grant()
  const waiting = join({ store: failing }).getToken()
  await endpoint.clock.advance(100)
  isDown = true
  await endpoint.clock.advance(400)
  t.equal((await waiting).accessToken, 'token-2')
})

t.test('takes a token that was written between its look and its lock', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  await join().getToken()
  let looks = 0
  const late: TokenStore = {
    ...store,
    get: async (key) => (looks++ === 0 ? undefined : store.get(key))
  }
  t.equal((await join({ store: late }).getToken()).accessToken, 'token-1')
  t.equal(looks, 2)
  t.equal(endpoint.count, 1)
})

t.test('renews no lock at a store that has failed', async (t) => {
  const { endpoint, join, store } = await startFleet(t, hang)
  const down = new Proxy(store, { get: () => () => Promise.reject(new Error('down')) })
  const { store: own, timesOf } = watched(down, endpoint.clock)
  join({ store: own })
    .getToken()
    .catch(() => {})
  await endpoint.clock.advance(2_500)
  t.strictSame(timesOf('lock'), [])
})

t.test('releases the lock once the members that wait can read of the failure', async (t) => {
  const { endpoint, join, store } = await startFleet(t, fail(400))
  const done: string[] = []
  const slow: TokenStore = {
    ...store,
    set: async (...args) => {
      t.equal(args[2], 5_000, 'for as long as members look for it')
      await new Promise<void>((resolve) => endpoint.clock.setTimeout(resolve, 100))
      done.push('set')
      return store.set(...args)
    },
    unlock: async (...args) => {
      done.push('unlock')
      return store.unlock(...args)
    }
  }
  const failing = t.rejects(join({ store: slow }).getToken(), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  })
  await endpoint.clock.advance(500)
  await failing
  t.strictSame(done, ['set', 'unlock'])
})
