import type { Readable } from 'node:stream'
import { TokenProvider } from '@bandwidth-token/core'
import t from 'tap'
import { credentials, fail, grant, startEndpoint } from '../../support/endpoint.js'
import { processEvents } from '../../support/process-events.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { VirtualClock } from '../../support/virtual-clock.js'

t.test('makes 1 request for 10,000 cold callers', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const tokens = await Promise.all(Array.from({ length: 10_000 }, () => provider.getToken()))
  t.equal(endpoint.count, 1)
  t.equal(new Set(tokens).size, 1)
})

t.test('gives each account a token of its own', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const accounts = Array.from({ length: 1_000 }, (_, call) => ['ada', 'grace'][call % 2] as string)
  const tokens = await Promise.all(accounts.map((account) => provider.getToken({ account })))
  t.equal(endpoint.count, 2)
  const taken = (account: string) =>
    new Set(tokens.filter((_, call) => accounts[call] === account).map((token) => token.accessToken))
  t.equal(taken('ada').size, 1)
  t.equal(taken('grace').size, 1)
  t.strictNotSame([...taken('ada')], [...taken('grace')])
  t.equal((await provider.getToken({ account: 'ada' })).accessToken, [...taken('ada')][0])
  t.not((await provider.getToken()).accessToken, [...taken('ada')][0], 'the default account is another one')
  t.equal(await provider.getToken({ account: '' }), await provider.getToken(), 'and its name is ""')
})

t.test('opens many connections at once without a warning', async (t) => {
  const warnings = processEvents(t, 'warning')
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const accounts = Array.from({ length: 20 }, (_, index) => String(index))
  await Promise.all(accounts.map((account) => provider.getToken({ account })))
  await endpoint.clock.settle()
  t.equal(endpoint.count, 20)
  t.strictSame(warnings, [])
})

t.test('answers a fresh token with one clock reading and the same promise, for every account', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  for (const options of [undefined, { account: 'ada' }, { account: 'grace' }]) {
    await provider.getToken(options)
    const first = provider.getToken(options)
    endpoint.clock.readings = 0
    t.equal(provider.getToken(options), first)
    t.equal(endpoint.clock.readings, 1)
  }
})

t.test('keeps the tokens of maxTokens accounts, the least recently used goes first', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { maxTokens: 2 })
  await provider.getToken({ account: 'a' })
  await provider.getToken({ account: 'b' })
  await provider.getToken({ account: 'a' })
  await provider.getToken({ account: 'c' })
  t.ok(provider.peek('a'))
  t.notOk(provider.peek('b'))
  t.ok(provider.peek('c'))
  t.equal(endpoint.clock.timers.size, 2, 'a dropped token leaves no timer')
})

t.test(
  'warns once that a token which still served was evicted, and not of one that had expired',
  async (t) => {
    const endpoint = await startEndpoint(t)
    const logger = recordingLogger()
    const provider = endpoint.provider(t, { maxTokens: 1, logger })
    await provider.getToken({ account: 'a' })
    endpoint.clock.suspend(3_600_000)
    await provider.getToken({ account: 'b' })
    t.strictSame(
      logger.warnings(),
      [],
      'the token of a expired during the suspend, and no timer has run since'
    )
    await provider.getToken({ account: 'c' })
    await provider.getToken({ account: 'd' })
    t.match(logger.warnings(), [{ message: /"maxTokens"/ }])
    t.equal(logger.warnings().length, 1)
  }
)

t.test('counts every use of a fresh token, whichever account was used last', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { maxTokens: 3 })
  const use = (...accounts: string[]) =>
    accounts.reduce((done, account) => done.then(() => provider.getToken({ account })), Promise.resolve({}))
  await use('', 'a', 'b', 'b', '', '', 'a', 'b', '', 'c')
  t.notOk(provider.peek('a'), 'the least recently used of three')
  await use('b', 'c', 'c', 'b', 'd')
  t.notOk(provider.peek(''))
  t.ok(provider.peek('b') && provider.peek('c') && provider.peek('d'))
  t.equal(endpoint.count, 5)
})

t.test('keeps the tokens of 10,000 accounts by default', async (t) => {
  const body = {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from('{"access_token":"token","expires_in":600}')
    }
  } as Readable
  const provider = new TokenProvider({
    clientId: 'client',
    clientSecret: 'secret',
    clock: new VirtualClock(),
    dispatcher: { request: async () => ({ statusCode: 200, headers: {}, body }) }
  })
  t.teardown(() => provider.close())
  for (let account = 0; account < 10_000; account++) await provider.getToken({ account: String(account) })
  t.ok(provider.peek('0'))
  await provider.getToken({ account: '10000' })
  t.notOk(provider.peek('1'))
  t.ok(provider.peek('0') && provider.peek('2'))
})

t.test('lets no account without a token take the place of one that has one', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, {
    maxTokens: 2,
    credentials: (account) => {
      if (account.startsWith('stranger')) throw new Error('unknown')
      return { clientId: account, clientSecret: 'secret' }
    }
  })
  await provider.getToken({ account: 'a' })
  await provider.getToken({ account: 'b' })
  for (let stranger = 0; stranger < 50; stranger++) {
    await t.rejects(provider.getToken({ account: `stranger ${stranger}` }), {
      code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
    })
  }
  t.ok(provider.peek('a') && provider.peek('b'))
  t.equal(endpoint.count, 2)
})

t.test('gives the place of a token that is gone to no other', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { maxTokens: 2 })
  await provider.getToken({ account: 'a' })
  await endpoint.clock.advance(5_000)
  await provider.getToken({ account: 'b' })
  t.equal(provider.invalidate('token-1', 'a'), true)
  await provider.getToken({ account: 'c' })
  t.ok(provider.peek('b') && provider.peek('c'))
})

t.test('remembers the failures of maxTokens accounts that have credentials of their own', async (t) => {
  const endpoint = await startEndpoint(t, fail(401))
  const provider = endpoint.provider(t, { maxTokens: 2, credentials })
  for (const account of ['a', 'b', 'c']) await provider.getToken({ account }).catch(() => {})
  t.strictSame(
    ['a', 'b', 'c'].map((account) => provider.status(account).state),
    ['empty', 'cooling', 'cooling']
  )
})

t.test('keeps a single flight for an account whose token was evicted while it was refreshed', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { maxTokens: 1 })
  await provider.getToken({ account: 'a' })
  endpoint.answer = endpoint.held()
  await endpoint.untilRequest(2)
  endpoint.answer = grant()
  await provider.getToken({ account: 'b' })
  t.equal(provider.peek('a'), undefined, 'b has taken its place')
  const again = provider.getToken({ account: 'a' })
  await endpoint.clock.settle()
  t.equal(endpoint.count, 3, 'the request that runs is joined')
  await endpoint.release()
  t.equal((await again).accessToken, 'token-2')
})

t.test('holds back all accounts of one client, but none whose token serves', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const token = await provider.getToken({ account: 'a' })
  endpoint.answer = fail(503)
  const rejected = t.rejects(provider.getToken({ account: 'b' }), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
  await endpoint.clock.advance(500)
  await rejected
  endpoint.answer = grant()
  t.equal(provider.status('b').state, 'cooling')
  await t.rejects(provider.getToken({ account: 'c' }), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    retryAfter: 1
  })
  t.equal(await provider.getToken({ account: 'a' }), token)
  await endpoint.clock.advance(1_000)
  t.ok(await provider.getToken({ account: 'c' }))
})

t.test('holds back no other account where each has credentials of its own', async (t) => {
  const endpoint = await startEndpoint(t, fail(401))
  const provider = endpoint.provider(t, { credentials })
  await t.rejects(provider.getToken({ account: 'a' }), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
  endpoint.answer = grant()
  t.ok(await provider.getToken({ account: 'b' }))
  t.equal(provider.status('a').state, 'cooling')
})
