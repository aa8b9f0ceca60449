import { getEventListeners } from 'node:events'
import t from 'tap'
import { answerWith, fail, grant, hang, startEndpoint } from '../../support/endpoint.js'
import { processEvents } from '../../support/process-events.js'
import { turns } from '../../support/virtual-clock.js'

const UNAVAILABLE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' }

t.test('makes at most 12 requests for 10,000 calls in 60 s at a dead endpoint', async (t) => {
  const endpoint = await startEndpoint(t, fail(503))
  const provider = endpoint.provider(t)
  let refused = 0
  const calls: Promise<unknown>[] = []
  for (let tenth = 0; tenth < 600; tenth++) {
    for (let call = 0; call < 17; call++) {
      const refusal = provider.getToken().catch(({ code }) => {
        if (code === UNAVAILABLE.code) refused++
      })
      calls.push(refusal)
    }
    await endpoint.clock.advance(100)
  }
  await endpoint.clock.advance(500)
  await Promise.all(calls)
  t.equal(refused, 10_200)
  t.ok(endpoint.count >= 6 && endpoint.count <= 12, `${endpoint.count} requests`)
})

t.test('tries a first acquisition three times and then refuses with the same code', async (t) => {
  const endpoint = await startEndpoint(t, fail(500))
  const provider = endpoint.provider(t)
  const pending = provider.getToken().catch((error) => error)
  await endpoint.clock.advance(300)
  const first = await pending
  t.match(first, { ...UNAVAILABLE, attempts: 3, upstreamStatus: 500, retryAfter: 1 })
  t.equal(endpoint.count, 3)
  const [second, third] = await Promise.all([0, 1].map(() => provider.getToken().catch((error) => error)))
  t.match(second, { ...UNAVAILABLE, attempts: 3, upstreamStatus: 500 })
  t.not(second, third, 'each caller has an error of its own')
  t.equal(endpoint.count, 3)
  t.match(provider.status(), { state: 'cooling', lastErrorCode: UNAVAILABLE.code, consecutiveFailures: 1 })
})

t.test('recovers within an acquisition', async (t) => {
  const endpoint = await startEndpoint(t, (exchange) => (exchange.number < 3 ? fail(503) : grant())(exchange))
  const provider = endpoint.provider(t)
  const pending = provider.getToken()
  await endpoint.clock.advance(300)
  t.equal((await pending).accessToken, 'token-3')
  t.equal(provider.status().consecutiveFailures, 0)
})

t.test('lets a single probe decide when the cool-down is over', async (t) => {
  const endpoint = await startEndpoint(t, fail(503))
  const provider = endpoint.provider(t)
  const first = provider.getToken().catch(() => {})
  await endpoint.clock.advance(300)
  await first
  await endpoint.clock.advance(1_000)
  const probes = Promise.all(Array.from({ length: 50 }, () => t.rejects(provider.getToken(), UNAVAILABLE)))
  await endpoint.clock.advance(0)
  await probes
  t.equal(endpoint.count, 4, 'one attempt')
  await endpoint.clock.advance(2_000)
  endpoint.answer = grant()
  t.equal((await provider.getToken()).accessToken, 'token-5')
  t.match(provider.status(), { state: 'fresh', lastErrorCode: undefined, consecutiveFailures: 0 })
})

for (const [name, header, waitMs] of [
  ['seconds', () => '30', 30_000],
  ['a date', (nowMs: number) => new Date(nowMs + 30_000).toUTCString(), 30_000],
  ['more than it obeys', () => '86400', 300_000]
] as const) {
  t.test(`obeys Retry-After in ${name}`, async (t) => {
    const endpoint = await startEndpoint(t)
    endpoint.answer = fail(429, { 'Retry-After': header(endpoint.clock.now()) })
    const provider = endpoint.provider(t)
    await t.rejects(provider.getToken(), { ...UNAVAILABLE, attempts: 1, retryAfter: waitMs / 1000 })
    await endpoint.clock.advance(waitMs - 10_000)
    await t.rejects(provider.getToken(), { ...UNAVAILABLE, retryAfter: 10 }, 'what remains is said')
    await endpoint.clock.advance(9_999)
    await t.rejects(provider.getToken(), { ...UNAVAILABLE, retryAfter: 1 })
    t.equal(endpoint.count, 1)
    endpoint.answer = grant()
    await endpoint.clock.advance(1)
    t.ok(await provider.getToken())
  })
}

t.test('waits within the acquisition for a Retry-After that ends before the deadline', async (t) => {
  const endpoint = await startEndpoint(t, (exchange) =>
    (exchange.number === 1 ? fail(503, { 'Retry-After': '5' }) : grant())(exchange)
  )
  const provider = endpoint.provider(t)
  const pending = provider.getToken()
  await endpoint.clock.advance(4_999)
  t.equal(endpoint.count, 1)
  await endpoint.clock.advance(1)
  t.equal((await pending).accessToken, 'token-2')
})

for (const [status, code] of [
  [400, 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'],
  [401, 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'],
  [403, 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'],
  [404, 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID'],
  [302, 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID']
] as const) {
  t.test(`never retries a ${status} blindly and refuses for 60 s`, async (t) => {
    const endpoint = await startEndpoint(t, fail(status, { Location: 'http://127.0.0.1:9/' }))
    const provider = endpoint.provider(t)
    await t.rejects(provider.getToken(), { code, attempts: 1, retryAfter: 60, upstreamStatus: status })
    await endpoint.clock.advance(59_999)
    await t.rejects(provider.getToken(), { code, retryAfter: 1 })
    t.equal(endpoint.count, 1)
    await endpoint.clock.advance(1)
    await t.rejects(provider.getToken(), { code })
    t.equal(endpoint.count, 2)
  })
}

t.test('asks a credentials function once more after a 401, and tries once more', async (t) => {
  const endpoint = await startEndpoint(t, (exchange) => {
    const isNew =
      exchange.request.headers.authorization === `Basic ${Buffer.from('client:new').toString('base64')}`
    return (isNew ? grant() : answerWith(401, { error: 'invalid_client' }))(exchange)
  })
  let clientSecret = 'old'
  const asked: string[] = []
  const provider = endpoint.provider(t, {
    credentials: (account) => {
      asked.push(account)
      const credentials = { clientId: 'client', clientSecret }
      clientSecret = 'new'
      return credentials
    }
  })
  t.equal((await provider.getToken({ account: 'ada' })).accessToken, 'token-2')
  t.strictSame(asked, ['ada', 'ada'])
  clientSecret = 'old'
  t.equal((await provider.getToken()).accessToken, 'token-4')
  t.equal(asked.at(-1), '', 'the default account is named ""')
})

t.test('asks for new credentials after a 401 though a 503 came before', async (t) => {
  const endpoint = await startEndpoint(t, (exchange) =>
    ([fail(503), fail(401)][exchange.number - 1] ?? grant())(exchange)
  )
  const provider = endpoint.provider(t, {
    credentials: () => ({ clientId: 'client', clientSecret: 'secret' })
  })
  const pending = provider.getToken()
  await endpoint.clock.advance(100)
  t.equal((await pending).accessToken, 'token-3')
})

t.test('gives up after one reload, for 60 s', async (t) => {
  const endpoint = await startEndpoint(t, answerWith(401, { error: 'invalid_client' }))
  const provider = endpoint.provider(t, {
    credentials: async () => ({ clientId: 'client', clientSecret: 'old' })
  })
  await t.rejects(provider.getToken(), {
    name: 'BandwidthTokenError',
    attempts: 2,
    retryAfter: 60,
    oauthError: 'invalid_client'
  })
  await endpoint.clock.advance(59_999)
  await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
  t.equal(endpoint.count, 2)
})

t.test('never lets a cool-down hide a valid token', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = fail(401)
  await endpoint.clock.advance(581_000)
  t.match(provider.status(), { state: 'degraded', lastErrorCode: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
  t.ok((provider.status().retryInMs ?? 0) > 0)
  t.equal((await provider.getToken()).accessToken, 'token-1')
  t.equal(provider.peek()?.accessToken, 'token-1')
  t.equal((await provider.getToken({ minimumLifetimeMs: 60_000 })).accessToken, 'token-1')
})

t.test('rejects at the deadline when the endpoint hangs, and asks anew after the cool-down', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  let rejectedAtMs = 0
  const startMs = endpoint.clock.monotonic()
  const pending = provider.getToken().catch((error) => {
    rejectedAtMs = endpoint.clock.monotonic() - startMs
    return error
  })
  await endpoint.clock.advance(11_000)
  t.match(await pending, { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', attempts: 3, statusCode: 504 })
  t.equal(rejectedAtMs, 10_000)
  t.equal(endpoint.count, 3)
  await endpoint.clock.advance(1_000)
  endpoint.answer = grant()
  t.equal((await provider.getToken()).accessToken, 'token-4')
})

t.test('ends at once when Retry-After, and what has passed, end after the deadline', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held(fail(503, { 'Retry-After': '5' }))
  const provider = endpoint.provider(t, { timeoutMs: 8_000 })
  const pending = t.rejects(provider.getToken(), { ...UNAVAILABLE, attempts: 1, retryAfter: 5 })
  await turns()
  await endpoint.clock.advance(6_000)
  await endpoint.release()
  await pending
})

t.test('ends with the timer of the deadline, though a clock may say that it is early', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const pending = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', attempts: 1 })
  await turns()
  const [deadline] = endpoint.clock.timers
  deadline?.callback()
  await pending
  t.equal(endpoint.count, 1)
})

t.test('ends a backoff with the timer of the deadline', async (t) => {
  const endpoint = await startEndpoint(t, fail(503, { 'Retry-After': '5' }))
  const provider = endpoint.provider(t)
  const pending = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', attempts: 1 })
  const [deadline] = endpoint.clock.timers
  await endpoint.clock.settle()
  deadline?.callback()
  await pending
  t.equal(endpoint.count, 1)
})

t.test('bounds one attempt, headers and body together, by timeoutMs', async (t) => {
  const endpoint = await startEndpoint(t, ({ response }) => {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.write('{"access_token":')
  })
  const provider = endpoint.provider(t, { timeoutMs: 500, deadlineMs: 700 })
  const pending = provider.getToken().catch((error) => error)
  await endpoint.clock.advance(499)
  t.equal(endpoint.count, 1)
  await endpoint.clock.advance(201)
  t.match(await pending, { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' })
})

t.test('hangs up on an attempt that ran out of time', async (t) => {
  const endpoint = await startEndpoint(t)
  let isConnected = true
  const hungUp = new Promise<void>((resolve) => {
    endpoint.answer = ({ response }) =>
      void response.on('close', () => {
        isConnected = false
        resolve()
      })
  })
  const provider = endpoint.provider(t)
  provider.getToken().catch(() => {})
  await turns()
  await endpoint.clock.advance(3_999)
  t.ok(isConnected)
  await endpoint.clock.advance(1)
  await t.resolves(hungUp)
})

t.test('bounds a credentials function that hangs by the deadline', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, {
    credentials: () => new Promise(() => {})
  })
  const pending = provider.getToken().catch((error) => error)
  await endpoint.clock.advance(10_000)
  t.match(await pending, { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' })
  t.equal(endpoint.count, 0)
})

t.test('rejects a caller that loses patience alone, with the reason of its signal', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held()
  const provider = endpoint.provider(t)
  const caller = new AbortController()
  const reason = new Error('patience is over')
  const first = provider.getToken({ signal: caller.signal })
  const others = [provider.getToken(), provider.getToken({ signal: new AbortController().signal })]
  await turns()
  caller.abort(reason)
  t.equal(await first.catch((error) => error), reason)
  await endpoint.release()
  t.strictSame(
    (await Promise.all(others)).map(({ accessToken }) => accessToken),
    ['token-1', 'token-1']
  )
  t.equal(endpoint.count, 1)
  t.equal(await provider.getToken({ signal: AbortSignal.abort(reason) }).catch((error) => error), reason)
})

t.test('leaves no listener on a signal that many calls share, and warns of none', async (t) => {
  const warnings = processEvents(t, 'warning')
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const { signal } = new AbortController()
  await Promise.all(Array.from({ length: 20 }, () => provider.getToken({ signal })))
  await turns()
  t.strictSame(getEventListeners(signal, 'abort'), [])
  t.strictSame(warnings, [])
})

t.test('goes on with an acquisition that everybody left', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held()
  const provider = endpoint.provider(t)
  const caller = new AbortController()
  const pending = provider.getToken({ signal: caller.signal }).catch(() => {})
  await turns()
  caller.abort()
  await pending
  await endpoint.release()
  t.equal(provider.peek()?.accessToken, 'token-1')
})

t.test('makes no request for a caller whose signal is aborted already', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await t.rejects(provider.getToken({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  await turns()
  t.equal(endpoint.count, 0)
})
