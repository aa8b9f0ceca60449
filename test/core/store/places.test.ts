import type { TokenStore } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { type Answer, fail, grant, hang } from '../../support/endpoint.js'
import { startFleet } from './fleet.js'

const PER_ACCOUNT = {
  clientId: undefined,
  clientSecret: undefined,
  credentials: () => ({ clientId: 'client', clientSecret: 'a secret of the client' })
}
const TIMEOUT = { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' }

t.test('waits for a place until the deadline without a cool-down, with a store as without', async (t) => {
  const { endpoint, join } = await startFleet(t, hang)
  const options = { ...PER_ACCOUNT, timeoutMs: 20_000, deadlineMs: 20_000 }
  for (const provider of [join(options), endpoint.provider(t, options)]) {
    endpoint.requests.length = 0
    const hanging = Array.from({ length: 64 }, (_, account) => provider.getToken({ account: `${account}` }))
    for (const call of hanging) call.catch(() => {})
    const late = t.rejects(provider.getToken({ account: 'late' }), { ...TIMEOUT, attempts: undefined })
    await endpoint.clock.advance(20_000)
    await late
    t.equal(endpoint.count, 64)
    t.match(provider.status('late'), { state: 'empty', consecutiveFailures: 0, lastErrorCode: undefined })
  }
})

t.test('takes no lock for an account that waits for a place', async (t) => {
  const { endpoint, join, commands } = await startFleet(t, hang)
  const provider = join()
  const calls = Array.from({ length: 300 }, (_, account) => provider.getToken({ account: `${account}` }))
  for (const call of calls) call.catch(() => {})
  while (endpoint.count < 64) await endpoint.clock.advance(10)
  await endpoint.clock.advance(500)
  t.equal(commands.filter((name) => name === 'lock').length, 64)
  await provider.close()
})

t.test('takes no lock once the deadline of a wait for a place has ended', async (t) => {
  const { endpoint, join, store } = await startFleet(t, hang)
  const { clock } = endpoint
  const locked = new Set<string>()
  const watched: TokenStore = {
    ...store,
    lock: (key, owner, ttlMs) => {
      locked.add(key)
      return store.lock(key, owner, ttlMs)
    }
  }
  const provider = join({
    ...PER_ACCOUNT,
    credentials: async (account) => {
      // It queues after the others, and its deadline ends before theirs.
      if (account === 'late') await new Promise<void>((resolve) => clock.setTimeout(resolve, 1_000))
      return PER_ACCOUNT.credentials()
    },
    store: watched,
    timeoutMs: 20_000,
    deadlineMs: 20_000
  })
  const late = t.rejects(provider.getToken({ account: 'late' }), TIMEOUT)
  await clock.advance(500)
  for (let account = 0; account < 64; account++) provider.getToken({ account: `${account}` }).catch(() => {})
  await clock.advance(19_900)
  await late
  t.equal(locked.size, 64)
})

t.test('takes no lock while its client has to wait for what Retry-After asked for', async (t) => {
  const { endpoint, join } = await startFleet(t, fail(503, { 'Retry-After': '9' }))
  const [told, other] = [join(), join()]
  const first = told.getToken({ account: 'told' })
  await endpoint.untilRequest(1)
  await endpoint.clock.settle()
  endpoint.answer = grant()
  const waiting = told.getToken({ account: 'shared' })
  await endpoint.clock.advance(500)
  t.match(await other.getToken({ account: 'shared' }), { accessToken: 'token-2' }, 'at once')
  await endpoint.clock.advance(9_000)
  t.match(await waiting, { accessToken: 'token-2' })
  t.ok(await first)
  t.equal(endpoint.count, 3)
})

/** A member that waits for the lock of another one, while its own client has to wait for 8 s. */
async function stageOfWaiting(t: Test, answer: Answer) {
  const { endpoint, join } = await startFleet(t)
  endpoint.answer = endpoint.held(answer)
  const holding = join().getToken({ account: 'shared' })
  await endpoint.untilRequest(1)
  const member = join()
  const waiting = member.getToken({ account: 'shared' })
  endpoint.answer = fail(429, { 'Retry-After': '8' })
  const told = member.getToken({ account: 'told' })
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  return { endpoint, holding, waiting, told }
}

t.test('gets the token of the holder of the lock while its own client has to wait', async (t) => {
  const { endpoint, holding, waiting, told } = await stageOfWaiting(t, grant())
  endpoint.answer = grant()
  await endpoint.clock.advance(2_500)
  await endpoint.release()
  t.match(await holding, { accessToken: 'token-1' })
  let got = ''
  void waiting.then(({ accessToken }) => {
    got = accessToken
  })
  await endpoint.clock.advance(500)
  t.equal(got, 'token-1')
  await endpoint.clock.advance(6_000)
  t.ok(await told)
  t.equal(endpoint.count, 3)
})

t.test('is told that the holder of the lock has failed while its own client has to wait', async (t) => {
  const { endpoint, holding, waiting, told } = await stageOfWaiting(t, fail(503))
  endpoint.answer = fail(503)
  for (const call of [holding, told]) call.catch(() => {})
  let code = ''
  waiting.catch((error) => {
    code = error.code
  })
  await endpoint.clock.advance(1_500)
  await endpoint.release()
  await endpoint.clock.advance(2_500)
  t.equal(code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
  t.equal(endpoint.count, 4, 'three of the holder, and the one that was told to wait')
})

t.test('sends no command for each of many accounts whose probe fails', async (t) => {
  const { endpoint, join, commands } = await startFleet(t, fail(503))
  const provider = join()
  const first = provider.getToken().catch(() => {})
  await endpoint.clock.advance(400)
  await first
  await endpoint.clock.advance(1_000)
  endpoint.answer = endpoint.held(fail(503))
  const probing = provider.getToken({ account: 'probe' }).catch(() => {})
  await endpoint.untilRequest(4)
  const calls = Array.from({ length: 200 }, (_, account) =>
    provider.getToken({ account: `${account}` }).catch(({ code }) => code)
  )
  await endpoint.clock.settle()
  commands.length = 0
  await endpoint.release()
  await endpoint.clock.settle()
  await probing
  t.strictSame([...new Set(await Promise.all(calls))], ['ERR_BANDWIDTH_TOKEN_UNAVAILABLE'])
  t.equal(commands.filter((name) => name === 'lock').length, 0)
  t.equal(endpoint.count, 4)
})

t.test('tells who cannot wait for it how much is left of what Retry-After asked for', async (t) => {
  const { endpoint, join } = await startFleet(t, hang)
  const holder = join({ deadlineMs: 60_000, timeoutMs: 60_000 })
  holder.getToken({ account: 'shared' }).catch(() => {})
  await endpoint.untilRequest(1)
  const member = join()
  const refused = member.getToken({ account: 'shared' }).catch((error) => error)
  await endpoint.clock.advance(3_000)
  endpoint.answer = fail(503, { 'Retry-After': '9' })
  const told = member.getToken({ account: 'told' })
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  endpoint.answer = grant()
  await holder.close()
  await endpoint.clock.advance(2_000)
  const { code, retryAfter } = await refused
  t.equal(code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
  t.ok(retryAfter >= 7 && retryAfter <= 9, `${retryAfter} s`)
  t.match(member.status('shared'), { state: 'empty', consecutiveFailures: 0 }, 'it is no verdict')
  await endpoint.clock.advance(8_000)
  t.ok(await told)
})

t.test('gives its place back while it waits for the holder of the lock', async (t) => {
  const { endpoint, join } = await startFleet(t, hang)
  const holder = join({ deadlineMs: 60_000, timeoutMs: 60_000 })
  const held = Array.from({ length: 64 }, (_, account) => holder.getToken({ account: `${account}` }))
  for (const call of held) call.catch(() => {})
  while (endpoint.count < 64) await endpoint.clock.advance(10)

  const provider = join()
  const waiting = Array.from({ length: 64 }, (_, account) => provider.getToken({ account: `${account}` }))
  for (const call of waiting) call.catch(() => {})
  await endpoint.clock.advance(100)
  endpoint.answer = grant()
  const free = provider.getToken({ account: 'free' })
  await endpoint.clock.advance(200)
  t.match(await free, { accessToken: 'token-65' })
})

t.test('leaves all of its places to others when it waited for a lock in vain', async (t) => {
  const { endpoint, join, store } = await startFleet(t, hang)
  let isFree = false
  const held: TokenStore = { ...store, lock: async (...args) => isFree && store.lock(...args) }
  const provider = join({ ...PER_ACCOUNT, store: held, deadlineMs: 3_000 })
  const ask = (name: string) =>
    Array.from({ length: 64 }, (_, account) => provider.getToken({ account: `${name} ${account}` }))
  const waiting = ask('waiting').map((call) => t.rejects(call, TIMEOUT))
  await endpoint.clock.advance(4_000)
  await Promise.all(waiting)
  t.equal(endpoint.count, 0)

  isFree = true
  for (const call of ask('later')) call.catch(() => {})
  await endpoint.clock.advance(100)
  t.equal(endpoint.count, 64)
})

t.test('keeps the fetched token of a caller whose deadline ends while the store hangs', async (t) => {
  const { endpoint, store, join } = await startFleet(t)
  const hangs = new Proxy(store, {
    get: (target, name: keyof typeof store) =>
      name === 'set' ? () => new Promise(() => {}) : target[name].bind(target)
  })
  endpoint.answer = endpoint.held()
  const provider = join({ store: hangs, deadlineMs: 3_000 })
  const call = provider.getToken()
  await endpoint.clock.advance(2_900)
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.advance(400)
  t.match(await call, { accessToken: 'token-1' })
  t.match(provider.status(), { state: 'fresh', consecutiveFailures: 0 })
})

for (const changed of ['clientId', 'clientSecret'] as const) {
  t.test(`shares no token under an identity whose ${changed} changed before a retry`, async (t) => {
    const { endpoint, join } = await startFleet(t, fail(503))
    const first = { clientId: 'client', clientSecret: 'first secret' }
    const second = { ...first, [changed]: 'another one' }
    const answers = [first]
    const provider = join({
      clientId: undefined,
      clientSecret: undefined,
      credentials: () => answers.shift() ?? second
    })
    const call = provider.getToken()
    while (endpoint.count < 1) await endpoint.clock.advance(1)
    endpoint.answer = grant()
    await endpoint.clock.advance(300)
    t.match(await call, { accessToken: 'token-2' })
    for (const [credentials, requests] of [
      [first, 3],
      [second, 4]
    ] as const) {
      await join(credentials).getToken()
      t.equal(endpoint.count, requests)
    }
  })
}
