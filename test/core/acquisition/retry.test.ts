import fc from 'fast-check'
import t from 'tap'
import { maxAttempts, retryDelayMs } from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

type Failure = Parameters<typeof retryDelayMs>[0]

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const retryAfterMs = fc.option(fc.integer({ min: 0, max: 300_000 }), { nil: undefined })
const remedy = fc.constantFrom<Failure['remedy'][]>('retry', 'reload', 'wait')
const failure = fc
  .record({ remedy, retryAfterMs })
  .map((known): Failure => ({ code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', ...known }))
const state = fc.record({
  attempts: fc.integer({ min: 1, max: 3 }),
  maxAttempts: fc.constantFrom(1, 3),
  mayReload: fc.boolean(),
  leftMs: fc.integer({ min: -1_000, max: 20_000 })
})

t.test('a further attempt', async (t) => {
  t.test('is made where the failure and the state allow it, and it begins before the deadline', async () => {
    fc.assert(
      fc.property(failure, state, random, (failure, state, random) => {
        const delayMs = retryDelayMs(failure, state, random)
        const isAllowed =
          (failure.remedy === 'retry' && state.attempts < state.maxAttempts) ||
          (failure.remedy === 'reload' && state.mayReload)
        if (delayMs === undefined) {
          // No backoff is longer than 200 ms.
          const longestMs = Math.max(failure.retryAfterMs ?? 0, failure.remedy === 'retry' ? 200 : 0)
          return !isAllowed || longestMs >= state.leftMs
        }
        return isAllowed && delayMs >= 0 && delayMs < state.leftMs && delayMs >= (failure.retryAfterMs ?? 0)
      })
    )
  })

  t.test('is not made where it would begin at the deadline', async (t) => {
    const known: Failure = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', remedy: 'retry' }
    const asked = { ...known, retryAfterMs: 5_000 }
    const state = { attempts: 1, maxAttempts: 3, mayReload: false }
    t.equal(retryDelayMs(asked, { ...state, leftMs: 5_000 }, 0), undefined)
    t.equal(retryDelayMs(asked, { ...state, leftMs: 5_001 }, 0), 5_000)
  })

  t.test('waits up to 100 ms, then up to 200 ms, by chance alone', async () => {
    fc.assert(
      fc.property(state, random, (state, random) => {
        const known: Failure = { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', message: 'why', remedy: 'retry' }
        const roomy = { ...state, attempts: Math.min(state.attempts, 2), maxAttempts: 3, leftMs: 10_000 }
        return retryDelayMs(known, roomy, random) === random * 100 * roomy.attempts
      })
    )
  })

  t.test('with new credentials is made at once', async () => {
    fc.assert(
      fc.property(state, random, (state, random) => {
        const known: Failure = {
          code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
          message: 'why',
          remedy: 'reload'
        }
        return retryDelayMs(known, { ...state, mayReload: true, leftMs: 1 }, random) === 0
      })
    )
  })
})

t.test('there are three attempts while a caller waits, and one otherwise', async (t) => {
  const awaited = { isAwaited: true, isProbe: false, followsFailure: false }
  t.equal(maxAttempts(awaited), 3)
  for (const change of [{ isAwaited: false }, { isProbe: true }, { followsFailure: true }]) {
    t.equal(maxAttempts({ ...awaited, ...change }), 1, Object.keys(change).join())
  }
})
