import { randomBytes } from 'node:crypto'
import type { TokenProvider, TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { fail, grant, hang } from '../../support/endpoint.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { accessTokens, KEY, startFleet } from './fleet.js'

t.test('makes one request for all members that are cold at once', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const members = Array.from({ length: 20 }, () => join())
  const calls = members.map((member) => member.getToken())
  await endpoint.clock.advance(2_000)
  t.strictSame(await accessTokens(calls), ['token-1'])
  t.equal(endpoint.count, 1)
})

t.test('hands out the life that is left, and its own identity only', async (t) => {
  const { endpoint, join } = await startFleet(t)
  await join().getToken()
  await endpoint.clock.advance(100_000)
  const shared = await join().getToken()
  t.equal(shared.accessToken, 'token-1')
  t.equal(shared.expiresIn, 500)
  t.equal(shared.accessTokenId, 'id-1')
  for (const other of [
    { clientSecret: 'another' },
    { clientId: 'another' },
    { scope: 'another' },
    { storeKeys: [randomBytes(32).toString('base64')] }
  ]) {
    t.not((await join(other).getToken()).accessToken, 'token-1', JSON.stringify(Object.keys(other)))
  }
  t.not((await join().getToken({ account: 'ada' })).accessToken, 'token-1')
})

t.test('refreshes at once what it finds after its refresh instant', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const first = join()
  await first.getToken()
  await first.close()
  await endpoint.clock.advance(585_000)
  const member = join()
  const callers = await Promise.all([member.getToken(), member.getToken()])
  t.strictSame(
    callers.map(({ accessToken }) => accessToken),
    ['token-1', 'token-1']
  )
  await endpoint.clock.settle()
  t.equal(endpoint.count, 2)
  t.equal(member.peek()?.accessToken, 'token-2')
})

t.test('elects one member for each refresh; the others read, one command each', async (t) => {
  const { endpoint, join, commands } = await startFleet(t)
  const members = Array.from({ length: 50 }, () => join())
  const all = () => Promise.all(members.map((member) => member.getToken()))
  const cold = all()
  await endpoint.clock.advance(2_000)
  await cold
  const lives = 5
  commands.length = 0
  for (let second = 0; second < lives * 580; second += 10) {
    await all()
    await endpoint.clock.advance(10_000)
  }
  t.ok(endpoint.count >= lives && endpoint.count <= lives + 2, `${endpoint.count} requests`)
  const perLife = commands.length / members.length / (endpoint.count - 1)
  t.ok(perLife <= 3, `${perLife} commands a member and life`)
})

t.test('waits for a holder that is alive, and cools down by itself where that fails', async (t) => {
  const { endpoint, join } = await startFleet(t)
  endpoint.answer = endpoint.held(fail(401))
  const [holder, other] = [join(), join()]
  const first = t.rejects(holder.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
  await endpoint.clock.settle()
  const second = t.rejects(other.getToken(), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    retryAfter: 60
  })
  await endpoint.clock.advance(1_500)
  t.equal(endpoint.count, 1)
  await endpoint.release()
  await first
  await endpoint.clock.advance(2_500)
  await second
  t.equal(endpoint.count, 1)
  t.match(other.status(), { state: 'cooling', consecutiveFailures: 1 })
})

t.test('starts a cool-down of its own where its deadline ends while it waits', async (t) => {
  const { endpoint, join } = await startFleet(t, hang)
  const holder = join({ timeoutMs: 60_000, deadlineMs: 60_000 })
  holder.getToken().catch(() => {})
  await endpoint.clock.settle()
  const other = join()
  const waiting = t.rejects(other.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' })
  await endpoint.clock.advance(10_000)
  await waiting
  t.equal(endpoint.count, 1)
  t.match(other.status(), { state: 'cooling', consecutiveFailures: 1 })
})

t.test('takes over from a holder that was killed, within 5 s and by one request', async (t) => {
  const { endpoint, join } = await startFleet(t, hang)
  join()
    .getToken()
    .catch(() => {})
  await endpoint.clock.advance(1_500)
  // Who is dead has no timers, of its lock and its attempts neither.
  endpoint.clock.timers.clear()
  const others = Array.from({ length: 10 }, () => join())
  const calls = others.map((member) => member.getToken())
  endpoint.answer = grant()
  await endpoint.clock.advance(5_000)
  t.strictSame(await accessTokens(calls), ['token-2'])
  t.equal(endpoint.count, 2)
})

t.test('replaces a rejected token once for the whole fleet', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const members = Array.from({ length: 10 }, () => join())
  const cold = members.map((member) => member.getToken())
  await endpoint.clock.advance(2_000)
  await Promise.all(cold)
  await endpoint.clock.advance(10_000)
  const named = members.slice(0, 5).map((member) => member.getToken({ rejected: 'token-1' }))
  await endpoint.clock.advance(2_000)
  t.strictSame(await accessTokens(named), ['token-2'])
  t.equal(
    (await (members[9] as TokenProvider).getToken()).accessToken,
    'token-1',
    'others go on being served'
  )
  const late = members.slice(5).map((member) => member.getToken({ rejected: 'id-1' }))
  await endpoint.clock.advance(2_000)
  t.strictSame(await accessTokens(late), ['token-2'])
  t.equal(endpoint.count, 2)

  await endpoint.clock.advance(5_000)
  const again = members.map((member) => member.getToken({ rejected: 'token-2' }))
  await endpoint.clock.advance(2_000)
  t.strictSame(await accessTokens(again), ['token-2'], 'at most one per 30 s')
  t.equal(endpoint.count, 2)
  t.equal((await join().getToken()).accessToken, 'token-2', 'a new member knows of it')
})

t.test('replaces a rejected token once, even if its replacement lives shorter', async (t) => {
  const { endpoint, join } = await startFleet(t, grant({ expires_in: 3_600 }))
  const members = Array.from({ length: 6 }, () => join())
  for (const member of members) await member.getToken()
  await endpoint.clock.advance(10_000)
  endpoint.answer = grant({ expires_in: 600 })
  for (const member of members) {
    t.equal((await member.getToken({ rejected: 'token-1' })).accessToken, 'token-2')
  }
  t.equal(endpoint.count, 2)
})

t.test('leaves a rejected token to new members until it is replaced; invalidate() takes it', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const member = join()
  await member.getToken()
  await endpoint.clock.advance(10_000)
  endpoint.answer = fail(503)
  const refused = t.rejects(member.getToken({ rejected: 'token-1' }))
  await endpoint.clock.advance(1_000)
  await refused
  t.equal((await join().getToken()).accessToken, 'token-1')
  t.equal(member.invalidate('token-1'), true)
  await endpoint.clock.settle()
  const stranger = t.rejects(join().getToken())
  await endpoint.clock.advance(1_000)
  await stranger
})

t.test('overwrites nothing newer after a freeze', async (t) => {
  const { endpoint, join } = await startFleet(t)
  endpoint.answer = endpoint.held()
  const frozen = join()
  const slow = frozen.getToken()
  await endpoint.clock.settle()
  const arm = [...endpoint.clock.timers]
  for (const timer of arm) endpoint.clock.timers.delete(timer)
  await endpoint.clock.advance(3_500)
  endpoint.answer = grant()
  t.equal((await join().getToken()).accessToken, 'token-2')
  for (const timer of arm) endpoint.clock.timers.add(timer)
  await endpoint.release()
  t.equal((await slow).accessToken, 'token-1')
  t.equal((await join().getToken()).accessToken, 'token-2')
})

t.test('takes no lock again that it has lost in a freeze', async (t) => {
  for (const isSent of [true, false]) {
    const { endpoint, join, store } = await startFleet(t)
    endpoint.answer = endpoint.held()
    const renewals: (() => void)[] = []
    let locks = 0
    const lock: TokenStore['lock'] = async (...args) => {
      if (locks++ > 0 && isSent) await new Promise<void>((resolve) => renewals.push(resolve))
      return store.lock(...args)
    }
    const late = new Proxy(store, {
      get: (target, name: keyof TokenStore) => (name === 'lock' ? lock : target[name])
    })
    const slow = join({ store: late, timeoutMs: 60_000, deadlineMs: 60_000 }).getToken()
    await endpoint.clock.settle()
    // One renewal is on its way for as long as the process stands still.
    if (isSent) await endpoint.clock.advance(1_000)
    const frozen = [...endpoint.clock.timers]
    for (const timer of frozen) endpoint.clock.timers.delete(timer)
    await endpoint.clock.advance(3_500)
    endpoint.answer = grant()
    t.equal((await join().getToken()).accessToken, 'token-2')
    for (const timer of frozen) endpoint.clock.timers.add(timer)
    t.equal(renewals.length, isSent ? 1 : 0)
    for (const arrive of renewals) arrive()
    // The renewal that comes due fires before the answer is read.
    await endpoint.clock.advance(0)
    await endpoint.release()
    t.equal((await slow).accessToken, 'token-1')
    t.equal((await join().getToken()).accessToken, 'token-2', `${isSent ? 'sent' : 'due'}`)
  }
})

t.test('writes nothing behind a renewal of the lock that the store may carry out late', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  const stalled: (() => void)[] = []
  let isStalled = false
  // One connection: what is sent on it arrives late, and in order.
  const far = new Proxy(store, {
    get:
      (target, name: keyof TokenStore) =>
      async (...args: never[]) => {
        if (isStalled) await new Promise<void>((resolve) => stalled.push(resolve))
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  const slow = join({ store: far }).getToken()
  await endpoint.clock.settle()
  isStalled = true
  await endpoint.clock.advance(1_000)
  await endpoint.release()
  await endpoint.clock.advance(250)
  t.equal((await slow).accessToken, 'token-1')
  await endpoint.clock.advance(2_000)
  endpoint.answer = grant()
  t.equal((await join().getToken()).accessToken, 'token-2')
  isStalled = false
  t.ok(stalled.length > 0, 'the renewal is on its way')
  for (const arrive of stalled) arrive()
  await endpoint.clock.settle()
  t.equal((await join().getToken()).accessToken, 'token-2')
})

t.test(
  'writes nothing after a renewal of the lock that failed, since it may still be on its way',
  async (t) => {
    const { endpoint, join, store, commands } = await startFleet(t)
    endpoint.answer = endpoint.held()
    let locks = 0
    const lock: TokenStore['lock'] = async (...args) => {
      if (locks++ > 0) throw new Error('a time limit of the client')
      return store.lock(...args)
    }
    const flaky = new Proxy(store, {
      get: (target, name: keyof TokenStore) => (name === 'lock' ? lock : target[name])
    })
    const call = join({ store: flaky }).getToken()
    await endpoint.clock.advance(1_000)
    await endpoint.release()
    t.equal((await call).accessToken, 'token-1')
    t.equal(locks, 2)
    t.notOk(commands.includes('set'))
  }
)

t.test('shares its token after the answer to a renewal of the lock that was on its way', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  endpoint.answer = endpoint.held()
  let locks = 0
  let arrive = () => {}
  const lock: TokenStore['lock'] = async (...args) => {
    if (locks++ > 0) await new Promise<void>((resolve) => (arrive = resolve))
    return store.lock(...args)
  }
  const late = new Proxy(store, {
    get: (target, name: keyof TokenStore) => (name === 'lock' ? lock : target[name])
  })
  const call = join({ store: late }).getToken()
  await endpoint.clock.advance(1_000)
  await endpoint.release()
  arrive()
  t.equal((await call).accessToken, 'token-1')
  t.equal((await join().getToken()).accessToken, 'token-1')
})

for (const [what, broken] of [
  ['rejects', () => Promise.reject(new Error('down, password hunter2'))],
  [
    'throws',
    () => {
      throw new Error('hunter2')
    }
  ],
  ['hangs', () => new Promise(() => {})]
] as const) {
  t.test(`carries on alone where the store ${what}`, async (t) => {
    const { endpoint, join, store } = await startFleet(t)
    let isBroken = true
    const logger = recordingLogger()
    const member = join({
      logger,
      store: new Proxy(store, {
        get: (target, name: keyof TokenStore) => (isBroken ? broken : target[name])
      }) as TokenStore
    })
    const call = member.getToken()
    await endpoint.clock.advance(500)
    t.equal((await call).accessToken, 'token-1')
    t.equal(logger.warnings().length, 1)
    t.notMatch(JSON.stringify(logger.lines), 'hunter2')
    isBroken = false
    t.ok(await member.getToken({ account: 'b' }))
    t.ok(await join().getToken({ account: 'b' }))
    t.equal(endpoint.count, 2)
  })
}

t.test('says once that the store may only be read, and once that it may be written to again', async (t) => {
  const { join, store } = await startFleet(t)
  let isReadOnly = true
  const lock: TokenStore['lock'] = async (...args) => {
    if (isReadOnly) throw new Error('READONLY')
    return store.lock(...args)
  }
  const replica = new Proxy(store, {
    get: (target, name: keyof TokenStore) => (name === 'lock' ? lock : target[name])
  })
  const logger = recordingLogger()
  const member = join({ store: replica, logger })
  const said = () => logger.lines.map(({ message }) => message).filter((message) => /store/.test(message))
  for (const account of ['a', 'b', 'c']) await member.getToken({ account })
  t.match(said(), [/failed/])
  isReadOnly = false
  for (const account of ['d', 'e']) await member.getToken({ account })
  t.match(said(), [/failed/, /answers again/])
  t.equal(said().length, 2)
})

for (const [what, garble] of [
  ['garbage', () => 'garbage'],
  ['nothing', () => ''],
  ['a text of another length', (entry: string) => entry.slice(0, -1)],
  ['a tampered text', (entry: string) => `${entry[0] === 'A' ? 'B' : 'A'}${entry.slice(1)}`],
  ['far too much', () => 'A'.repeat(1_000_000)]
] as const) {
  t.test(`takes ${what} in the store for nothing`, async (t) => {
    const { endpoint, join, store } = await startFleet(t)
    await join().getToken()
    const broken: TokenStore = {
      ...store,
      get: async (key) => {
        const found = await store.get(key)
        return found && { ...found, entry: garble(found.entry) }
      },
      set: store.set,
      delete: store.delete,
      lock: store.lock,
      unlock: store.unlock
    }
    t.equal((await join({ store: broken }).getToken()).accessToken, 'token-2')
    t.equal(endpoint.count, 2)
  })
}

t.test('reads under the names of all keys, and writes under that of the first', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const next = randomBytes(32).toString('base64')
  await join().getToken()
  t.equal((await join({ storeKeys: [next, KEY] }).getToken()).accessToken, 'token-1')
  t.equal((await join({ storeKeys: [next] }).getToken()).accessToken, 'token-2')
  t.equal(endpoint.count, 2)
})

t.test('locks under the name of the first key, and releases that lock', async (t) => {
  const { join, store } = await startFleet(t)
  const next = randomBytes(32).toString('base64')
  const keys: Record<string, Set<unknown>> = {}
  const spy = new Proxy(store, {
    get:
      (target, name: keyof TokenStore) =>
      (...args: never[]) => {
        keys[name] = (keys[name] ?? new Set()).add(args[0])
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  await join({ store: spy, storeKeys: [next, KEY] }).getToken()
  const [first] = keys['get'] ?? []
  t.equal(keys['get']?.size, 2)
  for (const name of ['lock', 'set', 'unlock']) t.strictSame([...(keys[name] ?? [])], [first], name)
})

t.test('counts no more life than the store has left for the entry', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  await join().getToken()
  const get: TokenStore['get'] = async (key) => {
    const found = await store.get(key)
    return found && { ...found, ttlMs: 120_000 }
  }
  const short = new Proxy(store, {
    get: (target, name: keyof TokenStore) => (name === 'get' ? get : target[name])
  })
  const token = await join({ store: short }).getToken()
  t.equal(token.accessToken, 'token-1')
  t.equal(token.expiresIn, 120)
  t.equal(endpoint.count, 1)
})

t.test('hands out the token of another until its own margin, which the whole life of it sets', async (t) => {
  // Of 80 s, the last 8 are the margin. Of the 12 s that the second member sees, 1.2 would be.
  const { endpoint, join } = await startFleet(t, grant({ expires_in: 80 }))
  const first = join()
  await first.getToken()
  await first.close()
  endpoint.answer = hang
  await endpoint.clock.advance(68_000)
  const member = join()
  t.equal((await member.getToken()).accessToken, 'token-1')
  await endpoint.clock.advance(3_900)
  t.equal(member.peek()?.accessToken, 'token-1')
  await endpoint.clock.advance(200)
  t.equal(member.peek(), undefined)
})

t.test('never counts more life than the date in the entry allows, a minute for clocks apart', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  const old: { key: string; entry: string }[] = []
  const spy: TokenStore = {
    ...store,
    get: store.get,
    delete: store.delete,
    lock: store.lock,
    unlock: store.unlock,
    set: (key, entry, ...rest) => {
      old.push({ key, entry })
      return store.set(key, entry, ...rest)
    }
  }
  await join({ store: spy }).getToken()
  await endpoint.clock.advance(620_000)
  const { key, entry } = old[0] as { key: string; entry: string }
  await store.set(key, entry, 600_000)
  const [wrong] = [await join().getToken()]
  t.ok(wrong.expiresIn <= 40, `${wrong.expiresIn} s`)
  await endpoint.clock.advance(60_000)
  await store.set(key, entry, 600_000)
  t.not((await join().getToken()).accessToken, 'token-1')
})

t.test('leaves neither a timer nor a lock when it is closed while it fetches or waits', async (t) => {
  const { endpoint, join } = await startFleet(t, hang)
  const [holder, other] = [join(), join()]
  const calls = [holder, other].map((member) =>
    t.rejects(member.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  )
  await endpoint.clock.advance(300)
  await Promise.all([holder.close(), other.close()])
  await Promise.all(calls)
  await endpoint.clock.settle()
  t.strictSame(
    [...endpoint.clock.timers].map(({ atMs }) => atMs - endpoint.clock.monotonic()),
    []
  )
  endpoint.answer = grant()
  t.ok(await join().getToken())
})

t.test('sees neither token nor secret, nor two texts that are the same', async (t) => {
  const { join, store } = await startFleet(t)
  const seen: string[] = []
  const spy = new Proxy(store, {
    get:
      (target, name: keyof TokenStore) =>
      (...args: never[]) => {
        seen.push(...args.map(String))
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  await join({ store: spy, clientSecret: 'correct-horse-battery' }).getToken({ account: 'ada-lovelace' })
  const all = seen.join('\n')
  for (const secret of ['token-1', 'id-1', 'correct-horse', 'client', 'ada-lovelace', '127.0.0.1']) {
    t.notMatch(all, secret)
    t.notMatch(all, Buffer.from(secret).toString('base64url').slice(0, -1))
  }
})
