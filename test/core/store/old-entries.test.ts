import { randomBytes } from 'node:crypto'
import type { TokenProvider, TokenStore } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { type Endpoint, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'

const KEY = randomBytes(32).toString('base64url')

interface Pair {
  readonly endpoint: Endpoint
  /** Has a token of its own, since the store was down when it began. */
  readonly older: TokenProvider
  /** Has the token that lies in the store, issued `apartMs` later. */
  readonly newer: TokenProvider
  /** Another one, without a token. */
  readonly cold: TokenProvider
}

async function startPair(t: Test, apartMs: number): Promise<Pair> {
  const endpoint = await startEndpoint(t)
  const { clock } = endpoint
  const memory = memoryTokenStore(() => clock.monotonic())
  let isDown = false
  const store = new Proxy(memory, {
    get:
      (target, name: keyof TokenStore) =>
      async (...args: never[]) => {
        if (isDown) throw new Error('down')
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
  })
  const join = (scope: string) => endpoint.provider(t, { store, storeKeys: [KEY], scope })
  // What is loaded for the first store of a process takes real time.
  await join('first').warmUp()
  endpoint.requests.length = 0

  const [older, newer, cold] = [join(''), join(''), join('')]
  isDown = true
  await older.getToken()
  await clock.advance(apartMs)
  isDown = false
  await newer.getToken()
  t.equal(endpoint.count, 2)
  return { endpoint, older, newer, cold }
}

t.test('refreshes to a new token, not to one of the fleet that is about to end too', async (t) => {
  const { endpoint, older, newer } = await startPair(t, 20_000)
  await endpoint.clock.advance(585_000 - 20_000)
  const { accessToken, expiresIn } = await older.getToken()
  t.equal(endpoint.count, 3)
  t.ok(expiresIn > 300, `${accessToken} has ${expiresIn} s left`)
  // By then the other member has refreshed too, at whichever instant it drew.
  await endpoint.clock.advance(22_000)
  t.equal((await newer.getToken()).accessToken, accessToken)
  t.equal(endpoint.count, 3, 'the other member reads it')
})

t.test('takes an older token of the fleet in place of a rejected one', async (t) => {
  const { endpoint, older, newer } = await startPair(t, 20_000)
  await endpoint.clock.advance(400_000)
  const { accessToken } = await newer.getToken()
  t.equal((await older.getToken({ rejected: await older.getToken() })).accessToken, accessToken)
  t.equal(endpoint.count, 2)
})

t.test('takes an older token of the fleet that lives as long as a caller needs', async (t) => {
  const { endpoint, older, newer } = await startPair(t, 150_000)
  await endpoint.clock.advance(350_000)
  const { accessToken } = await newer.getToken()
  t.equal((await older.getToken({ minimumLifetimeMs: 200_000 })).accessToken, accessToken)
  t.equal(endpoint.count, 2)
})

t.test('takes no token of the fleet with less left than a caller needs who has none yet', async (t) => {
  const { endpoint, newer, cold } = await startPair(t, 150_000)
  await endpoint.clock.advance(350_000)
  const { accessToken } = await newer.getToken()
  t.not((await cold.getToken({ minimumLifetimeMs: 300_000 })).accessToken, accessToken)
  t.equal(endpoint.count, 3)
})
