import assert from 'node:assert/strict'
import type { GetTokenOptions } from '@bandwidth-token/core'
import fc from 'fast-check'
import t from 'tap'
import { VirtualClock } from '../support/virtual-clock.js'
import { deed, dispatcherOf, GOOD, providerOf, settle } from './in-memory.js'
import { accounts, isAccount, junk } from './option-values.js'
import { runs } from './settings.js'

t.test('an answer of any kind comes to a valid token or to an error of the list', async () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 4 }), pauses, async (deeds, pauses) => {
      const clock = new VirtualClock()
      const provider = providerOf(clock, { dispatcher: dispatcherOf(deeds) })
      for (const pauseMs of pauses) {
        const { value: token, error } = await settle(clock, () => provider.getToken())
        if (token === undefined) assert.notEqual(error?.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
        else {
          const lifetimeMs = token.expiresAt.getTime() - token.issuedAt.getTime()
          const leftMs = token.expiresAt.getTime() - clock.now()
          assert.ok(leftMs >= Math.min(10_000, lifetimeMs / 10), `${leftMs} ms are left`)
          assert.equal(token.expiresIn, Math.floor(leftMs / 1000))
          assert.match(token.authorization, /^Bearer [A-Za-z0-9._~+/-]+=*$/)
          assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(token.toResponse()))).sort(), [
            'access_token',
            ...(token.accessTokenId === undefined ? [] : ['access_token_id']),
            ...['expires_in', 'token_type']
          ])
        }
        await clock.advance(pauseMs)
      }
      await provider.close()
      assert.equal(clock.timers.size, 0, 'no timer is left')
    }),
    runs(500)
  )
})

const lifetimes = fc.oneof(
  fc.constantFrom(undefined, 0, -0, Infinity, -1, Number.NaN, '5', 5n, null),
  fc.double(),
  junk
)
const isLifetime = (value: unknown) =>
  value === undefined || (typeof value === 'number' && !(value < 0) && !Number.isNaN(value))

const rejections = fc.oneof(
  fc.constantFrom(undefined, 'id', 'token', '', { accessToken: 'token' }, { accessToken: 5 }, {}, null, 5, [
    'id'
  ]),
  fc.string(),
  junk
)
function isRejection(value: unknown): boolean {
  if (value === undefined || typeof value === 'string') return true
  return (
    typeof value === 'object' && typeof (value as { accessToken?: unknown } | null)?.accessToken === 'string'
  )
}

const signals = fc.oneof(
  fc.constantFrom('none', 'open').map((kind) => (kind === 'none' ? undefined : new AbortController().signal)),
  fc.constantFrom(
    new EventTarget(),
    { aborted: false },
    { addEventListener() {} },
    new AbortController(),
    null
  ),
  junk
)
const isSignal = (value: unknown) => value === undefined || value instanceof AbortSignal

t.test('arguments of any kind come to a token or to an error that names them', async () => {
  const clock = new VirtualClock()
  const provider = providerOf(clock, { dispatcher: dispatcherOf([GOOD]) })
  const request = fc.record(
    { account: accounts, minimumLifetimeMs: lifetimes, rejected: rejections, signal: signals },
    { requiredKeys: [] }
  )
  await fc.assert(
    fc.asyncProperty(request, async (request) => {
      const isGood =
        isAccount(request.account) &&
        isLifetime(request.minimumLifetimeMs) &&
        isRejection(request.rejected) &&
        isSignal(request.signal)
      const { value, error } = await settle(clock, () => provider.getToken(request as GetTokenOptions))
      if (isGood) assert.equal(value?.accessToken, 'token')
      else {
        assert.equal(error?.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
        assert.match(error.message, /"(account|minimumLifetimeMs|rejected|signal)"/)
      }
    }),
    runs(3_000)
  )
  await fc.assert(
    fc.asyncProperty(junk, async (value) => {
      const { error } = await settle(clock, () => provider.getToken(value as GetTokenOptions))
      const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
      if (!isEmpty || Array.isArray(value)) assert.equal(error?.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
    }),
    runs(1_000)
  )
  await fc.assert(
    fc.asyncProperty(accounts, rejections, async (account, rejected) => {
      const named = account as string
      for (const [call, isGood] of [
        [() => provider.peek(named), isAccount(account)],
        [() => provider.status(named), isAccount(account)],
        [() => provider.warmUp(named), isAccount(account)],
        [
          () => provider.invalidate(rejected as string, named),
          isAccount(account) && rejected !== undefined && isRejection(rejected)
        ]
      ] as const) {
        const { error } = await settle(clock, call as () => unknown)
        assert.equal(error?.code, isGood ? undefined : 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
      }
    }),
    runs(1_000)
  )
  await provider.close()
})
