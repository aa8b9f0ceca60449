import t from 'tap'
import { type Answer, fail, grant, startEndpoint } from '../../support/endpoint.js'
import { recordingLogger } from '../../support/recording-logger.js'

for (const [given, seconds] of [
  [600, 600],
  ['600', 600],
  [600.9, 600],
  ['600.9', 600],
  [1e12, 86_400],
  [86_401, 86_400],
  [null, 60],
  [undefined, 60],
  [1, 1]
] as const) {
  t.test(`reads expires_in ${JSON.stringify(given)} as ${seconds} s`, async (t) => {
    const endpoint = await startEndpoint(t, grant({ expires_in: given }))
    const logger = recordingLogger()
    const provider = endpoint.provider(t, { logger })
    t.equal((await provider.getToken()).expiresIn, seconds)
    if (given === null || given === undefined) {
      for (let minute = 0; minute < 3; minute++) {
        await endpoint.clock.advance(60_000)
        await provider.getToken()
      }
      t.equal(logger.warnings().length, 1, 'with one warning')
    } else {
      t.strictSame(
        logger.warnings().length,
        seconds === 1 ? 1 : 0,
        'none but for a token that is nearly dead'
      )
    }
  })
}

for (const given of [0, -5, 'abc', '', '-1', '6e2', {}, [], true, 0.5, '0']) {
  t.test(`refuses expires_in ${JSON.stringify(given)} and caches nothing`, async (t) => {
    const endpoint = await startEndpoint(t, grant({ expires_in: given }))
    const provider = endpoint.provider(t)
    const pending = t.rejects(provider.getToken(), {
      code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
      attempts: 3
    })
    await endpoint.clock.advance(300)
    await pending
    t.equal(provider.peek(), undefined)
  })
}

const same = (expiresIn: (count: number) => number): Answer => {
  return (exchange) => grant({ expires_in: expiresIn(exchange.number), access_token: 'same' })(exchange)
}

for (const [name, answer, marginMs] of [
  ['new tokens of 1 s', grant({ expires_in: 1 }), 100],
  ['new tokens of 5 s', grant({ expires_in: 5 }), 500],
  ['the same token of 3 s', same(() => 3), 300]
] as const) {
  t.test(`asks at most once per 5 s for ${name}`, async (t) => {
    const endpoint = await startEndpoint(t, answer)
    const provider = endpoint.provider(t)
    let served = 0
    for (let call = 0; call < 1_000; call++) {
      try {
        const token = await provider.getToken()
        served++
        t.ok(token.expiresAt.getTime() - endpoint.clock.now() >= marginMs)
      } catch (error) {
        t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: /about to expire/ })
        const { retryAfter } = error as { retryAfter: number }
        t.ok(retryAfter >= 1 && retryAfter <= 5)
      }
      await endpoint.clock.advance(100)
    }
    t.ok(endpoint.count <= 21, `${endpoint.count} requests`)
    t.ok(served >= 180, `${served} calls served`)
  })
}

for (const [what, answer] of [
  ['are about to expire', grant({ expires_in: 3 })],
  [
    'end before the cached one',
    (exchange) => grant({ expires_in: exchange.number === 1 ? 600 : 8 })(exchange)
  ]
] as readonly [string, Answer][]) {
  t.test(`warns once when the endpoint sends tokens that ${what}`, async (t) => {
    const endpoint = await startEndpoint(t, answer)
    const logger = recordingLogger()
    const provider = endpoint.provider(t, { logger })
    for (let call = 0; call < 4; call++) {
      await provider.getToken({ minimumLifetimeMs: 599_999 })
      await provider.getToken({ account: 'other', minimumLifetimeMs: 599_999 }).catch(() => {})
      await endpoint.clock.advance(5_000)
    }
    t.ok(endpoint.count >= 4, `${endpoint.count} requests`)
    t.equal(logger.warnings().length, 1)
    t.match(logger.warnings()[0]?.message, /about to expire, or that expires before the cached one/)
  })
}

t.test('logs a token that is dead when it comes as none', async (t) => {
  const logger = recordingLogger()
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held(grant({ expires_in: 1 }))
  const provider = endpoint.provider(t, { logger })
  const refused = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
  await endpoint.untilRequest(1)
  await endpoint.clock.advance(1_500)
  await endpoint.release()
  await refused
  const messages = logger.lines.map(({ level, message }) => `${level} ${message}`)
  t.ok(messages.includes('error No token could be obtained.'), messages.join())
  t.notOk(messages.some((message) => message.includes('was obtained')))
})

t.test('tells of no error after a token that is merely short', async (t) => {
  const endpoint = await startEndpoint(t, grant({ expires_in: 3 }))
  const provider = endpoint.provider(t)
  await provider.getToken()
  t.match(provider.status(), { state: 'fresh', lastErrorCode: undefined, consecutiveFailures: 0 })
})

t.test('asks at most once per 5 s when the same token is handed back until it dies', async (t) => {
  const endpoint = await startEndpoint(t)
  const startMs = endpoint.clock.monotonic()
  let said = 600
  endpoint.answer = (exchange) => {
    const ageS = Math.ceil((endpoint.clock.monotonic() - startMs) / 1000)
    const left = 600 - (ageS % 600)
    said = left
    grant({ expires_in: left, access_token: `epoch-${Math.floor(ageS / 600)}` })(exchange)
  }
  const provider = endpoint.provider(t)
  for (let second = 0; second < 1_800; second++) {
    await provider.getToken().then(
      (token) => {
        const left = 600 - (second % 600)
        if (left < Math.min(10, said / 10)) t.fail(`handed out with ${left} s left`)
        if (token.accessToken !== `epoch-${Math.floor(second / 600)}`) t.fail('an old one')
      },
      (error) => t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', retryAfter: Number })
    )
    await endpoint.clock.advance(1_000)
  }
  const gaps = endpoint.requests
    .slice(1)
    .map(({ atMs }, index) => atMs - (endpoint.requests[index]?.atMs ?? 0))
  t.ok(Math.min(...gaps) >= 5_000)
})

t.test('keeps a token that outlives the one a refresh brought', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = grant({ expires_in: 1 })
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  t.equal((await provider.getToken()).accessToken, 'token-1')
  t.match(provider.status(), { state: 'fresh', consecutiveFailures: 0 })
})

t.test('hands out no token that is dead when it arrives', async (t) => {
  const endpoint = await startEndpoint(t)
  endpoint.answer = endpoint.held(grant({ expires_in: 1 }))
  const provider = endpoint.provider(t)
  const pending = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
  await endpoint.clock.settle()
  await endpoint.clock.advance(1_000)
  await endpoint.release()
  await pending
  t.equal(provider.peek(), undefined)
})

t.test('asks at most once per 5 s for a token that outlives the cached one', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = grant({ expires_in: 8 })
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  for (let second = 0; second < 4; second++) {
    t.equal((await provider.getToken()).accessToken, 'token-1')
    await endpoint.clock.advance(1_000)
    t.equal(endpoint.count, 2)
  }
})

t.test('fetches one new token for a minimumLifetimeMs and hands out the newest', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.equal((await provider.getToken({ minimumLifetimeMs: 1e9 })).accessToken, 'token-1')
  t.equal((await provider.getToken({ minimumLifetimeMs: 1e9 })).accessToken, 'token-1', 'at most one per 5 s')
  await endpoint.clock.advance(5_000)
  for (const little of [0, 0.5]) {
    t.equal((await provider.getToken({ minimumLifetimeMs: little })).accessToken, 'token-1')
  }
  t.equal(
    (await provider.getToken({ minimumLifetimeMs: 595_000 })).accessToken,
    'token-1',
    'it has that much'
  )
  const tokens = await Promise.all([0, 1].map(() => provider.getToken({ minimumLifetimeMs: 595_001 })))
  t.strictSame(
    tokens.map(({ accessToken }) => accessToken),
    ['token-2', 'token-2']
  )
  t.equal(endpoint.count, 2)
  await endpoint.clock.advance(4_999)
  t.equal((await provider.getToken({ minimumLifetimeMs: 1e9 })).accessToken, 'token-2')
  await endpoint.clock.advance(1)
  t.equal((await provider.getToken({ minimumLifetimeMs: 1e9 })).accessToken, 'token-3')
})

t.test('fetches nothing for a minimumLifetimeMs during a cool-down', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  await endpoint.clock.advance(100_000)
  endpoint.answer = fail(401)
  t.equal((await provider.getToken({ minimumLifetimeMs: 550_000 })).accessToken, 'token-1')
  await endpoint.clock.advance(10_000)
  t.equal((await provider.getToken({ minimumLifetimeMs: 550_000 })).accessToken, 'token-1')
  t.equal(endpoint.count, 2)
})

t.test('counts a call with a minimumLifetimeMs as use of what it gets', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.warmUp()
  await endpoint.clock.advance(5_000)
  t.equal((await provider.getToken({ minimumLifetimeMs: 600_000 })).accessToken, 'token-2')
  await endpoint.clock.advance(581_000)
  t.equal(endpoint.count, 3)
})

t.test('says why where the cached token ends while one for a minimumLifetimeMs is fetched', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  await endpoint.clock.advance(560_000)
  endpoint.answer = endpoint.held(fail(401))
  const pending = t.rejects(provider.getToken({ minimumLifetimeMs: 100_000 }), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  })
  await endpoint.clock.settle()
  endpoint.clock.suspend(30_001)
  await endpoint.release()
  await pending
})

t.test('hands out the cached token when the fetch for a minimumLifetimeMs fails', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  await endpoint.clock.advance(100_000)
  endpoint.answer = fail(503)
  const pending = provider.getToken({ minimumLifetimeMs: 550_000 })
  await endpoint.clock.advance(300)
  t.equal((await pending).accessToken, 'token-1')
  t.equal((await provider.getToken({ minimumLifetimeMs: 550_000 })).accessToken, 'token-1')
  t.equal(endpoint.count, 4)
})

t.test('keeps the hot path of a token that lives longer than the one that came', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  await endpoint.clock.advance(6_000)
  endpoint.answer = grant({ expires_in: 60 })
  t.equal((await provider.getToken({ minimumLifetimeMs: 595_000 })).accessToken, 'token-1')
  t.equal(endpoint.count, 2)
  t.equal(provider.getToken(), provider.getToken(), 'the same promise')
})

t.test('hands out no token that the endpoint sent again to say that it is dead', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  await endpoint.clock.advance(6_000)
  endpoint.answer = endpoint.held(grant({ access_token: 'token-1', expires_in: 1 }))
  const longer = t.rejects(provider.getToken({ minimumLifetimeMs: 599_000 }), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
  })
  await endpoint.untilRequest(2)
  await endpoint.clock.advance(950)
  await endpoint.release()
  await longer
  t.equal(provider.peek(), undefined)
  await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
})
