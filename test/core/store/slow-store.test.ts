import { randomBytes } from 'node:crypto'
import t from 'tap'
import { grant, hang, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { slow, startFleet } from './fleet.js'

const KEY = randomBytes(32).toString('base64url')
const HALF_MS = 90

t.test('who takes over a lock has all of the time for the store anew', async (t) => {
  const { endpoint, store, join } = await startFleet(t, hang)
  const holder = join({ deadlineMs: 60_000, timeoutMs: 60_000 })
  holder.getToken().catch(() => {})
  await endpoint.untilRequest(1)
  const logger = recordingLogger()
  const call = join({ store: slow(store, endpoint.clock, HALF_MS, HALF_MS), logger }).getToken()
  await endpoint.clock.advance(2_000)
  endpoint.answer = grant()
  await holder.close()
  await endpoint.clock.advance(4_000)
  t.match(await call, { accessToken: 'token-2' })
  t.strictSame(logger.warnings(), [], 'nothing took too long')
})

t.test('shares its tokens through a store that takes 180 ms for a command', async (t) => {
  const endpoint = await startEndpoint(t, grant())
  const { clock } = endpoint
  const first = endpoint.provider(t, { store: memoryTokenStore(), storeKeys: [KEY] })
  await first.warmUp()
  await first.close()
  endpoint.requests.length = 0

  const memory = memoryTokenStore(() => clock.monotonic())
  const store = slow(memory, clock, HALF_MS, HALF_MS)
  for (let member = 0; member < 5; member++) {
    const call = endpoint.provider(t, { store, storeKeys: [KEY] }).getToken()
    await clock.advance(2_000)
    await call
  }
  t.equal(endpoint.count, 1)
})
