import { randomBytes } from 'node:crypto'
import type { TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { grant, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'

const KEY = randomBytes(32).toString('base64url')
const HALF_MS = 90

t.test('shares its tokens through a store that takes 180 ms for a command', async (t) => {
  const endpoint = await startEndpoint(t, grant())
  const { clock } = endpoint
  const first = endpoint.provider(t, { store: memoryTokenStore(), storeKeys: [KEY] })
  await first.warmUp()
  await first.close()
  endpoint.requests.length = 0

  const memory = memoryTokenStore(() => clock.monotonic())
  const half = () => new Promise<void>((resolve) => clock.setTimeout(resolve, HALF_MS))
  const store = new Proxy(memory, {
    get:
      (target, name: keyof TokenStore) =>
      async (...args: never[]) => {
        await half()
        const answer = await (target[name] as (...args: never[]) => unknown)(...args)
        await half()
        return answer
      }
  })
  for (let member = 0; member < 5; member++) {
    const call = endpoint.provider(t, { store, storeKeys: [KEY] }).getToken()
    await clock.advance(2_000)
    await call
  }
  t.equal(endpoint.count, 1)
})
