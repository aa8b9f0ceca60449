import fc from 'fast-check'
import t from 'tap'
import {
  ageMs,
  hotUntilMs,
  marginMsOf,
  nextWakeMs,
  parseExpiresIn,
  refreshAgeMsOf,
  usableMs
} from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

/** The lines of a token's window. */
function planOf(
  lifetimeMs: number,
  { refreshAheadMs, expiryMarginMs }: { refreshAheadMs: number; expiryMarginMs: number },
  random: number
) {
  const marginMs = marginMsOf(lifetimeMs, expiryMarginMs)
  return { marginMs, refreshAgeMs: refreshAgeMsOf(lifetimeMs, { marginMs, refreshAheadMs }, random) }
}

t.test('expires_in', async (t) => {
  t.test('is floored to whole seconds, a day at most, as a number or as text', async () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e15, noNaN: true }), (value) => {
        const expected = Math.min(86_400, Math.floor(value))
        return parseExpiresIn(value) === expected && parseExpiresIn(String(Math.floor(value))) === expected
      })
    )
  })

  t.test('is 60 s where there is none', async (t) => {
    t.equal(parseExpiresIn(undefined), 60)
    t.equal(parseExpiresIn(null), 60)
  })

  t.test('below a second makes no sense', async () => {
    fc.assert(
      fc.property(
        fc.double({ max: 1, maxExcluded: true }),
        (value) => parseExpiresIn(value) === undefined && parseExpiresIn(String(value)) === undefined
      )
    )
  })

  t.test('of any value is whole seconds from 1 to a day, or nothing', async () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }), (value) => {
        const seconds = parseExpiresIn(value)
        if (typeof value === 'object' && value !== null) return seconds === undefined
        return seconds === undefined || (Number.isInteger(seconds) && seconds >= 1 && seconds <= 86_400)
      })
    )
  })

  t.test('of text is digits alone', async (t) => {
    for (const value of [
      '',
      ' ',
      'abc',
      '1e3',
      '0x10',
      ' 600',
      '600 ',
      '+600',
      '-600',
      '600.',
      '.6',
      '6,00',
      '６００'
    ]) {
      t.equal(parseExpiresIn(value), undefined, JSON.stringify(value))
    }
  })
})

t.test('the window of a token', async (t) => {
  const seconds = fc.integer({ min: 1, max: 86_400 })
  const margins = fc
    .tuple(fc.integer({ min: 0, max: 120_000 }), fc.integer({ min: 0, max: 120_000 }))
    .map(([a, b]) => ({ refreshAheadMs: Math.max(a, b), expiryMarginMs: Math.min(a, b) }))

  t.test('has its two lines by the margins, or by shares of a short life', async () => {
    fc.assert(
      fc.property(seconds, margins, random, (seconds, margins, random) => {
        const lifetimeMs = seconds * 1_000
        const { marginMs, refreshAgeMs } = planOf(lifetimeMs, margins, random)
        // At least a millisecond, so that nothing is handed out at the instant it expires.
        const hard = Math.max(1, Math.min(margins.expiryMarginMs, lifetimeMs / 10))
        const soft = Math.max(hard, Math.min(margins.refreshAheadMs, lifetimeMs / 4))
        const earliest = lifetimeMs - soft
        const latest = lifetimeMs - (soft + hard) / 2
        return (
          marginMs === hard &&
          refreshAgeMs >= earliest &&
          // Nothing is refreshed in its first 5 s.
          refreshAgeMs <= Math.max(5_000, latest) + 1e-6 &&
          refreshAgeMs >= 5_000
        )
      })
    )
  })

  t.test('of the defaults and 600 s is 30 to 20 s before the end, and 10 s', async (t) => {
    const margins = { refreshAheadMs: 30_000, expiryMarginMs: 10_000 }
    t.strictSame(planOf(600_000, margins, 0), {
      marginMs: 10_000,
      refreshAgeMs: 570_000
    })
    t.strictSame(planOf(600_000, margins, 1), {
      marginMs: 10_000,
      refreshAgeMs: 580_000
    })
    t.strictSame(planOf(20_000, margins, 0), {
      marginMs: 2_000,
      refreshAgeMs: 15_000
    })
  })

  t.test('moves evenly with chance', async () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 86_400 }), margins, random, (seconds, margins, random) => {
        const at = (chance: number) => planOf(seconds * 1_000, margins, chance).refreshAgeMs
        return Math.abs(at(random) - (at(0) + random * (at(1) - at(0)))) <= 1
      })
    )
  })
})

t.test('the age of a token', async (t) => {
  const instant = fc.record({
    wallMs: fc.integer({ min: 0, max: 2e12 }),
    monotonicMs: fc.double({ min: 0, max: 1e9, noNaN: true })
  })
  const nonNegative = fc.integer({ min: 0, max: 1e9 })

  t.test('is by the clock that says more, and never negative', async () => {
    fc.assert(
      fc.property(instant, instant, (issuedAt, now) => {
        const wallMs = now.wallMs - issuedAt.wallMs
        const monotonicMs = now.monotonicMs - issuedAt.monotonicMs
        return ageMs(issuedAt, now) === Math.max(wallMs, monotonicMs, 0)
      })
    )
  })

  t.test(
    'is not made less by a wall clock that steps back, nor by a monotonic one that stands still',
    async () => {
      fc.assert(
        fc.property(instant, nonNegative, nonNegative, (issuedAt, passedMs, stepMs) => {
          const stepped = {
            wallMs: issuedAt.wallMs + passedMs - stepMs,
            monotonicMs: issuedAt.monotonicMs + passedMs
          }
          const suspended = { wallMs: issuedAt.wallMs + passedMs, monotonicMs: issuedAt.monotonicMs }
          return ageMs(issuedAt, stepped) >= passedMs - 1e-3 && ageMs(issuedAt, suspended) === passedMs
        })
      )
    }
  )
})

t.test('a token of a minute that is refreshed at 45 s and handed out until 54 s', async (t) => {
  const issuedAt = { wallMs: 1_700_000_000_000, monotonicMs: 1_000 }
  const life = { lifetimeMs: 60_000, marginMs: 6_000, refreshAgeMs: 45_000, issuedAt }
  const after = (ms: number) => ({ wallMs: issuedAt.wallMs + ms, monotonicMs: issuedAt.monotonicMs + ms })
  const shortLived = { lifetimeMs: 5_000, marginMs: 500, refreshAgeMs: 5_000, issuedAt }

  t.test('may be handed out until then, by either clock', async (t) => {
    t.equal(usableMs(life, after(0)), 54_000)
    t.equal(usableMs(life, after(54_001)), -1)
    t.equal(usableMs(life, { ...after(0), wallMs: after(50_000).wallMs }), 4_000)
    t.equal(usableMs(life, { ...after(0), monotonicMs: after(50_000).monotonicMs }), 4_000)
  })

  t.test('is handed out without another check until its refresh, or its hard line', async (t) => {
    t.equal(hotUntilMs(life), after(45_000).wallMs)
    t.equal(hotUntilMs(shortLived), after(4_500).wallMs)
  })

  t.test('needs something next', async (t) => {
    for (const [what, ageMs, retryInMs, expectedMs] of [
      ['at its refresh', 0, undefined, 45_000],
      ['at its refresh, even after a cool-down', 44_999, 500, 1],
      ['past the hard line once the refresh runs', 45_000, undefined, 9_001],
      ['after a cool-down', 45_000, 3_000, 3_000],
      ['past the hard line where the cool-down ends later', 45_000, 9_002, 9_001],
      ['past the hard line at the hard line', 54_000, undefined, 1]
    ] as const) {
      t.equal(nextWakeMs(life, retryInMs, after(ageMs)), expectedMs, what)
    }
    t.equal(nextWakeMs(shortLived, undefined, after(0)), 4_501, 'its hard line comes before the refresh')
  })
})
