import type { TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { fail, grant, hang } from '../../support/endpoint.js'
import type { VirtualClock } from '../../support/virtual-clock.js'
import { startFleet } from './fleet.js'

/** The store, whose first answer with an entry lies unread while `stop()` makes the process stand still. */
function unread(store: TokenStore, stop: () => Promise<void> | void, isGone = false): TokenStore {
  let isDue = true
  return {
    ...methodsOf(store),
    async get(key) {
      const found = await store.get(key)
      if (found !== undefined && isDue) {
        isDue = false
        await stop()
        // In the store, its time goes on.
        if (isGone) await store.delete(key, found.entry)
      }
      return found
    }
  }
}

function methodsOf(store: TokenStore): TokenStore {
  return {
    get: (key) => store.get(key),
    set: (...args) => store.set(...args),
    delete: (...args) => store.delete(...args),
    lock: (...args) => store.lock(...args),
    unlock: (...args) => store.unlock(...args)
  }
}

for (const [what, stop] of [
  ['a freeze', (clock: VirtualClock) => clock.freeze(9_000)],
  ['a suspend', (clock: VirtualClock) => clock.suspend(9_000)]
] as const) {
  t.test(`hands out no expired token whose entry it reads after ${what}`, async (t) => {
    const { endpoint, join, store } = await startFleet(t, grant({ expires_in: 20 }))
    await join().getToken()
    await endpoint.clock.advance(14_000)
    const token = await join({ store: unread(store, () => stop(endpoint.clock), true) }).getToken()
    t.equal(token.accessToken, 'token-2')
    t.equal(endpoint.count, 2)
  })
}

t.test('counts the time that an answer of the store lay unread', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  await join().getToken()
  const token = await join({ store: unread(store, () => endpoint.clock.freeze(9_000)) }).getToken()
  t.equal(token.accessToken, 'token-1')
  t.equal(token.expiresIn, 591)
})

t.test('takes no failure that it reads after a freeze for its own', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held(fail(401))
  const failing = t.rejects(join().getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
  await endpoint.untilRequest(1)
  let freezes = 0
  const freeze = () => {
    freezes++
    return new Promise<void>((resolve) => void endpoint.clock.freeze(12_000, resolve))
  }
  const waiting = join({ store: unread(store, freeze) }).getToken()
  await endpoint.clock.advance(900)
  await endpoint.release()
  await failing
  endpoint.answer = grant()
  await endpoint.clock.advance(2_000)
  t.equal((await waiting).accessToken, 'token-2')
  t.equal(freezes, 1)
})

t.test('makes one request after a freeze between its lock and its request', async (t) => {
  const { endpoint, join, store } = await startFleet(t, hang)
  let looks = 0
  let answer = () => {}
  const slow: TokenStore = {
    ...methodsOf(store),
    async get(key) {
      if (looks++ === 1) {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
      }
      return store.get(key)
    }
  }
  const call = join({ store: slow }).getToken()
  while (looks < 2) await endpoint.clock.advance(1)
  await endpoint.clock.freeze(60_000)
  answer()
  await endpoint.clock.advance(1_000)
  t.equal(endpoint.count, 1)
  endpoint.answer = grant()
  await endpoint.clock.advance(5_000)
  t.equal((await call).accessToken, 'token-2')
  t.equal(endpoint.count, 2)
})
