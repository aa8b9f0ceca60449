import { BandwidthTokenError } from '@bandwidth-token/core'
import t from 'tap'
import { publishServeError, startOfWaitMs } from '../../support/core-internals.js'
import { onMessage } from '../../support/observed.js'
import { VirtualClock } from '../../support/virtual-clock.js'

const CODE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'

function setStage() {
  const clock = new VirtualClock()
  let contexts = 0
  const inOwnContext = <T>(work: () => T) => {
    contexts++
    return work()
  }
  const publish = (error: unknown, sinceMs?: number) =>
    publishServeError(error, { account: 'acme', sinceMs }, { clock, inOwnContext })
  return { clock, publish, contexts: () => contexts }
}

t.test('who gets no token is told with all that is known', async (t) => {
  const { clock, publish, contexts } = setStage()
  const messages: unknown[] = []
  onMessage(t, (message) => messages.push(message))
  const sinceMs = startOfWaitMs(clock)
  t.equal(sinceMs, clock.monotonic())
  await clock.advance(250)
  const cause = Object.assign(new Error('ECONNRESET'), { code: 'ECONNRESET' })
  const details = { upstreamStatus: 503, oauthError: 'invalid_client', retryAfter: 7, cause }
  publish(new BandwidthTokenError(CODE, 'why', details), sinceMs)
  publish(new BandwidthTokenError(CODE, 'why'))
  const known = { account: 'acme', outcome: 'failure', code: CODE }
  t.strictSame(messages, [
    {
      ...known,
      durationMs: 250,
      upstreamStatus: 503,
      oauthError: 'invalid_client',
      cause: 'ECONNRESET',
      retryInMs: 7_000
    },
    { ...known, durationMs: 0 }
  ])
  t.equal(contexts(), 2, 'in the context of the provider')
})

t.test("another's error is no event", async (t) => {
  const { publish } = setStage()
  const messages: unknown[] = []
  onMessage(t, (message) => messages.push(message))
  const unreadable = new Proxy(new Error('x'), {
    get() {
      throw new Error('unreadable')
    }
  })
  for (const error of [new Error('x'), { code: 'toString' }, undefined, null, 'x', unreadable]) publish(error)
  t.strictSame(messages, [])
})

t.test('without a subscriber neither the clock nor the error is read', async (t) => {
  const { clock, publish, contexts } = setStage()
  t.equal(startOfWaitMs(clock), undefined)
  const error = new BandwidthTokenError(CODE, 'why')
  let isRead = false
  Object.defineProperty(error, 'code', {
    get() {
      isRead = true
      return CODE
    }
  })
  publish(error)
  t.equal(clock.readings, 0)
  t.equal(contexts(), 0)
  t.equal(isRead, false)
})
