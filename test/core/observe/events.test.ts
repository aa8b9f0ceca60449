import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import type { TokenProvider } from '@bandwidth-token/core'
import t from 'tap'
import { answerWith, credentials, fail, grant, hang, startEndpoint } from '../../support/endpoint.js'
import { CHANNELS, observe, onMessage, REQUEST_EVENTS } from '../../support/observed.js'
import { processEvents } from '../../support/process-events.js'

const UNAVAILABLE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
const REFUSED = 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
const CLOSED = 'ERR_BANDWIDTH_TOKEN_CLOSED'
const TIMEOUT = 'ERR_BANDWIDTH_TOKEN_TIMEOUT'
const SERVER = { serverAddress: '127.0.0.1' }

t.test('a request is traced from its start to its end, without the token', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const { all, request } = observe(t)
  endpoint.answer = endpoint.held()
  const token = provider.getToken({ account: 'ada' })
  await endpoint.clock.advance(250)
  await endpoint.release()
  await token
  const start = { account: 'ada', ...SERVER, attempt: 1 }
  const end = { ...start, durationMs: 250, outcome: 'success', expiresIn: 600 }
  t.strictSame(
    all.filter(({ name }) => name.startsWith('tracing')),
    [
      { name: 'tracing:bandwidth-token:request:start', message: start },
      { name: 'tracing:bandwidth-token:request:end', message: start },
      { name: 'tracing:bandwidth-token:request:asyncStart', message: end },
      { name: 'tracing:bandwidth-token:request:asyncEnd', message: end }
    ]
  )
  t.equal(request.length, 1, 'one message, which goes from event to event')
})

t.test('each attempt is a request of its own, and a failed one has its error', async (t) => {
  const endpoint = await startEndpoint(t, fail(503, { 'Retry-After': '1' }))
  const provider = endpoint.provider(t)
  const { all, request, refresh } = observe(t)
  const failed = t.rejects(provider.getToken())
  await endpoint.clock.advance(2_000)
  await failed
  t.match(
    request,
    [1, 2, 3].map((attempt) => ({
      attempt,
      outcome: 'failure',
      code: UNAVAILABLE,
      upstreamStatus: 503,
      retryAfterMs: 1_000,
      error: { code: UNAVAILABLE, retryAfter: 1 }
    }))
  )
  t.strictSame(
    all.slice(0, 5).map(({ name }) => name),
    ['start', 'end', 'error', 'asyncStart', 'asyncEnd'].map(
      (event) => `tracing:bandwidth-token:request:${event}`
    )
  )
  t.match(refresh, [{ outcome: 'failure', attempts: 3, durationMs: 2_000, upstreamStatus: 503 }])
})

t.test('what runs within a request has the store that was bound to its start', async (t) => {
  const endpoint = await startEndpoint(t)
  const store = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const { start } = tracingChannel<string, { account: string }>('bandwidth-token:request')
  start.bindStore(store, ({ account }) => `span of ${account}`)
  t.teardown(() => start.unbindStore(store))
  const provider = endpoint.provider(t, {
    dispatcher: {
      request: () => {
        seen.push(store.getStore())
        return Promise.reject(new Error('no'))
      }
    },
    deadlineMs: 1_000
  })
  const failed = t.rejects(provider.getToken({ account: 'ada' }))
  await endpoint.clock.advance(1_000)
  await failed
  t.equal(seen[0], 'span of ada')
  t.equal(store.getStore(), undefined)
})

t.test('a refresh says how an acquisition ended', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const { refresh } = observe(t)
  await provider.getToken({ account: 'ada' })
  t.strictSame(refresh.splice(0), [
    {
      account: 'ada',
      ...SERVER,
      durationMs: 0,
      attempts: 1,
      isAwaited: true,
      isServing: true,
      outcome: 'success',
      expiresIn: 600
    }
  ])
  endpoint.answer = answerWith(503)
  await endpoint.clock.advance(570_000)
  await endpoint.untilRequest(2)
  const { retryInMs = 0, ...failure } = refresh.splice(0)[0] ?? {}
  t.strictSame(failure, {
    account: 'ada',
    ...SERVER,
    durationMs: 0,
    attempts: 1,
    isAwaited: false,
    isServing: true,
    code: UNAVAILABLE,
    upstreamStatus: 503,
    outcome: 'failure'
  })
  const sinceMs = retryInMs - (provider.status('ada').retryInMs as number)
  t.ok(sinceMs >= 0 && sinceMs <= 100, 'until the next attempt')
})

t.test('a refresh that brought nothing better is a failure to those who waited for it', async (t) => {
  const endpoint = await startEndpoint(t, grant({ expires_in: 3 }))
  const provider = endpoint.provider(t)
  const { refresh, cooldown } = observe(t)
  await provider.getToken()
  t.match(refresh, [{ outcome: 'success', isServing: true }])
  t.match(cooldown, [{ outcome: 'began', scope: 'account', durationMs: 5_000, code: UNAVAILABLE }])
})

for (const [name, why] of [
  ['client secret', { error: 'invalid_client' }],
  ['network', undefined]
] as const) {
  t.test(`a failure by the ${name} is told with what an operator asks first`, async (t) => {
    const endpoint = await startEndpoint(t, answerWith(401, why))
    if (why === undefined) endpoint.stop()
    const provider = endpoint.provider(t)
    const { request, refresh, cooldown, 'serve-error': serveErrors } = observe(t)
    const failed = t.rejects(provider.getToken())
    await endpoint.clock.advance(1_000)
    await failed
    const facts =
      why === undefined
        ? { code: UNAVAILABLE, cause: 'ECONNREFUSED' }
        : { code: REFUSED, upstreamStatus: 401, oauthError: 'invalid_client' }
    for (const message of [request[0], refresh[0], cooldown[0], serveErrors[0]]) t.match(message, facts)
  })
}

t.test('naming the cached token tells whether it was dropped, replaced or kept', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const { invalidate } = observe(t)
  const told = () => invalidate.splice(0)
  const first = await provider.getToken({ account: 'ada' })
  await provider.getToken({ account: 'ada', rejected: 'id-7' })
  t.equal(provider.invalidate('id-7', 'ada'), false)
  t.strictSame(told(), [], 'another token was named')

  await provider.getToken({ account: 'ada', rejected: first })
  t.equal(provider.invalidate(first, 'ada'), false)
  const kept = { account: 'ada', accessTokenId: 'id-1', outcome: 'kept', durationMs: 0 }
  t.strictSame(told(), [kept, kept], 'it is too young')

  await endpoint.clock.advance(5_000)
  endpoint.answer = endpoint.held()
  const replaced = Promise.all([1, 2].map(() => provider.getToken({ account: 'ada', rejected: 'id-1' })))
  await endpoint.clock.advance(100)
  t.strictSame(told(), [], 'nobody knows yet')
  await endpoint.release()
  await replaced
  const one = { account: 'ada', accessTokenId: 'id-1', outcome: 'replaced', durationMs: 100 }
  t.strictSame(told(), [one, one], 'each who named it')

  await endpoint.clock.advance(10_000)
  await provider.getToken({ account: 'ada', rejected: 'id-2' })
  t.match(told(), [{ accessTokenId: 'id-2', outcome: 'kept' }], 'within 30 s it is not replaced again')
  t.equal(provider.invalidate('id-2', 'ada'), true)
  t.match(told(), [{ accessTokenId: 'id-2', outcome: 'dropped' }])
})

t.test('a replacement that fails keeps the token, and says why', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const first = await provider.getToken()
  await endpoint.clock.advance(5_000)
  const { invalidate } = observe(t)
  endpoint.answer = answerWith(401)
  await t.rejects(provider.getToken({ rejected: first }), { code: REFUSED })
  await endpoint.clock.advance(30_000)
  await t.rejects(provider.getToken({ rejected: first }), { code: REFUSED })
  t.match(invalidate, [
    { outcome: 'kept', code: REFUSED, upstreamStatus: 401 },
    { outcome: 'kept', code: REFUSED, upstreamStatus: 401 }
  ])
  t.equal(endpoint.count, 2, 'the second was refused by the pause')
})

t.test('a caller who leaves hears nothing of the replacement, but it is told', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const first = await provider.getToken()
  await endpoint.clock.advance(5_000)
  const { invalidate, 'serve-error': serveErrors } = observe(t)
  endpoint.answer = endpoint.held()
  const controller = new AbortController()
  const left = t.rejects(provider.getToken({ rejected: first, signal: controller.signal }))
  await endpoint.clock.settle()
  controller.abort()
  await left
  await endpoint.release()
  t.match(invalidate, [{ outcome: 'replaced' }])
  t.strictSame(serveErrors, [])
})

t.test('a cool-down tells its beginning and its end, at its time', async (t) => {
  const endpoint = await startEndpoint(t, answerWith(401, { error: 'invalid_client' }))
  const provider = endpoint.provider(t)
  const { cooldown } = observe(t)
  await t.rejects(provider.getToken({ account: 'ada' }))
  const message = {
    account: 'ada',
    scope: 'client',
    code: REFUSED,
    upstreamStatus: 401,
    oauthError: 'invalid_client'
  }
  const began = { ...message, outcome: 'began', durationMs: 60_000 }
  const ended = { ...message, outcome: 'ended', durationMs: 60_000 }
  t.strictSame(cooldown, [began])
  await t.rejects(provider.getToken({ account: 'bob' }))
  await endpoint.clock.advance(59_999)
  t.strictSame(cooldown, [began], 'a refused caller is no event of it')
  await endpoint.clock.advance(1)
  t.strictSame(cooldown, [began, ended])
  t.equal(endpoint.clock.timers.size, 0)
  await t.rejects(provider.getToken({ account: 'bob' }))
  t.strictSame(cooldown.slice(2), [{ ...began, account: 'bob' }])
})

t.test('the pause of a refusal ends with the token that served meanwhile', async (t) => {
  const endpoint = await startEndpoint(t, grant({ expires_in: 100 }))
  const provider = endpoint.provider(t)
  await provider.getToken()
  const { cooldown } = observe(t)
  endpoint.answer = answerWith(401)
  await endpoint.clock.advance(75_000)
  await endpoint.untilRequest(2)
  t.match(cooldown, [{ outcome: 'began', durationMs: 60_000, scope: 'client' }])
  const servesForMs = provider.status().retryInMs as number
  await endpoint.clock.advance(servesForMs + 1)
  t.match(cooldown.slice(1), [{ outcome: 'ended' }])
  const sinceMs = (cooldown[1]?.durationMs as number) - servesForMs
  t.ok(sinceMs > 0 && sinceMs <= 101, 'at its hard line')
})

t.test('a cool-down of a background refresh is that of its account, and ends with a token', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  const { cooldown } = observe(t)
  endpoint.answer = answerWith(503)
  await endpoint.clock.advance(570_000)
  await endpoint.untilRequest(2)
  t.match(cooldown, [{ outcome: 'began', scope: 'account', upstreamStatus: 503 }])
  endpoint.answer = grant()
  await endpoint.untilRequest(3)
  t.match(cooldown.slice(1), [{ outcome: 'ended', durationMs: Math.ceil(cooldown[0]?.durationMs as number) }])
  await endpoint.clock.advance(30_000)
  t.equal(cooldown.length, 2)
})

t.test('each caller who gets no token is one event, whatever the way', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t, { credentials, deadlineMs: 3_000 })
  const { 'serve-error': serveErrors } = observe(t)
  const told = () => serveErrors.splice(0)
  const hung = Promise.allSettled([1, 2, 3].map(() => provider.getToken({ account: 'slow' })))
  await endpoint.clock.advance(3_000)
  await hung
  const timeout = { account: 'slow', outcome: 'failure', code: TIMEOUT, durationMs: 3_000 }
  t.match(told(), [timeout, timeout, timeout], 'the deadline')

  await t.rejects(provider.getToken({ account: 'slow' }))
  await t.rejects(provider.warmUp('slow'))
  const retryInMs = Number
  const refused = { account: 'slow', outcome: 'failure', code: TIMEOUT, durationMs: 0, retryInMs }
  t.match(told(), [refused, refused], 'refused in the cool-down')

  const pending = Promise.allSettled([provider.getToken({ account: 'ada' }), provider.warmUp('ada')])
  await endpoint.clock.settle()
  await provider.close()
  await pending
  t.match(told(), [
    { account: 'ada', code: CLOSED },
    { account: 'ada', code: CLOSED }
  ])
  await t.rejects(provider.accessToken())
  await t.rejects(provider.warmUp('ada'))
  t.match(
    told(),
    [
      { account: '', code: CLOSED },
      { account: 'ada', code: CLOSED }
    ],
    'closed before'
  )
  await t.rejects(provider.getToken({ account: 7 } as never))
  await t.rejects(provider.warmUp(7 as never))
  const invalid = { account: '', code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' }
  t.match(told(), [invalid, invalid], 'a mistake of the caller')
})

t.test('who ends the wait himself is no event', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const { 'serve-error': serveErrors } = observe(t)
  await t.rejects(provider.getToken({ signal: AbortSignal.abort() }))
  const controller = new AbortController()
  const left = t.rejects(provider.getToken({ signal: controller.signal }))
  await endpoint.clock.settle()
  controller.abort()
  await left
  t.strictSame(serveErrors, [])
})

t.test('what a provider abandons because it is closed says nothing of the endpoint', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const { request, refresh, cooldown } = observe(t)
  const closed = t.rejects(provider.getToken(), { code: CLOSED })
  await endpoint.clock.settle()
  await provider.close()
  await closed
  await endpoint.clock.settle()
  t.match(request, [{ outcome: 'discarded', code: CLOSED }])
  t.match(refresh, [{ outcome: 'discarded', code: CLOSED, isServing: false }])
  t.strictSame(cooldown, [])
})

t.test('an attempt during which the process stood still is discarded', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const { request } = observe(t)
  const token = provider.getToken()
  await endpoint.clock.settle()
  endpoint.answer = grant()
  await endpoint.clock.freeze(60_000)
  await token
  t.match(request, [{ outcome: 'discarded', code: undefined, error: undefined }, { outcome: 'success' }])
})

t.test('subscribers run in the context in which the provider was made', async (t) => {
  const endpoint = await startEndpoint(t, grant({ expires_in: 100 }))
  const context = new AsyncLocalStorage<string>()
  const seen = new Map<string, unknown>()
  onMessage(t, (_message, name) => {
    if (seen.get(name) !== undefined && seen.get(name) !== 'start-up') return
    seen.set(name, context.getStore())
  })
  const provider = context.run('start-up', () => endpoint.provider(t))
  await context.run('a request', async () => {
    const first = await provider.getToken()
    await endpoint.clock.advance(5_000)
    endpoint.answer = answerWith(401)
    await t.rejects(provider.getToken({ rejected: first }))
    await endpoint.clock.advance(86_000)
    await t.rejects(provider.getToken())
    t.equal(provider.invalidate(first), false)
    await endpoint.clock.advance(60_000)
    endpoint.answer = grant()
    const second = await provider.getToken()
    await endpoint.clock.advance(5_000)
    t.equal(provider.invalidate(second), true)
    t.equal(context.getStore(), 'a request')
  })
  t.strictSame([...seen.keys()].sort(), [...CHANNELS, ...REQUEST_EVENTS].sort())
  for (const [name, store] of seen) t.equal(store, 'start-up', name)
})

t.test('a subscriber that throws takes no token from anybody, and is an uncaught exception', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const uncaught = processEvents(t, 'uncaughtException')
  const bad = new Error('bad subscriber')
  onMessage(t, () => {
    throw bad
  })
  const first = await provider.getToken()
  await endpoint.clock.advance(5_000)
  t.equal((await provider.getToken({ rejected: first })).accessToken, 'token-2')
  endpoint.answer = answerWith(401)
  await t.rejects(provider.getToken({ account: 'ada' }), { code: REFUSED })
  await endpoint.clock.settle()
  t.ok(uncaught.length >= 10, `${uncaught.length}`)
  t.ok(uncaught.every((error) => error === bad))
})

for (const [what, name, drive] of [
  ['the start of a request', 'tracing:bandwidth-token:request:start', 'first'],
  ['the end of a request', 'tracing:bandwidth-token:request:asyncEnd', 'first'],
  ['a refresh', 'bandwidth-token:refresh', 'first'],
  ['a failed request', 'tracing:bandwidth-token:request:error', 'failure'],
  ['a failed refresh', 'bandwidth-token:refresh', 'failure'],
  ['the beginning of a cool-down', 'bandwidth-token:cooldown', 'failure'],
  ['a caller without a token', 'bandwidth-token:serve-error', 'failure'],
  ['an invalidation', 'bandwidth-token:invalidate', 'invalidation']
] as const) {
  t.test(`closed is closed when a subscriber closes the provider on ${what}`, async (t) => {
    const endpoint = await startEndpoint(t, drive === 'failure' ? answerWith(401) : grant())
    const provider: TokenProvider = endpoint.provider(t)
    let first: string | undefined
    if (drive === 'invalidation') {
      first = (await provider.getToken()).accessToken
      await endpoint.clock.advance(5_000)
    }
    const close = () => void provider.close()
    subscribe(name, close)
    t.teardown(() => unsubscribe(name, close))
    if (first !== undefined) t.equal(provider.invalidate(first), true)
    const code = name === 'bandwidth-token:serve-error' ? REFUSED : CLOSED
    await t.rejects(provider.getToken(), { code })
    const count = endpoint.count
    t.equal(count, name.endsWith('start') ? 0 : 1)
    await t.rejects(provider.getToken(), { code: CLOSED })
    await endpoint.clock.advance(120_000)
    t.equal(endpoint.count, count, 'no request starts')
    t.equal(endpoint.clock.timers.size, 0, 'no timer stays')
  })
}

t.test('closing ends the timer of a pause that somebody watches', async (t) => {
  const endpoint = await startEndpoint(t, answerWith(401))
  const provider = endpoint.provider(t)
  const { cooldown } = observe(t)
  await t.rejects(provider.getToken())
  t.equal(endpoint.clock.timers.size, 1)
  t.notOk(
    [...endpoint.clock.timers].some(({ held }) => held),
    'it does not hold the process open'
  )
  await provider.close()
  t.equal(endpoint.clock.timers.size, 0)
  t.equal(cooldown.length, 1)
})

t.test('nobody who does not subscribe has a timer, and the cached token is no event', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  const { all } = observe(t)
  for (let call = 0; call < 100; call++) await provider.getToken()
  await provider.getToken({ account: '', rejected: 'another' })
  provider.peek()
  provider.status()
  t.strictSame(all, [])
  const silent = await startEndpoint(t, answerWith(401))
  t.equal(silent.clock.timers.size, 0)
})
