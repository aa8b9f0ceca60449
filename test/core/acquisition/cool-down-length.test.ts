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

t.test('a pause that is lengthened after its end has the failure that lengthened it', async (t) => {
  const coolDown = new CoolDown()
  const first = { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', message: 'first', remedy: 'retry' } as const
  const second = { ...first, message: 'second', retryAfterMs: 10_000 }
  coolDown.add(first, at(0))
  coolDown.extend(second, at(100))
  t.equal(coolDown.pause(at(200))?.failure, first, 'while it lasts, it keeps its own')
  coolDown.extend({ ...second, message: 'third' }, at(20_000))
  t.match(coolDown.pause(at(20_000)), { failure: { message: 'third' }, leftMs: 10_000 })
})

t.test('a shortened pause still ends when Retry-After asked for', async (t) => {
  const coolDown = new CoolDown()
  const refused = {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    message: 'x',
    remedy: 'reload'
  } as const
  coolDown.add({ ...refused, retryAfterMs: 20_000 }, at(0))
  coolDown.shorten(() => true, at(5_000))
  t.match(coolDown.pause(at(5_000)), { leftMs: 15_000 })
  t.equal(coolDown.extend({ ...refused, retryAfterMs: 10_000 }, at(5_000)), false)
  t.equal(coolDown.extend({ ...refused, retryAfterMs: 16_000 }, at(5_000)), true)
})
