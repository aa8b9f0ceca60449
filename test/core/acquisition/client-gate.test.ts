import t from 'tap'
import { ClientGate, gatesOf } from '../../support/core-internals.js'
import { credentials, fail, grant, hang, startEndpoint } from '../../support/endpoint.js'

const UNAVAILABLE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' } as const
const REFUSED = { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' }
const INVALID = { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID', retryAfter: 60 }
const TIMEOUT = { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' }

t.test('obeys Retry-After by any clock, such as one whose monotonic time is negative', async (t) => {
  const gate = new ClientGate()
  const failure = { ...UNAVAILABLE, message: 'x', remedy: 'retry' } as const
  gate.hold(failure, 3_000, { monotonicMs: -1_000_000, wallMs: 0 })
  t.match(gate.obstacle({ monotonicMs: -999_000, wallMs: 0 }), { heldMs: 2_000 })
})

t.test('accounts that are one client share a gate, others do not', async (t) => {
  const shared = gatesOf({ isOneClient: true })
  t.equal(shared(), shared())
  const own = gatesOf({ isOneClient: false })
  t.not(own(), own())
})

t.test('obeys the Retry-After of one account for all, however many there are', async (t) => {
  const endpoint = await startEndpoint(t, fail(429, { 'Retry-After': '300' }))
  const provider = endpoint.provider(t, { maxTokens: 10 })
  for (let round = 0; round < 2; round++) {
    for (let account = 0; account < 500; account++) {
      await t.rejects(provider.getToken({ account: `${account}` }), { ...UNAVAILABLE, retryAfter: 300 })
    }
  }
  t.equal(endpoint.count, 1)
})

t.test('sends at most 12 requests for 10,000 accounts in 60 s, and those of 64 before', async (t) => {
  const endpoint = await startEndpoint(t, fail(503))
  const provider = endpoint.provider(t)
  let refused = 0
  const calls: Promise<unknown>[] = []
  for (let tenth = 0; tenth < 600; tenth++) {
    for (let call = 0; call < (tenth === 0 ? 400 : 16); call++) {
      const account = String(calls.length)
      calls.push(provider.getToken({ account }).catch(({ code }) => code === UNAVAILABLE.code && refused++))
    }
    await endpoint.clock.advance(100)
  }
  await endpoint.clock.advance(500)
  await Promise.all(calls)
  t.equal(refused, calls.length)
  t.ok(calls.length >= 9_900)
  t.ok(endpoint.count <= 12 + 64 * 3, `${endpoint.count} requests`)
})

t.test('has at most 64 requests in flight, and answers every caller by its deadline', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const startedMs = endpoint.clock.monotonic()
  const codes = new Set<string>()
  const calls = Array.from({ length: 3_000 }, (_, account) =>
    provider.getToken({ account: `${account}` }).catch(({ code }) => {
      codes.add(code)
      return endpoint.clock.monotonic() - startedMs
    })
  )
  await endpoint.clock.advance(3_999)
  t.equal(endpoint.count, 64)
  await endpoint.clock.advance(6_001)
  const tookMs = (await Promise.all(calls)) as number[]
  t.ok(Math.max(...tookMs) <= 10_000)
  t.strictSame([...codes], [TIMEOUT.code])
})

t.test('starts no cool-down for who has waited in line alone', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t, { credentials, timeoutMs: 20_000, deadlineMs: 20_000 })
  const hanging = Array.from({ length: 64 }, (_, account) => provider.getToken({ account: `${account}` }))
  for (const call of hanging) call.catch(() => {})
  await endpoint.clock.advance(1_000)
  const last = provider.getToken({ account: 'last' }).catch((error) => error)
  endpoint.answer = grant()
  await endpoint.clock.advance(19_000)
  t.match(provider.status('0'), { state: 'cooling' })
  t.match(await last, { accessToken: 'token-65' }, 'a place that is given back goes to the first in line')

  endpoint.answer = hang
  await endpoint.clock.advance(60_000)
  const again = Array.from({ length: 64 }, (_, account) => provider.getToken({ account: `${account} b` }))
  for (const call of again) call.catch(() => {})
  const late = t.rejects(provider.getToken({ account: 'late' }), { ...TIMEOUT, attempts: undefined })
  await endpoint.clock.advance(20_000)
  await late
  t.match(provider.status('late'), { state: 'empty', consecutiveFailures: 0, lastErrorCode: undefined })
})

t.test('lets one account probe for all, and all others wait for it', async (t) => {
  const endpoint = await startEndpoint(t, fail(503))
  const provider = endpoint.provider(t)
  const first = provider.getToken().catch(() => {})
  await endpoint.clock.advance(300)
  await first
  await endpoint.clock.advance(1_000)
  endpoint.answer = endpoint.held()
  const calls = ['a', 'b', 'c'].map((account) => provider.getToken({ account }))
  await endpoint.clock.settle()
  t.equal(endpoint.count, 4)
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.settle()
  t.equal(new Set((await Promise.all(calls)).map(({ accessToken }) => accessToken)).size, 3)
})

t.test('obeys the longest Retry-After of several that were told at once', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const calls: Promise<unknown>[] = []
  for (const seconds of [5, 1]) {
    endpoint.answer = endpoint.held(fail(503, { 'Retry-After': String(seconds) }))
    calls.push(provider.getToken({ account: `${seconds}` }))
    await endpoint.untilRequest(calls.length)
  }
  endpoint.answer = grant()
  await endpoint.release()
  await endpoint.clock.advance(4_900)
  t.equal(endpoint.count, 2)
  await endpoint.clock.advance(100)
  t.equal((await Promise.all(calls)).length, 2)
})

t.test('begins a pause after a probe that fails, whatever an older request was told meanwhile', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  endpoint.answer = endpoint.held(fail(400, { 'Retry-After': '0' }))
  const old = t.rejects(provider.getToken({ account: 'old' }), REFUSED)
  await endpoint.untilRequest(1)
  endpoint.answer = fail(503)
  const first = provider.getToken().catch(() => {})
  await endpoint.clock.advance(300)
  await first
  await endpoint.clock.advance(1_000)
  let answerProbe = () => {}
  endpoint.answer = (exchange) => {
    answerProbe = () => fail(503)(exchange)
  }
  const probe = t.rejects(provider.getToken({ account: 'probe' }), UNAVAILABLE)
  await endpoint.untilRequest(5)
  await endpoint.release()
  await old
  answerProbe()
  await probe
  t.match(provider.status('next'), { state: 'cooling', consecutiveFailures: 2 })
  await t.rejects(provider.getToken({ account: 'next' }), UNAVAILABLE)
  t.equal(endpoint.count, 5)
})

t.test('refuses whoever has waited for a probe that fails, and makes the pause longer once', async (t) => {
  const endpoint = await startEndpoint(t, fail(503))
  const provider = endpoint.provider(t)
  const first = provider.getToken().catch(() => {})
  await endpoint.clock.advance(300)
  await first
  await endpoint.clock.advance(1_000)
  const calls = ['a', 'b', 'c'].map((account) => t.rejects(provider.getToken({ account }), UNAVAILABLE))
  await endpoint.clock.settle()
  await Promise.all(calls)
  t.equal(endpoint.count, 4)
  t.match(provider.status('z'), { state: 'cooling', consecutiveFailures: 2 })
})

t.test('counts the requests that were in flight when a cool-down began for one failure', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held(fail(401))
  const provider = endpoint.provider(t)
  const calls = Array.from({ length: 20 }, (_, account) =>
    t.rejects(provider.getToken({ account: `${account}` }), { ...REFUSED, retryAfter: 60 })
  )
  await endpoint.clock.settle()
  t.equal(endpoint.count, 20)
  await endpoint.release()
  await Promise.all(calls)
  t.match(provider.status(), { state: 'cooling', consecutiveFailures: 1 })
})

t.test('does not end a cool-down by a success that began before it', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held()
  const provider = endpoint.provider(t)
  const slow = provider.getToken({ account: 'slow' })
  await endpoint.clock.settle()
  endpoint.answer = fail(401)
  await t.rejects(provider.getToken({ account: 'b' }), REFUSED)
  await endpoint.release()
  t.ok(await slow)
  t.match(provider.status('b'), { state: 'cooling', consecutiveFailures: 1 })
})

t.test('holds back its own account only, if a refresh in the background fails', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken({ account: 'a' })
  endpoint.answer = fail(503)
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  t.match(provider.status('a'), { state: 'degraded', consecutiveFailures: 1 })
  t.match(provider.status('b'), { state: 'empty', consecutiveFailures: 0 })
  endpoint.answer = grant()
  t.ok(await provider.getToken({ account: 'b' }))
})

for (const [what, answer, pauseMs] of [
  ['was refused', fail(401), 60_000],
  ['was told to wait', fail(503, { 'Retry-After': '20' }), 20_000]
] as const) {
  t.test(`holds back the whole client, if a refresh in the background ${what}`, async (t) => {
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t)
    await provider.getToken({ account: 'a' })
    endpoint.answer = answer
    await endpoint.untilRequest(2)
    await endpoint.clock.settle()
    const { state, consecutiveFailures, retryInMs = 0 } = provider.status('b')
    t.match({ state, consecutiveFailures }, { state: 'cooling', consecutiveFailures: 1 })
    t.ok(retryInMs > pauseMs - 200 && retryInMs <= pauseMs, `${retryInMs} ms`)
  })
}

t.test('ends the pause of a refusal where a token that served has lapsed', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = fail(401)
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  const { expiresInMs = 0, retryInMs = 0 } = provider.status()
  t.equal(retryInMs, expiresInMs - 10_000)
  endpoint.answer = grant()
  await endpoint.clock.advance(retryInMs + 1)
  t.equal((await provider.getToken()).accessToken, 'token-3')
})

t.test('does not end a pause that Retry-After asked for where the token has lapsed', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = fail(401, { 'Retry-After': '100' })
  await endpoint.untilRequest(2)
  await endpoint.clock.advance(39_900)
  await t.rejects(provider.getToken(), { ...REFUSED, retryAfter: 61 })
  t.equal(endpoint.count, 2)
})

t.test('does not end the pause of a refusal where a token had lapsed before it', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken({ account: 'a' })
  endpoint.clock.suspend(600_000)
  endpoint.answer = fail(401)
  await t.rejects(provider.getToken({ account: 'b' }), REFUSED)
  t.equal(provider.peek('a'), undefined)
  await t.rejects(provider.getToken({ account: 'b' }), { ...REFUSED, retryAfter: 60 })
  t.equal(endpoint.count, 2)
})

t.test('does not end a pause that Retry-After asks for by a probe that was in flight then', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held(fail(429, { 'Retry-After': '120' }))
  const provider = endpoint.provider(t, { timeoutMs: 9_000 })
  const slow = t.rejects(provider.getToken({ account: 'slow' }), UNAVAILABLE)
  await endpoint.clock.settle()
  endpoint.answer = fail(503)
  const failing = t.rejects(provider.getToken({ account: 'failing' }), UNAVAILABLE)
  await endpoint.clock.advance(300)
  await failing
  await endpoint.clock.advance(1_000)
  let grantProbe = () => {}
  endpoint.answer = (...args) => {
    grantProbe = () => grant()(...args)
  }
  const probe = provider.getToken({ account: 'probe' })
  await endpoint.clock.settle()
  await endpoint.release()
  await slow
  grantProbe()
  await probe
  await t.rejects(provider.getToken({ account: 'other' }), { ...UNAVAILABLE, retryAfter: 120 })
  t.equal(endpoint.count, 5)
})

t.test('lets a request that fails after the cool-down it began before has ended begin another', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held(fail(404))
  const provider = endpoint.provider(t, { timeoutMs: 9_000 })
  const slow = t.rejects(provider.getToken({ account: 'slow' }), INVALID)
  await endpoint.clock.settle()
  endpoint.answer = fail(503)
  const failing = t.rejects(provider.getToken({ account: 'failing' }), UNAVAILABLE)
  await endpoint.clock.advance(300)
  await failing
  await endpoint.clock.advance(1_000)
  endpoint.answer = grant()
  await provider.getToken({ account: 'probe' })
  await endpoint.release()
  await slow
  t.match(provider.status('slow'), { state: 'cooling', consecutiveFailures: 1 })
})

t.test('sends no request of any account before the time that Retry-After asked for', async (t) => {
  const endpoint = await startEndpoint(t, fail(503, { 'Retry-After': '5' }))
  const provider = endpoint.provider(t)
  const first = provider.getToken({ account: 'a' })
  await endpoint.clock.advance(1_000)
  endpoint.answer = grant()
  const second = provider.getToken({ account: 'b' })
  await endpoint.clock.advance(3_999)
  t.equal(endpoint.count, 1)
  await endpoint.clock.advance(1)
  t.ok((await first) && (await second))
})

t.test('leaves its place to others while it waits for the time that Retry-After asked for', async (t) => {
  const endpoint = await startEndpoint(t, fail(429, { 'Retry-After': '5' }))
  const provider = endpoint.provider(t, { credentials })
  const told = Array.from({ length: 64 }, (_, account) => provider.getToken({ account: `${account}` }))
  for (const call of told) call.catch(() => {})
  while (endpoint.count < 64) await endpoint.clock.advance(1)
  await endpoint.clock.settle()
  endpoint.answer = grant()
  const other = provider.getToken({ account: 'other' })
  await endpoint.clock.advance(100)
  t.equal((await other).accessToken, 'token-65')
  await endpoint.clock.advance(6_000)
  t.equal((await Promise.all(told)).length, 64)
})

t.test('says how long requests are held back, and by which failure', async (t) => {
  const gate = new ClientGate()
  const failure = { code: UNAVAILABLE.code, message: 'x', remedy: 'retry' } as const
  const at = (nowMs: number) => ({ monotonicMs: nowMs, wallMs: nowMs })
  gate.hold(failure, 5_000, at(0))
  gate.hold({ ...failure, message: 'shorter' }, 3_000, at(1_000))
  gate.hold({ ...failure, message: 'as long' }, 4_000, at(1_000))
  t.strictSame(gate.obstacle(at(1_000)), { heldMs: 4_000, failure: { ...failure, retryAfterMs: 4_000 } })
  t.equal(gate.obstacle(at(5_000)), undefined)
  const other = new ClientGate()
  other.hold(failure, 0.5, at(0))
  t.strictSame(other.obstacle(at(0)), { heldMs: 0.5, failure: { ...failure, retryAfterMs: 0.5 } })
})

t.test('knows an admission from before a cool-down, whatever has come since', async (t) => {
  const gate = new ClientGate()
  const at = (nowMs: number) => ({ monotonicMs: nowMs, wallMs: nowMs })
  const failure = { ...UNAVAILABLE, message: 'x', remedy: 'retry' } as const
  const old = gate.admit()
  gate.failed(failure, gate.admit(), at(0))
  const probe = gate.admit()
  t.equal(gate.isCurrent(old), false)
  t.equal(gate.isCurrent(probe), true)
  gate.failed({ ...failure, retryAfterMs: 60_000 }, old, at(1_001))
  t.equal(gate.isCurrent(probe), false)
  gate.failed(failure, gate.admit(), at(62_000))
  t.equal(gate.isCurrent(probe), false)
  t.equal(gate.isCurrent(old), false)
})

t.test('takes a success for a proof only if its request began after the cool-down', async (t) => {
  const at = (nowMs: number) => ({ monotonicMs: nowMs, wallMs: nowMs })
  const failure = { ...UNAVAILABLE, message: 'x', remedy: 'retry' } as const
  for (const [what, isShared, issuedAtMs, nowMs, isProof] of [
    ['of an acquisition that was admitted before it', false, 5_000, 5_001, false],
    ['of another member, after the pause', true, 5_000, 5_001, true],
    ['of another member, while the pause lasts', true, 400, 450, false],
    ['of another member, just when it failed', true, 0, 5_000, false]
  ] as const) {
    const gate = new ClientGate()
    const admission = gate.admit()
    gate.failed(failure, gate.admit(), at(0))
    gate.succeeded(isShared ? undefined : admission, at(issuedAtMs), at(nowMs))
    t.equal(gate.coolDown.consecutiveFailures, isProof ? 0 : 1, what)
  }
})
