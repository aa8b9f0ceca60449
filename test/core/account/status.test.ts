import t from 'tap'
import { CoolDown, describeStatus, POINTLESS } from '../../support/core-internals.js'

type Cached = Parameters<typeof describeStatus>[0]
type Pauses = Parameters<typeof describeStatus>[1]
type Failure = NonNullable<ReturnType<Pauses['current']>>['failure']

const NOW = { monotonicMs: 100_000, wallMs: 100_000 }
const UNAVAILABLE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'x', remedy: 'retry' } as const
const cached = {
  lifetimeMs: 600_000,
  marginMs: 10_000,
  issuedAt: { monotonicMs: 0, wallMs: 0 }
} as Cached

function status(cached: Cached, failures: number, pause: Failure | undefined, isAcquiring = false) {
  const coolDown = new CoolDown()
  for (let failure = 0; failure < failures; failure++) coolDown.add(UNAVAILABLE, NOW)
  const seen: unknown[] = []
  const pauses: Pauses = {
    current: (now, servesForMs) => {
      seen.push(now, servesForMs)
      return pause && { failure: pause, leftMs: 700 }
    },
    coolDownForStatus: (now, servesForMs) => {
      seen.push(now, servesForMs)
      return coolDown
    }
  }
  const described = describeStatus(cached, pauses, isAcquiring, NOW)
  const servesForMs = cached && 490_000
  t.strictSame(seen, [NOW, servesForMs, NOW, servesForMs])
  return described
}

const VALID = { expiresInMs: 500_000, lastErrorCode: undefined, consecutiveFailures: 0, retryInMs: undefined }
const NONE = { ...VALID, expiresInMs: undefined }
const { code: lastErrorCode } = UNAVAILABLE

t.test('the state of an account', async (t) => {
  t.strictSame(status(undefined, 0, undefined), { state: 'empty', ...NONE })
  t.strictSame(status(undefined, 0, undefined, true), { state: 'empty', ...NONE })
  t.strictSame(status(cached, 0, undefined), { state: 'fresh', ...VALID })
  t.strictSame(status(cached, 0, undefined, true), { state: 'refreshing', ...VALID })
  const failed = { lastErrorCode, consecutiveFailures: 1, retryInMs: 700 }
  t.strictSame(status(cached, 1, UNAVAILABLE, true), { state: 'degraded', ...VALID, ...failed })
  t.strictSame(status(undefined, 1, UNAVAILABLE), { state: 'cooling', ...NONE, ...failed })
})

t.test('after a pause the failures still count, until a request succeeds', async (t) => {
  const failed = { lastErrorCode, consecutiveFailures: 2, retryInMs: undefined }
  t.strictSame(status(undefined, 2, undefined), { state: 'empty', ...NONE, ...failed })
  t.strictSame(status(cached, 2, undefined), { state: 'degraded', ...VALID, ...failed })
})

t.test('a token that is about to expire is an error only once there is no valid one', async (t) => {
  t.strictSame(status(cached, 0, POINTLESS), { state: 'fresh', ...VALID, retryInMs: 700 })
  t.strictSame(status(undefined, 0, POINTLESS), {
    state: 'cooling',
    ...NONE,
    lastErrorCode: POINTLESS.code,
    retryInMs: 700
  })
})
