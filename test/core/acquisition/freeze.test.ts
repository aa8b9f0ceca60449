import { Readable } from 'node:stream'
import type { TokenProviderOptions } from '@bandwidth-token/core'
import { TokenProvider } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { CLOSED, saysNothing, stoodStill } from '../../support/core-internals.js'
import { turns, VirtualClock } from '../../support/virtual-clock.js'
import { memoryEndpoint } from './memory-endpoint.js'

const REFUSED = { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', retryAfter: 60 }

/** A provider with an endpoint in memory. */
function stage(t: Test, options: { credentials?: () => Promise<never> } = {}) {
  const clock = new VirtualClock()
  const { dispatcher, requests, answer } = memoryEndpoint()
  const provider = new TokenProvider({
    ...(options.credentials ?? { clientId: 'client', clientSecret: 'secret' }),
    ...options,
    clock,
    dispatcher
  } as unknown as TokenProviderOptions)
  t.teardown(() => provider.close())
  return { clock, requests, provider, answer }
}

/** The same, after the first token. */
async function stageWithToken(t: Test) {
  const staged = stage(t)
  const first = staged.provider.getToken()
  await turns(1)
  staged.answer(0)
  await first
  return staged
}

t.test('asks again after a freeze during a first request', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = provider.getToken()
  await turns(1)
  await clock.freeze(12_000)
  t.equal(requests.length, 2)
  answer(1)
  t.equal((await waiting).accessToken, 'token-2')
  t.match(provider.status(), { state: 'fresh', consecutiveFailures: 0 })
})

t.test('takes the answer that arrived while it stood still', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = provider.getToken()
  await turns(1)
  await clock.freeze(12_000, () => answer(0))
  t.equal((await waiting).accessToken, 'token-1')
  t.equal(requests.length, 1)
})

t.test('asks again where the token of that answer is dead by now', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = provider.getToken()
  await turns(1)
  await clock.freeze(700_000, () => answer(0))
  t.equal(requests.length, 2)
  answer(1)
  t.equal((await waiting).accessToken, 'token-2')
})

t.test('takes no connection that broke meanwhile for a failure', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = provider.getToken()
  await turns(1)
  // The error may come before any timer has fired.
  const before = [...clock.timers]
  clock.timers.clear()
  await clock.freeze(12_000, () => requests[0]?.reject(Object.assign(new Error('x'), { code: 'ECONNRESET' })))
  for (const timer of before) clock.timers.add(timer)
  t.equal(requests.length, 2)
  answer(1)
  t.equal((await waiting).accessToken, 'token-2')
  t.equal(provider.status().consecutiveFailures, 0)
})

t.test('lets a status be a verdict, however late it is read', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = t.rejects(provider.getToken(), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    retryAfter: 60
  })
  await turns(1)
  await clock.freeze(12_000, () => answer(0, 401))
  await waiting
  t.equal(requests.length, 1)
})

t.test('gives the first caller after a freeze in a refresh what is due', async (t) => {
  const { clock, requests, provider, answer } = await stageWithToken(t)
  while (requests.length < 2) await clock.advance(1_000)
  // Whenever the refresh began, the token is past its hard line after that.
  await clock.freeze(21_000)
  const waiting = provider.getToken()
  await turns(2)
  answer(requests.length - 1)
  t.equal((await waiting).accessToken, `token-${requests.length}`)
})

t.test('asks for a longer life once per 5 s, counted from the attempt after the freeze', async (t) => {
  const { clock, requests, provider, answer } = await stageWithToken(t)
  const longer = { minimumLifetimeMs: 4_000_000 }
  await clock.advance(5_000)
  const waiting = provider.getToken(longer)
  await turns(1)
  await clock.freeze(6_000)
  t.equal(requests.length, 3, 'it has begun anew')
  answer(2)
  t.equal((await waiting).accessToken, 'token-3')
  t.equal((await provider.getToken(longer)).accessToken, 'token-3')
  await clock.advance(4_999)
  t.equal((await provider.getToken(longer)).accessToken, 'token-3')
  t.equal(requests.length, 3)
  await clock.advance(1)
  void provider.getToken(longer).catch(() => {})
  await turns(1)
  t.equal(requests.length, 4)
})

t.test('begins anew after a suspend, in which one clock stands still', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = provider.getToken()
  await turns(1)
  clock.suspend(1_200_000)
  await clock.advance(4_000)
  t.equal(requests.length, 2)
  answer(1)
  t.equal((await waiting).accessToken, 'token-2')
})

t.test('counts the attempts before a freeze, too, in what it tells of them', async (t) => {
  const { clock, requests, provider } = stage(t)
  const failing = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', attempts: 4 })
  await turns(1)
  await clock.freeze(12_000)
  await clock.advance(14_000)
  await failing
  t.equal(requests.length, 4)
})

t.test('begins the deadline anew too', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = provider.getToken()
  await turns(1)
  await clock.freeze(12_000)
  await clock.advance(9_000)
  t.equal(requests.length, 4, 'attempts of 4 s each')
  answer(3)
  t.equal((await waiting).accessToken, 'token-4')
})

t.test('gives up after three freezes while somebody waits', async (t) => {
  const { clock, requests, provider } = stage(t)
  const waiting = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' })
  await turns(1)
  for (let freeze = 0; freeze < 4; freeze++) await clock.freeze(12_000)
  await waiting
  t.equal(requests.length, 4)
  t.match(provider.status(), { state: 'cooling', consecutiveFailures: 1 })
})

t.test('asks a function for credentials anew that hung while it stood still', async (t) => {
  let asked = 0
  const { clock, provider } = stage(t, {
    credentials: () => {
      asked++
      return new Promise(() => {})
    }
  })
  const waiting = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', attempts: undefined })
  await turns(1)
  await clock.freeze(12_000)
  t.equal(asked, 2)
  await clock.advance(10_000)
  await waiting
})

t.test('keeps what a caller in a back-off waits for', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const waiting = provider.getToken()
  await turns(1)
  answer(0, 503)
  await turns(3)
  await clock.freeze(12_000)
  await turns(3)
  t.equal(requests.length, 2)
  answer(1)
  t.equal((await waiting).accessToken, 'token-2')
})

t.test('probes where it begins anew after a cool-down that another account began', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const slow = t.rejects(provider.getToken({ account: 'slow' }), REFUSED)
  const refused = t.rejects(provider.getToken({ account: 'refused' }), REFUSED)
  await turns(1)
  answer(1, 401)
  await refused
  await clock.freeze(70_000)
  t.equal(requests.length, 3)
  const waiting = t.rejects(provider.getToken({ account: 'other' }), REFUSED)
  await turns(1)
  t.equal(requests.length, 3, 'it waits for the probe')
  answer(2, 401)
  await slow
  await waiting
  t.match(provider.status('slow'), { state: 'cooling', consecutiveFailures: 2 })
})

t.test('counts no failure of who has waited for a probe through all freezes', async (t) => {
  const { clock, requests, provider, answer } = stage(t)
  const refused = t.rejects(provider.getToken({ account: 'refused' }), REFUSED)
  await turns(1)
  answer(0, 401)
  await refused
  await clock.advance(60_000)
  const TIMEOUT = { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' }
  const probe = t.rejects(provider.getToken({ account: 'probe' }), TIMEOUT)
  const waiting = t.rejects(provider.getToken({ account: 'waiting' }), TIMEOUT)
  await turns(1)
  for (let freeze = 0; freeze < 4; freeze++) await clock.freeze(12_000)
  await probe
  await waiting
  t.equal(requests.length, 5)
  t.match(provider.status(), { state: 'cooling', consecutiveFailures: 2 })
})

t.test(
  'counts Retry-After from its answer, also where the time for another attempt has run out',
  async (t) => {
    const { clock, requests, provider } = stage(t)
    const waiting = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', retryAfter: 1 })
    await clock.advance(3_000)
    requests[0]?.resolve({ statusCode: 503, headers: { 'retry-after': '6' }, body: Readable.from([]) })
    await turns(3)
    // Not so late that it would begin anew.
    await clock.freeze(7_500)
    await waiting
    t.equal(requests.length, 1)
  }
)

t.test('a limit is late by more than a second, by either clock', async (t) => {
  const start = { monotonicMs: 0, wallMs: 0 }
  t.equal(stoodStill(start, 4_000, { monotonicMs: 5_000, wallMs: 5_000 }), false)
  t.equal(stoodStill(start, 4_000, { monotonicMs: 5_001, wallMs: 4_000 }), true)
  t.equal(stoodStill(start, 4_000, { monotonicMs: 4_000, wallMs: 5_001 }), true)
})

t.test('a late result says something if it has a status, or a token that lives', async (t) => {
  const start = { monotonicMs: 0, wallMs: 0 }
  const unreachable = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'x', remedy: 'retry' } as const
  const at = (nowMs: number) => ({ monotonicMs: nowMs, wallMs: nowMs })
  const token = { accessToken: 'a', accessTokenId: undefined, expiresIn: 20, hasExpiresIn: true }
  t.equal(saysNothing(unreachable, start, at(9_000), 10_000), true)
  t.equal(saysNothing({ ...unreachable, upstreamStatus: 503 }, start, at(9_000), 10_000), false)
  t.equal(saysNothing(CLOSED, start, at(9_000), 10_000), false)
  t.equal(saysNothing(token, start, at(18_000), 10_000), false)
  t.equal(saysNothing(token, start, at(18_001), 10_000), true)
})

t.test('asks again at once if a connection breaks on the thaw, though no caller waits', async (t) => {
  const { clock, requests, provider, answer } = await stageWithToken(t)
  await clock.advance(560_000)
  await provider.getToken()
  while (requests.length < 2) await clock.advance(100)
  await clock.freeze(6_000, () => requests[1]?.reject(new Error('reset')))
  t.equal(requests.length, 3)
  t.match(provider.status(), { state: 'refreshing', consecutiveFailures: 0 })
  answer(2)
  await clock.settle()
  t.equal((await provider.getToken()).accessToken, 'token-3')
})
