import { setImmediate } from 'node:timers/promises'
import { BandwidthTokenError } from '@bandwidth-token/core'
import { type OptionRule, TokenRoute } from '@bandwidth-token/core/adapter'
import t from 'tap'
import { rejection, thrownBy } from '../../support/outcomes.js'
import { processEvents } from '../../support/process-events.js'

const UNCACHEABLE = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff'
}
const provider = { getToken: () => Promise.reject(new Error('nobody was to ask')) }
const authorize = () => true

t.test('refuses whoever asks a route that has no authorize', async (t) => {
  const route = new TokenRoute<object>({ provider, path: false })
  t.match(await rejection(route.answer({}, '/')), { code: 'ERR_BANDWIDTH_TOKEN_FORBIDDEN', statusCode: 403 })
})

t.test('asks for no path of its own beside the usual name', async (t) => {
  const { path, decorateAs } = new TokenRoute({ provider, authorize, decorateAs: 'bandwidthToken' }).options
  t.strictSame({ path, decorateAs }, { path: '/bandwidth/token', decorateAs: 'bandwidthToken' })
})

t.test('says what was wrong with an option beside a provider', async (t) => {
  t.match(
    thrownBy(() => new TokenRoute({ provider, authorize, maxTokens: 5 })),
    {
      message: 'Invalid option "maxTokens": expected none beside "provider", which has its own; got a number.'
    }
  )
})

t.test('refuses an account that is none, and says what it is to be', async (t) => {
  const route = new TokenRoute<object>({ provider, authorize, account: () => 7 })
  const invalid = {
    code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
    message: /"account": expected a function that returns a string of at most 256 characters; got a number/
  }
  t.match(await rejection(route.answer({}, '/')), invalid)
  t.match(await rejection(route.tokenFor({})), invalid)
})

t.test('hears what an asynchronous account rejects with', async (t) => {
  const unhandled = processEvents(t, 'unhandledRejection')
  const route = new TokenRoute<object>({
    provider,
    authorize,
    account: (() => Promise.reject(new Error('no database'))) as never
  })
  t.match(await rejection(route.tokenFor({})), { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' })
  await setImmediate()
  t.strictSame(unhandled, [])
})

t.test('refuses an origin where the request names no host of its own', async (t) => {
  const route = new TokenRoute<object>({ provider, authorize })
  for (const origin of ['https://undefined', 'http://undefined']) {
    t.match(
      thrownBy(() => route.checkOrigin({ origin })),
      { code: 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN' }
    )
  }
})

t.test('takes any name that a property may have', async (t) => {
  for (const decorateAs of ['x', '$', '_', 'a1', '$_$', 'bandwidthToken2']) {
    const { options } = new TokenRoute({ provider, authorize, path: '/own', decorateAs })
    t.equal(options.decorateAs, decorateAs)
  }
})

t.test('hands an adapter its own options, checked, and none of the others', async (t) => {
  const rules: Record<string, OptionRule> = { colour: [(value) => value === 'red', '"red"'] }
  const { extra } = new TokenRoute({ provider, authorize, path: '/own', colour: 'red' }, rules).options
  t.strictSame(extra, { colour: 'red' })
  t.match(
    thrownBy(() => new TokenRoute({ provider, authorize, colour: 'blue' }, rules)),
    { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: 'Invalid option "colour": expected "red"' }
  )
})

t.test('has headers for every error, and trusts those of its own errors only', async (t) => {
  const route = new TokenRoute({ provider, authorize })
  const own = new BandwidthTokenError('ERR_BANDWIDTH_TOKEN_UNAVAILABLE', 'why', { retryAfter: 7 })
  t.strictSame(route.errorHeaders(own), { ...UNCACHEABLE, 'Retry-After': '7' })
  const headers = { 'Set-Cookie': 'a=b', 'Cache-Control': 'public' }
  for (const error of [
    undefined,
    null,
    'thrown',
    {},
    { code: 7, headers },
    { code: null, headers },
    { code: 'APP', headers },
    { code: 'AN_ERR_BANDWIDTH_TOKEN_', headers }
  ]) {
    t.strictSame(route.errorHeaders(error), UNCACHEABLE, JSON.stringify(error))
  }
})

t.test('lets no error answer be cached, whoever made the error', async (t) => {
  const route = new TokenRoute({ provider, authorize })
  const code = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
  t.strictSame(route.errorHeaders({ code }), UNCACHEABLE)
  t.strictSame(route.errorHeaders({ code, headers: { 'Retry-After': '7', 'Cache-Control': 'public' } }), {
    ...UNCACHEABLE,
    'Retry-After': '7'
  })
})
