import type { TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { fail, grant, hang } from '../../support/endpoint.js'
import { recordingLogger } from '../../support/recording-logger.js'
import type { VirtualClock } from '../../support/virtual-clock.js'
import { accessTokens, startFleet } from './fleet.js'

/** The store, with a note of each command when it is sent, and when it is answered after `delayMs`. */
function noting(store: TokenStore, clock: VirtualClock, delayMs: (name: keyof TokenStore) => number) {
  const notes: string[] = []
  const noted = new Proxy(store, {
    get:
      (target, name: keyof TokenStore) =>
      async (...args: never[]) => {
        notes.push(name)
        await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs(name)))
        const answer = await (target[name] as (...args: never[]) => unknown)(...args)
        notes.push(`${name} done`)
        return answer
      }
  })
  return { notes, store: noted }
}

t.test('releases the lock once the token is written', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  const slow = noting(store, endpoint.clock, (name) => (name === 'set' ? 100 : 0))
  const call = join({ store: slow.store }).getToken()
  while (!slow.notes.includes('set')) await endpoint.clock.advance(1)
  await endpoint.clock.advance(200)
  await call
  t.strictSame(slow.notes.slice(-4), ['set', 'set done', 'unlock', 'unlock done'])
})

t.test('writes nothing, and releases nothing, before a renewal of the lock is answered', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  const slow = noting(store, endpoint.clock, (name) => (name === 'lock' ? 100 : 0))
  const call = join({ store: slow.store }).getToken()
  await endpoint.untilRequest(1)
  await endpoint.clock.advance(1_050)
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.advance(200)
  await call
  const after = slow.notes.slice(slow.notes.lastIndexOf('lock done'))
  t.strictSame(after, ['lock done', 'set', 'set done', 'unlock', 'unlock done'])
})

t.test('releases no lock before its renewal is answered, if there is no token either', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held(fail(401))
  const slow = noting(store, endpoint.clock, (name) => (name === 'lock' ? 100 : 0))
  const call = t.rejects(join({ store: slow.store }).getToken(), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  })
  await endpoint.untilRequest(1)
  await endpoint.clock.advance(1_050)
  await endpoint.release()
  await endpoint.clock.advance(200)
  await call
  t.equal(slow.notes.filter((note) => note === 'lock').length, 2)
  t.strictSame(slow.notes.slice(-3), ['lock done', 'unlock', 'unlock done'])
})

t.test('writes nothing after another member has taken the lock', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  let locks = 0
  const lost: TokenStore = {
    ...store,
    lock: async (...args) => (locks++ === 0 ? store.lock(...args) : false)
  }
  const watched = noting(lost, endpoint.clock, () => 0)
  const call = join({ store: watched.store }).getToken()
  await endpoint.untilRequest(1)
  await endpoint.clock.advance(1_500)
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.advance(100)
  t.equal((await call).accessToken, 'token-1')
  t.equal(locks, 2)
  t.notOk(watched.notes.includes('set'))
})

t.test('hears of the failure of a holder through a store that takes 240 ms for a command', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held(fail(401))
  const holder = t.rejects(join().getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
  await endpoint.untilRequest(1)
  const slow = noting(store, endpoint.clock, () => 240)
  const waiting = t.rejects(join({ store: slow.store }).getToken(), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  })
  await endpoint.clock.advance(900)
  await endpoint.release()
  await holder
  await endpoint.clock.advance(2_000)
  await waiting
  t.equal(endpoint.count, 1)
})

for (const [what, ttlMs, isHeard] of [
  ['just now', 5_000, true],
  ['in the future', 5_001, false]
] as const) {
  t.test(`${isHeard ? 'believes' : 'ignores'} a failure that was written ${what}`, async (t) => {
    const { endpoint, join, store } = await startFleet(t)
    endpoint.answer = endpoint.held(fail(401))
    const holder = join().getToken()
    holder.catch(() => {})
    await endpoint.untilRequest(1)
    const odd: TokenStore = {
      ...store,
      async get(key) {
        const found = await store.get(key)
        return found && { ...found, ttlMs }
      },
      // The lock of a holder that was killed, so that the failure is looked for again.
      lock: async () => false
    }
    const waiting = join({ store: odd, deadlineMs: 3_000 }).getToken()
    const outcome = waiting.catch(({ code }) => code)
    await endpoint.clock.advance(900)
    await endpoint.release()
    await endpoint.clock.advance(3_000)
    t.equal(
      await outcome,
      isHeard ? 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' : 'ERR_BANDWIDTH_TOKEN_TIMEOUT'
    )
  })
}

t.test('ignores an entry whose life is no number', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  await join().getToken()
  const odd: TokenStore = {
    ...store,
    async get(key) {
      const found = await store.get(key)
      return found && { ...found, ttlMs: Number.NaN }
    }
  }
  t.equal((await join({ store: odd }).getToken()).accessToken, 'token-2')
  t.equal(endpoint.count, 2)
})

t.test('neither writes nor reads an entry of more than 8,192 characters', async (t) => {
  // Sealing makes four characters of three, and adds 28 bytes.
  for (const [length, isShared] of [
    [6_000, true],
    [6_200, false]
  ] as const) {
    const { join, commands, endpoint } = await startFleet(t)
    endpoint.answer = grant({ access_token: 'x'.repeat(length) })
    await accessTokens([join().getToken()])
    t.equal(commands.includes('set'), isShared)
    await join().getToken()
    t.equal(endpoint.count, isShared ? 1 : 2)
  }
})

t.test('asks nothing of a store once it is closed', async (t) => {
  const { endpoint, join, commands } = await startFleet(t, hang)
  join()
    .getToken()
    .catch(() => {})
  await endpoint.untilRequest(1)
  const provider = join()
  const call = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  await endpoint.clock.settle()
  t.ok(commands.includes('lock'), 'it waits for the holder of the lock')
  commands.length = 0
  await provider.close()
  await call
  await endpoint.clock.settle()
  t.strictSame(commands, [])
})

t.test('says nothing of a command that a close has ended, and sends no more', async (t) => {
  const { endpoint, join, store } = await startFleet(t, hang)
  const logger = recordingLogger()
  const hung = noting(store, endpoint.clock, () => 1_000)
  const provider = join({ store: hung.store, logger })
  const call = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  await endpoint.clock.advance(100)
  await provider.close()
  await endpoint.clock.advance(2_000)
  await call
  t.strictSame(logger.warnings(), [])
  t.strictSame(hung.notes, ['get', 'get done'])
})
