import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate } from 'node:timers/promises'
import { type CooldownMessage, TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { fail, grant, hang, startEndpoint } from '../../support/endpoint.js'
import { VirtualClock } from '../../support/virtual-clock.js'

const CLOSED = { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' }
const REFUSED = { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', retryAfter: 60 }
const NOBODY = { debug() {}, info() {}, warn() {}, error() {} }

t.test('sends no request when the credentials function closes the provider before it returns', async (t) => {
  let count = 0
  const provider: TokenProvider = new TokenProvider({
    credentials: () => {
      void provider.close()
      return { clientId: 'a', clientSecret: 'b' }
    },
    // Unlike the default one, it takes requests after the provider is closed.
    dispatcher: {
      request: async () => {
        count++
        throw new Error('refused')
      }
    }
  })
  await t.rejects(provider.getToken(), CLOSED)
  t.equal(count, 0)
})

for (const [where, wait] of [
  ['at once', undefined],
  ['before they come', setImmediate]
] as const) {
  t.test(`sends no request when the credentials function closes the provider ${where}`, async (t) => {
    const endpoint = await startEndpoint(t)
    const credentials = async () => {
      await wait?.()
      void provider.close()
      return { clientId: 'a', clientSecret: 'b' }
    }
    const provider: TokenProvider = endpoint.provider(t, { credentials })
    await t.rejects(provider.getToken(), CLOSED)
    await endpoint.clock.settle()
    t.equal(endpoint.count, 0)
    t.equal(endpoint.clock.timers.size, 0)
  })
}

/** Closes the provider as soon as a subscriber hears that a pause has ended. */
function closeAtEndOfPause(t: Test, provider: TokenProvider): void {
  const close = (message: unknown) => {
    if ((message as CooldownMessage).outcome === 'ended') void provider.close()
  }
  subscribe('bandwidth-token:cooldown', close)
  t.teardown(() => unsubscribe('bandwidth-token:cooldown', close))
}

t.test('sends no request when a subscriber closes the provider as the token lapses', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  closeAtEndOfPause(t, provider)
  await provider.getToken()
  endpoint.answer = fail(404)
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  // By the wall clock the token is over, and its timer has not run.
  endpoint.clock.suspend(60_000)
  await t.rejects(provider.getToken(), CLOSED)
  await endpoint.clock.settle()
  t.equal(endpoint.count, 2)
  t.equal(endpoint.clock.timers.size, 0)
})

t.test('leaves no timer when a subscriber closes it as a token lapses under its successor', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  closeAtEndOfPause(t, provider)
  await provider.getToken()
  endpoint.answer = endpoint.held()
  await endpoint.untilRequest(2)
  const refresh = provider.getToken({ minimumLifetimeMs: 600_000 })
  const rejected = t.rejects(refresh, CLOSED)
  endpoint.answer = fail(404)
  await t.rejects(provider.getToken({ account: 'other' }), { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' })
  endpoint.clock.suspend(60_000)
  await endpoint.release()
  await rejected
  t.equal(endpoint.clock.timers.size, 0)
})

for (const [what, answer, level] of [
  ['a token', grant(), 'debug'],
  ['a token without a lifetime', grant({ expires_in: null }), 'warn'],
  ['a failure', fail(401), 'error']
] as const) {
  t.test(`leaves no timer when a logger closes the provider on ${what}`, async (t) => {
    const endpoint = await startEndpoint(t, answer)
    const logger = { ...NOBODY, [level]: () => void provider.close() }
    const provider: TokenProvider = endpoint.provider(t, { logger })
    await t.rejects(provider.getToken(), CLOSED)
    await endpoint.clock.settle()
    t.equal(endpoint.clock.timers.size, 0)
    await t.rejects(provider.getToken(), CLOSED)
    t.equal(endpoint.count, 1)
  })
}

t.test('rejects a caller at his deadline as closed when a subscriber closes the provider then', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider: TokenProvider = endpoint.provider(t, { deadlineMs: 2_000 })
  const close = () => void provider.close()
  subscribe('tracing:bandwidth-token:request:error', close)
  t.teardown(() => unsubscribe('tracing:bandwidth-token:request:error', close))
  const call = t.rejects(provider.getToken(), CLOSED)
  await endpoint.clock.advance(2_000)
  await call
  t.equal(endpoint.clock.timers.size, 0)
})

t.test('starts nothing more when a logger closes the provider in a background refresh', async (t) => {
  const endpoint = await startEndpoint(t)
  const logger = { ...NOBODY, warn: () => void provider.close() }
  const provider: TokenProvider = endpoint.provider(t, { logger })
  await provider.getToken()
  endpoint.answer = fail(503)
  await endpoint.untilRequest(2)
  await endpoint.clock.advance(600_000)
  t.equal(endpoint.count, 2)
  t.equal(endpoint.clock.timers.size, 0)
})

t.test('starts nothing more when a logger closes the provider on an eviction', async (t) => {
  const endpoint = await startEndpoint(t)
  const logger = { ...NOBODY, warn: () => void provider.close() }
  const provider: TokenProvider = endpoint.provider(t, { logger, maxTokens: 1 })
  await provider.getToken({ account: 'a' })
  await t.rejects(provider.getToken({ account: 'b' }), CLOSED)
  t.equal(endpoint.clock.timers.size, 0)
})

t.test('tells nobody to try again after it was closed, not even in a cool-down', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const waiting = t.rejects(provider.getToken(), { ...CLOSED, retryAfter: undefined })
  await endpoint.untilRequest(1)
  endpoint.answer = fail(400)
  await t.rejects(provider.getToken({ account: 'other' }), REFUSED)
  await provider.close()
  await waiting
})

t.test('rejects who waits in line when it is closed', async (t) => {
  const clock = new VirtualClock()
  const options: TokenProviderOptions = {
    clientId: 'client',
    clientSecret: 'secret',
    clock,
    dispatcher: { request: () => new Promise(() => {}) }
  }
  const provider = new TokenProvider(options)
  const calls = Array.from({ length: 100 }, (_, account) =>
    t.rejects(provider.getToken({ account: `${account}` }), CLOSED)
  )
  await setImmediate()
  await provider.close()
  await Promise.all(calls)
  t.equal(clock.timers.size, 0)
})

for (const [what, end] of [
  ['closed', (provider: TokenProvider) => void provider.close()],
  ['invalidated', (provider: TokenProvider) => void provider.invalidate('token-1')]
] as const) {
  t.test(
    `gives who asks for a longer life the token that was valid, though it is ${what} then`,
    async (t) => {
      const endpoint = await startEndpoint(t)
      const provider = endpoint.provider(t)
      const token = await provider.getToken()
      await endpoint.clock.advance(5_000)
      endpoint.answer = fail(503)
      const failed = provider.getToken({ minimumLifetimeMs: 599_000 })
      await endpoint.clock.advance(1_000)
      t.equal(await failed, token)
      const asked = provider.getToken({ minimumLifetimeMs: 599_000 })
      end(provider)
      t.equal(await asked, token)
    }
  )
}

t.test('sends no request on its last steps when the dispatcher closes the provider in another', async (t) => {
  let count = 0
  const provider = new TokenProvider({
    clientId: 'client',
    clientSecret: 'secret',
    clock: new VirtualClock(),
    dispatcher: {
      request: () => {
        count++
        void provider.close()
        return new Promise(() => {})
      }
    }
  })
  const calls = ['a', 'b'].map((account) => t.rejects(provider.getToken({ account }), CLOSED))
  await Promise.all(calls)
  t.equal(count, 1)
})

t.test('does not ask for credentials again when it is closed before the next attempt', async (t) => {
  const endpoint = await startEndpoint(t, fail(503))
  let calls = 0
  const provider = endpoint.provider(t, {
    credentials: () => {
      calls++
      return { clientId: 'a', clientSecret: 'b' }
    }
  })
  const call = t.rejects(provider.getToken(), CLOSED)
  await endpoint.clock.settle()
  t.equal(endpoint.count, 1, 'it backs off')
  t.equal(calls, 1)
  await provider.close()
  await call
  await endpoint.clock.settle()
  t.equal(calls, 1)
})
