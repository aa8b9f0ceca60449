import t from 'tap'
import { answerWith, fail, grant, startEndpoint } from '../../support/endpoint.js'
import { recordingLogger } from '../../support/recording-logger.js'

const UNAVAILABLE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' }

for (const [name, nameIt] of [
  ['token', (token: { accessToken: string; accessTokenId: string | undefined }) => token],
  ['string', (token: { accessToken: string }) => token.accessToken],
  ['id', (token: { accessTokenId: string | undefined }) => token.accessTokenId as string]
] as const) {
  t.test(
    `replaces a token that a peer refused, named by its ${name}, once for all who name it`,
    async (t) => {
      const endpoint = await startEndpoint(t)
      const provider = endpoint.provider(t)
      const first = await provider.getToken()
      await endpoint.clock.advance(5_000)
      endpoint.answer = endpoint.held()
      const rejected = nameIt(first)
      const replaced = Promise.all(Array.from({ length: 100 }, () => provider.getToken({ rejected })))
      await endpoint.clock.settle()
      t.equal((await provider.getToken()).accessToken, 'token-1', 'others go on being served')
      await endpoint.release()
      t.strictSame([...new Set((await replaced).map(({ accessToken }) => accessToken))], ['token-2'])
      t.equal(endpoint.count, 2)
      t.equal((await provider.getToken({ rejected })).accessToken, 'token-2', 'a late one gets the new token')
      await endpoint.clock.advance(40_000)
      t.equal((await provider.getToken({ rejected })).accessToken, 'token-2', 'however late')
      t.equal(endpoint.count, 2)
    }
  )
}

t.test('does not replace a token younger than 5 s and warns once', async (t) => {
  const endpoint = await startEndpoint(t)
  const logger = recordingLogger()
  const provider = endpoint.provider(t, { logger })
  const rejected = await provider.getToken()
  await endpoint.clock.advance(4_999)
  const tokens = await Promise.all(Array.from({ length: 10 }, () => provider.getToken({ rejected })))
  t.ok(tokens.every((token) => token === rejected))
  t.equal(endpoint.count, 1)
  t.match(logger.warnings(), [
    { fields: { account: '' }, message: /^The gateway rejected a token less than 5 s old; keeping it/ }
  ])
  t.equal(logger.warnings().length, 1)
  await endpoint.clock.advance(1)
  t.equal((await provider.getToken({ rejected })).accessToken, 'token-2')
})

t.test('replaces at most once per 30 s, counted from the start', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const first = await provider.getToken()
  await endpoint.clock.advance(5_000)
  const second = await provider.getToken({ rejected: first })
  await endpoint.clock.advance(29_999)
  t.equal(await provider.getToken({ rejected: second }), second, 'within them it is handed out all the same')
  t.equal(endpoint.count, 2)
  await endpoint.clock.advance(1)
  t.equal((await provider.getToken({ rejected: second })).accessToken, 'token-3')
})

t.test(
  'gives the error of a failed replacement to those who waited for it, and to nobody else',
  async (t) => {
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t)
    const rejected = await provider.getToken()
    await endpoint.clock.advance(5_000)
    endpoint.answer = endpoint.held(fail(503))
    const waiting = [0, 1, 2].map(() =>
      t.rejects(provider.getToken({ rejected }), { ...UNAVAILABLE, attempts: 3 })
    )
    await endpoint.clock.settle()
    t.equal(await provider.getToken(), rejected)
    endpoint.answer = fail(503)
    await endpoint.release()
    await endpoint.clock.advance(300)
    await Promise.all(waiting)
    t.equal(endpoint.count, 4, 'with three attempts')
    t.equal(await provider.getToken(), rejected)
    t.equal(await provider.getToken({ rejected }), rejected, 'nor to those who name it within 30 s')
    await endpoint.clock.advance(500_000)
    t.equal(endpoint.count, 4, 'it is not tried again by itself before T - soft')
  }
)

t.test('keeps a rejected token where the new one is dead when it arrives, and says so', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const rejected = await provider.getToken()
  await endpoint.clock.advance(5_000)
  endpoint.answer = endpoint.held(grant({ expires_in: 1 }))
  const waiting = t.rejects(provider.getToken({ rejected }), { ...UNAVAILABLE, message: /about to expire/ })
  await endpoint.clock.settle()
  await endpoint.clock.advance(1_000)
  await endpoint.release()
  await waiting
  t.equal(await provider.getToken(), rejected)
})

t.test('starts no replacement during a cool-down, and says so to those who ask', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const rejected = await provider.getToken()
  endpoint.answer = fail(401)
  await endpoint.untilRequest(2)
  await t.rejects(provider.getToken({ rejected }), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
  t.equal(await provider.getToken(), rejected)
  t.equal(endpoint.count, 2)
})

t.test('ignores a rejected token that is not the cached one', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const token = await provider.getToken()
  await endpoint.clock.advance(5_000)
  for (const rejected of ['', 'id-0', 'token-0', 'undefined', { accessToken: 'token-0' }]) {
    t.equal(await provider.getToken({ rejected }), token)
  }
  t.equal(endpoint.count, 1)
})

t.test('replaces the token of the named account only', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const [a, b] = [await provider.getToken({ account: 'a' }), await provider.getToken({ account: 'b' })]
  await endpoint.clock.advance(5_000)
  t.equal(await provider.getToken({ account: 'b', rejected: a }), b)
  t.equal((await provider.getToken({ account: 'a', rejected: a })).accessToken, 'token-3')
  t.equal(await provider.getToken({ account: 'b' }), b)
})

t.test('invalidates the cached token only if it is the one named and at least 5 s old', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.equal(provider.invalidate('token-1'), false, 'there is none')
  const token = await provider.getToken()
  t.equal(provider.invalidate(token), false, 'too young')
  await endpoint.clock.advance(5_000)
  t.equal(provider.invalidate('token-0'), false)
  t.equal(provider.invalidate(token, 'another account'), false)
  t.equal(provider.invalidate('id-1'), true)
  t.equal(provider.invalidate('id-1'), false)
  t.equal(provider.peek(), undefined)
  t.equal(endpoint.clock.timers.size, 0)
  t.equal((await provider.getToken()).accessToken, 'token-2')
})

t.test('replaces a rejected token though the endpoint once sent one that was about to expire', async (t) => {
  const endpoint = await startEndpoint(t, grant({ expires_in: 3 }))
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = grant()
  await endpoint.clock.advance(6_000)
  const rejected = await provider.getToken()
  await endpoint.clock.advance(6_000)
  t.not((await provider.getToken({ rejected })).accessToken, rejected.accessToken)
})

t.test('keeps a rejected token while a new one would be no better', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const token = await provider.getToken()
  endpoint.answer = grant({ expires_in: 5 })
  while (endpoint.count < 2) await endpoint.clock.advance(1_000)
  await endpoint.clock.settle()
  t.equal(await provider.getToken({ rejected: token }), token)
  t.equal(endpoint.count, 2)
})

t.test('says when to try again while a refusal lasts, which ends with the token', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = fail(401)
  await endpoint.clock.advance(585_000)
  t.equal(endpoint.count, 2, 'the refresh was refused')
  t.match(provider.status(), { state: 'degraded', retryInMs: 5_000 })
  await t.rejects(provider.getToken({ rejected: 'id-1' }), {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    retryAfter: 5
  })
})

t.test('shows no part of the cached token that the endpoint repeats in an error', async (t) => {
  const endpoint = await startEndpoint(t, grant({ access_token: 'abcdefgh-the-rest' }))
  const provider = endpoint.provider(t)
  const token = await provider.getToken()
  await endpoint.clock.advance(10_000)
  for (const [error, shown] of [
    ['abcdefgh', undefined],
    ['invalid_client', 'invalid_client']
  ]) {
    endpoint.answer = answerWith(400, { error })
    const { oauthError } = await provider.getToken({ rejected: token }).catch((thrown) => thrown)
    t.equal(oauthError, shown)
    await endpoint.clock.advance(61_000)
  }
})
