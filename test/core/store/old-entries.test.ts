import { randomBytes } from 'node:crypto'
import type { TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { grant, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'

const KEY = randomBytes(32).toString('base64url')

t.test('refreshes to a new token, not to one of the fleet that is about to end too', async (t) => {
  const endpoint = await startEndpoint(t, grant())
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
  const join = () => endpoint.provider(t, { store, storeKeys: [KEY] })
  await join().warmUp()
  endpoint.requests.length = 0

  isDown = true
  const alone = endpoint.provider(t, { store, storeKeys: [KEY], scope: 'another' })
  await alone.getToken()
  await clock.advance(20_000)
  isDown = false
  const other = endpoint.provider(t, { store, storeKeys: [KEY], scope: 'another' })
  await other.getToken()
  t.equal(endpoint.count, 2)

  await clock.advance(585_000 - 20_000)
  const { accessToken, expiresIn } = await alone.getToken()
  t.equal(endpoint.count, 3)
  t.ok(expiresIn > 300, `${accessToken} has ${expiresIn} s left`)
  await clock.advance(10_000)
  t.equal((await other.getToken()).accessToken, accessToken)
  t.equal(endpoint.count, 3, 'the other member reads it')
})
