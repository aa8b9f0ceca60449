import assert from 'node:assert/strict'
import { TokenRoute } from '@bandwidth-token/core/adapter'
import fc from 'fast-check'
import t from 'tap'
import { VirtualClock } from '../support/virtual-clock.js'
import { checkError } from './error-shape.js'
import { behave, type Deed, dispatcherOf, GOOD, good, providerOf, SECRET, settle, way } from './in-memory.js'
import { accounts, isAccount, junk } from './option-values.js'
import { runs } from './settings.js'

/** Has what is asked for when it is looked at first, and then something else, or nothing but an error. */
function fickle(name: string, first: unknown, then: () => unknown): object {
  let reads = 0
  const rest = name === 'clientId' ? { clientSecret: SECRET } : { clientId: 'client' }
  return Object.defineProperty(rest, name, { get: () => (reads++ === 0 ? first : then()) })
}

t.test('a credentials function of any kind comes to a token or to an error that says so', async () => {
  const throws = () => {
    throw new Error(SECRET)
  }
  const given = fc.oneof(
    fc.constant({ clientId: 'client', clientSecret: SECRET }),
    fc.record({ clientId: fc.oneof(junk, fc.string()), clientSecret: fc.oneof(junk, fc.string()) }),
    fc
      .tuple(
        fc.constantFrom('clientId', 'clientSecret'),
        fc.constantFrom(SECRET, ''),
        fc.constantFrom(throws, () => 5)
      )
      .map(([name, first, then]) => fickle(name, first, then)),
    fc.constantFrom(fickle('then', undefined, throws), fickle('clientId', 'client', throws)),
    junk
  )
  await fc.assert(
    fc.asyncProperty(given, way, async (given, way) => {
      const clock = new VirtualClock()
      const provider = providerOf(clock, {
        dispatcher: dispatcherOf([GOOD]),
        credentials: behave(way, given)
      })
      const { value, error } = await settle(clock, () => provider.getToken())
      if (value === undefined) {
        assert.equal(error?.code, 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED')
        assert.equal(error.retryAfter, 60)
      } else assert.equal(value.accessToken, 'token')
      await provider.close()
    }),
    runs(1_500)
  )
})

t.test('what the token route calls may return and throw what it likes', async () => {
  const verdict = fc.oneof(fc.constantFrom(true, false, 1, 'true', {}, [], undefined, null), junk)
  const clock = new VirtualClock()
  const provider = providerOf(clock, { dispatcher: dispatcherOf([GOOD]) })
  await fc.assert(
    fc.asyncProperty(verdict, way, fc.option(accounts), way, async (verdict, way, account, accountWay) => {
      const route = new TokenRoute<object>({
        provider,
        authorize: behave(way, verdict),
        ...(account !== null && { account: behave(accountWay, account) })
      })
      const passes = verdict === true && (way === 'returns' || way === 'resolves')
      let answer: { headers: object; body: string } | undefined
      try {
        answer = await route.answer({}, { url: '/bandwidth/token', header: () => undefined })
      } catch (error) {
        assert.equal(
          typeof error === 'function' ? 'object' : typeof error,
          'object',
          'a framework sees an error'
        )
        assert.ok(error !== null)
        const isForeign = way === 'throws' || way === 'rejects' || (passes && accountWay === 'throws')
        if (!isForeign) {
          const { code } = checkError(error, [SECRET])
          assert.equal(code, `ERR_BANDWIDTH_TOKEN_${passes ? 'OPTION_INVALID' : 'FORBIDDEN'}`)
        }
      }
      const isTold =
        account !== null && !(accountWay === 'returns' && typeof account === 'string' && isAccount(account))
      assert.equal(answer !== undefined, passes && !isTold)
      if (answer !== undefined) assert.equal(JSON.parse(answer.body).access_token, 'token')
    }),
    runs(3_000)
  )
  await provider.close()
})

t.test('a logger of any kind costs nobody a token', async () => {
  const down: Deed = { status: 503, headers: {}, body: '', breaks: false }
  const short: Deed = { status: 200, headers: {}, body: good(undefined), breaks: false }
  await fc.assert(
    fc.asyncProperty(way, junk, async (way, what) => {
      const log = behave(way, what)
      const clock = new VirtualClock()
      const provider = providerOf(clock, {
        dispatcher: dispatcherOf([down, down, down, short]),
        logger: { debug: log, info: log, warn: log, error: log }
      })
      const { error } = await settle(clock, () => provider.getToken())
      assert.equal(error?.code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
      await clock.advance(2_000)
      const { value } = await settle(clock, () => provider.getToken())
      assert.equal(value?.accessToken, 'token')
      await provider.close()
    }),
    runs(200)
  )
})
