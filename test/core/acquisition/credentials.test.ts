import type { Credentials, TokenProvider } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { answerWith, type Endpoint, grant, startEndpoint } from '../../support/endpoint.js'
import { rejection } from '../../support/outcomes.js'
import { CREDENTIALS, provide } from '../../support/provide.js'
import { shiftableClock } from '../../support/shiftable-clock.js'

t.beforeEach(() => {
  for (const name of ['BW_CLIENT_ID', 'BW_CLIENT_SECRET', 'BW_TOKEN_URL']) delete process.env[name]
})

const basic = (text: string) => `Basic ${Buffer.from(text, 'utf8').toString('base64')}`

t.test('a credentials function', async (t) => {
  interface Vault {
    readonly calls: string[]
    readonly provider: TokenProvider
    readonly server: Endpoint
    readonly clock: ReturnType<typeof shiftableClock>
  }

  async function openVault(
    t: Test,
    look: (account: string, call: number) => Credentials | Promise<Credentials>
  ): Promise<Vault> {
    const server = await startEndpoint(t)
    const clock = shiftableClock()
    const calls: string[] = []
    const credentials = (account: string) => look(account, calls.push(account))
    return { calls, server, clock, provider: provide(t, { credentials, clock, tokenUrl: server.tokenUrl }) }
  }

  t.test('is called for every token request with the account', async (t) => {
    const { calls, provider, server, clock } = await openVault(t, async (account, call) => ({
      clientId: `id-${account}`,
      clientSecret: `secret-${call}`
    }))
    t.strictSame(calls, [], 'not before it is needed')
    await provider.getToken()
    await provider.getToken()
    await provider.getToken({ account: 'a' })
    t.strictSame(calls, ['', 'a'])
    clock.advance(600_000)
    await provider.getToken()
    t.strictSame(calls, ['', 'a', ''])
    t.strictSame(
      server.requests.map(({ headers }) => headers.authorization),
      [basic('id-:secret-1'), basic('id-a:secret-2'), basic('id-:secret-3')]
    )
  })

  t.test('is called for each attempt', async (t) => {
    const { calls, provider, server } = await openVault(t, (_, call) => ({
      clientId: 'id',
      clientSecret: `secret-${call}`
    }))
    server.answer = answerWith(503)
    await rejection(provider.getToken())
    t.strictSame(calls, ['', '', ''])
  })

  for (const status of [400, 401, 403]) {
    t.test(`is asked once more after a ${status}, and its new secret is used`, async (t) => {
      const { calls, provider, server } = await openVault(t, (_, call) => ({
        clientId: 'id',
        clientSecret: call === 1 ? 'old' : 'new'
      }))
      server.answer = (exchange) => {
        const isNew = exchange.request.headers.authorization === basic('id:new')
        return (isNew ? grant() : answerWith(status, { error: 'invalid_client' }))(exchange)
      }
      t.equal((await provider.getToken()).accessToken, 'token-2')
      t.equal(calls.length, 2)
    })

    t.test(`whose secret stays refused with ${status} cools down for a minute`, async (t) => {
      const { calls, provider, server, clock } = await openVault(t, () => ({
        clientId: 'id',
        clientSecret: 'old'
      }))
      server.answer = answerWith(status, { error: 'invalid_client' })
      const error = await rejection(provider.getToken())
      t.match(error, {
        code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
        statusCode: 502,
        attempts: 2,
        upstreamStatus: status,
        oauthError: 'invalid_client',
        retryAfter: 60
      })
      clock.advance(59_000)
      t.match(await rejection(provider.getToken()), { code: error['code'], retryAfter: 1 })
      t.equal(calls.length, 2)
      t.equal(server.requests.length, 2)

      clock.advance(1_001)
      server.answer = grant()
      t.equal((await provider.getToken()).accessToken, 'token-3')
    })
  }

  const throwing = (): never => {
    throw new Error('the vault says hunter2')
  }
  for (const [what, look] of [
    ['throws', throwing],
    ['rejects', () => Promise.reject(new Error('the vault says hunter2'))],
    ['gives undefined', () => undefined],
    ['gives null', () => null],
    ['gives a string', () => 'hunter2'],
    ['gives no secret', () => ({ clientId: 'id' })],
    ['gives an empty secret', () => ({ clientId: 'id', clientSecret: '' })],
    ['gives a secret that is no string', () => ({ clientId: 'id', clientSecret: 1 })],
    ['gives an id with a colon', () => ({ clientId: 'i:d', clientSecret: 'hunter2' })],
    ['gives an id with a control character', () => ({ clientId: 'i\nd', clientSecret: 'hunter2' })]
  ] as const) {
    t.test(`that ${what} is an error for a minute, and nothing is sent`, async (t) => {
      const { calls, provider, server, clock } = await openVault(t, look as () => Credentials)
      const error = await rejection(provider.getToken())
      t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', statusCode: 502, retryAfter: 60 })
      t.match(error.message, /"credentials" function/)
      t.notMatch(JSON.stringify([error, error.message, error.stack]), 'hunter2')
      t.equal(error.cause, undefined)
      t.notOk(error['attempts'], 'no attempt was made')
      clock.advance(59_000)
      await rejection(provider.getToken())
      t.equal(calls.length, 1)
      clock.advance(1_001)
      await rejection(provider.getToken())
      t.equal(calls.length, 2)
      t.equal(server.requests.length, 0)
    })
  }

  t.test('that fails for one account fails for no other', async (t) => {
    const { provider } = await openVault(t, (account) => {
      if (account === 'unknown') throw new Error('unknown')
      return { clientId: 'id', clientSecret: 'secret' }
    })
    const [unknown, known] = await Promise.allSettled([
      provider.getToken({ account: 'unknown' }),
      provider.getToken({ account: 'known' })
    ])
    t.equal(unknown.status, 'rejected')
    t.equal(known.status, 'fulfilled')
  })

  t.test('may ask for the very token that it is called for', async (t) => {
    let inner: Promise<unknown> = Promise.resolve()
    const { provider, server } = await openVault(t, (_account, call) => {
      if (call === 1) inner = provider.getToken()
      return CREDENTIALS
    })
    t.equal(await provider.getToken(), await inner)
    t.equal(server.requests.length, 1)
  })

  t.test('that fails makes an error without attempts, because no request was made', async (t) => {
    const provider = provide(t, {
      credentials: () => {
        throw new Error('unknown account')
      }
    })
    t.notOk('attempts' in (await rejection(provider.getToken())))
  })

  t.test('that is refused for one account refuses no other', async (t) => {
    const { provider, server } = await openVault(t, (account) => ({ clientId: account, clientSecret: 'x' }))
    server.answer = (exchange) => {
      const isBad = exchange.request.headers.authorization === basic('bad:x')
      return (isBad ? answerWith(401, { error: 'invalid_client' }) : grant())(exchange)
    }
    const refused = { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' }
    t.match(await rejection(provider.getToken({ account: 'bad' })), refused)
    t.match(await provider.getToken({ account: 'good' }), { expiresIn: Number })
    t.match(await rejection(provider.getToken({ account: 'bad' })), refused)
    t.equal(server.requests.length, 3, 'two for the refusal with its reload')
  })

  t.test('that hangs is given up at the deadline', async (t) => {
    const provider = provide(t, { credentials: () => new Promise<never>(() => {}), deadlineMs: 50 })
    t.match(await rejection(provider.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', statusCode: 504 })
  })
})

t.test('fixed credentials that are refused cool down for a minute after one request', async (t) => {
  const server = await startEndpoint(t, answerWith(401, { error: 'invalid_client' }))
  const clock = shiftableClock()
  const provider = provide(t, { ...CREDENTIALS, clock, tokenUrl: server.tokenUrl })
  t.match(await rejection(provider.getToken()), { attempts: 1, retryAfter: 60 })
  clock.advance(59_000)
  await rejection(provider.getToken())
  t.equal(server.requests.length, 1)
  clock.advance(1_001)
  await rejection(provider.getToken())
  t.equal(server.requests.length, 2)
})
