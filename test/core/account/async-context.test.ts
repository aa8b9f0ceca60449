import { AsyncLocalStorage } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { TokenProvider } from '@bandwidth-token/core'
import t from 'tap'
import { fail, startEndpoint } from '../../support/endpoint.js'
import { startFleet } from '../store/fleet.js'

const context = new AsyncLocalStorage<string | { id: number }>()

t.test('calls credentials and logger in the context in which the provider was made', async (t) => {
  const endpoint = await startEndpoint(t)
  const seen: unknown[] = []
  const see = () => void seen.push(context.getStore())
  const provider = context.run('start-up', () =>
    endpoint.provider(t, {
      credentials: () => {
        see()
        return { clientId: 'a', clientSecret: 'b' }
      },
      logger: { debug: see, info: see, warn: see, error: see }
    })
  )
  await context.run('request', async () => {
    await provider.getToken()
    t.equal(context.getStore(), 'request', 'the caller goes on in his own')
    await provider.getToken({ rejected: 'token-1' })
    t.equal(context.getStore(), 'request')
  })
  endpoint.answer = fail(503)
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  await context.run('another', () => provider.getToken({ minimumLifetimeMs: 599_000 }))
  t.ok(seen.length >= 5, `${seen.length} calls`)
  t.ok(
    seen.every((store) => store === 'start-up'),
    `${seen}`
  )
})

t.test('sets no timer in the context of a caller who gets a shared token that is due', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const { clock } = endpoint
  const first = join()
  await first.getToken()
  await first.close()
  await clock.advance(585_000)
  const seen: unknown[] = []
  const watched = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimeout: (callback: () => void, delayMs: number) => {
      seen.push(context.getStore())
      return clock.setTimeout(callback, delayMs)
    },
    clearTimeout: (handle: unknown) => clock.clearTimeout(handle)
  }
  const provider = join({ clock: watched })
  await context.run('request', () => Promise.all([provider.getToken(), provider.getToken()]))
  await clock.settle()
  t.equal(provider.peek()?.accessToken, 'token-2')
  t.strictSame([...new Set(seen)], [undefined])
})

t.test('keeps no context of a caller alive', async (t) => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const stores: WeakRef<object>[] = []
  const call = (provider: TokenProvider, account: string) => {
    const store = { id: stores.length }
    stores.push(new WeakRef(store))
    return context.run(store, async () => void (await provider.getToken({ account })))
  }
  for (let account = 0; account < 20; account++) await call(provider, `${account}`)
  // What a socket or a timer holds on to for a moment is let go.
  for (let round = 0; round < 10; round++) {
    await endpoint.clock.settle()
    gc()
  }
  const alive = stores.filter((store) => store.deref() !== undefined).length
  t.ok(alive <= 1, `${alive} of ${stores.length} contexts are alive`)
})
