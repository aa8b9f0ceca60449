import fc from 'fast-check'
import t from 'tap'
import { CoolDown, coolDownMs } from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

type Failure = Parameters<typeof coolDownMs>[0]

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const retryAfterMs = fc.option(fc.integer({ min: 0, max: 300_000 }), { nil: undefined })
const remedy = fc.constantFrom<Failure['remedy'][]>('retry', 'reload', 'wait')
const failure = fc
  .record({ remedy, retryAfterMs })
  .map((known): Failure => ({ code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', ...known }))

t.test('a cool-down', async (t) => {
  const failures = fc.integer({ min: 0, max: 2_000 })

  t.test('doubles from a second to 30 s, half fixed and half random', async () => {
    fc.assert(
      fc.property(failures, random, (earlier, random) => {
        const known: Failure = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', remedy: 'retry' }
        const wholeMs = earlier < 5 ? 1_000 * 2 ** earlier : 30_000
        const forMs = coolDownMs(known, earlier, random)
        return forMs >= wholeMs / 2 && forMs <= wholeMs && coolDownMs(known, earlier, 0) === wholeMs / 2
      })
    )
  })

  t.test('is a minute where only a human can mend it, however often it failed', async () => {
    fc.assert(
      fc.property(
        failures,
        random,
        fc.constantFrom('reload' as const, 'wait' as const),
        (earlier, random, remedy) => {
          const known: Failure = { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', message: 'why', remedy }
          return coolDownMs(known, earlier, random) === 60_000
        }
      )
    )
  })

  t.test('is never shorter than what the endpoint asked for, and never longer than need be', async () => {
    const now = { wallMs: 0, monotonicMs: 0 }
    fc.assert(
      fc.property(failure, fc.integer({ min: 0, max: 9 }), (failure, earlier) => {
        const coolDown = new CoolDown()
        const own = { ...failure, retryAfterMs: undefined }
        for (let failures = 0; failures < earlier; failures++) coolDown.add(own, now)
        coolDown.add(failure, now)
        const { leftMs = 0 } = coolDown.pause(now) ?? {}
        const askedMs = failure.retryAfterMs ?? 0
        return (
          leftMs >= Math.max(coolDownMs(own, earlier, 0), askedMs) &&
          leftMs <= Math.max(coolDownMs(own, earlier, 1), askedMs)
        )
      })
    )
  })
})

const at = (nowMs: number) => ({ monotonicMs: nowMs, wallMs: nowMs })
const UNAVAILABLE: Failure = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', remedy: 'retry' }
const REFUSED: Failure = { ...UNAVAILABLE, remedy: 'reload' }

t.test('a pause that is lengthened after its end has the failure that lengthened it', async (t) => {
  const coolDown = new CoolDown()
  const first = { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', message: 'first', remedy: 'retry' } as const
  const second = { ...first, message: 'second', retryAfterMs: 10_000 }
  coolDown.add(first, at(0))
  coolDown.extend(second, at(100))
  t.equal(coolDown.pause(at(200))?.failure, first, 'while it lasts, it keeps its own')
  t.equal(coolDown.beganAtMs, 0)
  coolDown.extend({ ...second, message: 'third' }, at(20_000))
  t.match(coolDown.pause(at(20_000)), { failure: { message: 'third' }, leftMs: 10_000 })
  t.equal(coolDown.beganAtMs, 20_000)
})

t.test('a shortened pause still ends when Retry-After asked for', async (t) => {
  const coolDown = new CoolDown()
  coolDown.add({ ...REFUSED, retryAfterMs: 20_000 }, at(0))
  coolDown.shorten(() => true, at(5_000))
  t.match(coolDown.pause(at(5_000)), { leftMs: 15_000 })
  t.equal(coolDown.extend({ ...REFUSED, retryAfterMs: 10_000 }, at(5_000)), false)
  t.equal(coolDown.extend({ ...REFUSED, retryAfterMs: 16_000 }, at(5_000)), true)
})

/** The cool-down after a failure at the instant 0. */
function after(failure: Failure) {
  const coolDown = new CoolDown()
  coolDown.add(failure, at(0))
  return coolDown
}

t.test('a cool-down that has ended leaves nothing behind', async (t) => {
  const coolDown = after(REFUSED)
  t.match(coolDown.pause(at(1)), { failure: REFUSED, leftMs: 59_999 })
  coolDown.end()
  t.equal(coolDown.failure, undefined)
  t.equal(coolDown.consecutiveFailures, 0)
  t.equal(coolDown.pause(at(1)), undefined)
  coolDown.extend({ ...UNAVAILABLE, retryAfterMs: 1_000 }, at(2))
  t.match(coolDown.pause(at(2)), { leftMs: 1_000 }, 'nor the time that was asked for before')
})

t.test('a late failure lengthens a cool-down by its Retry-After alone', async (t) => {
  const coolDown = after(REFUSED)
  t.equal(coolDown.extend(UNAVAILABLE, at(1_000)), false)
  t.equal(coolDown.extend({ ...UNAVAILABLE, retryAfterMs: 59_000 }, at(1_000)), false)
  t.equal(coolDown.extend({ ...UNAVAILABLE, retryAfterMs: 59_001 }, at(1_000)), true)
  t.match(coolDown.pause(at(1_000)), { failure: REFUSED, leftMs: 59_001 })
  t.equal(coolDown.consecutiveFailures, 1)
  t.equal(coolDown.extend(UNAVAILABLE, at(70_000)), false, 'without one it begins none')
  t.equal(coolDown.pause(at(70_000)), undefined)
  t.equal(coolDown.beganAtMs, 0)
})

t.test('a lasting cool-down that began with a valid token ends with it', async (t) => {
  const refused = after(REFUSED)
  t.match(refused.pause(at(0), 5_000), { leftMs: 5_000 })
  refused.shorten(() => false, at(5_000))
  t.match(refused.pause(at(5_000)), { leftMs: 55_000 }, 'it began without one')
  refused.shorten(({ monotonicMs }) => monotonicMs === 0, at(5_000))
  t.equal(refused.pause(at(5_000)), undefined)

  const told = after({ ...REFUSED, retryAfterMs: 20_000 })
  t.match(told.pause(at(0), 5_000), { leftMs: 20_000 }, 'nothing shortens what the endpoint asked for')

  const unavailable = after(UNAVAILABLE)
  t.match(unavailable.pause(at(0), 1), unavailable.pause(at(0)))
  unavailable.shorten(() => true, at(1))
  t.ok(unavailable.pause(at(1)), 'another cool-down goes on')
})
