import fc from 'fast-check'
import t from 'tap'
import {
  ageMs,
  coolDownMs,
  parseExpiresIn,
  parseRetryAfter,
  planLifetime,
  retryDelayMs
} from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

type Failure = Parameters<typeof coolDownMs>[0]

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
    fc.assert(
      fc.property(failure, failures, random, (failure, earlier, random) => {
        const ownMs = coolDownMs({ ...failure, retryAfterMs: undefined }, earlier, random)
        return coolDownMs(failure, earlier, random) === Math.max(ownMs, failure.retryAfterMs ?? 0)
      })
    )
  })
})

const NOW_MS = Date.parse('2026-02-28T23:59:00Z')
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** The three forms of a date in HTTP (RFC 9110 §5.6.7). */
function httpDates(date: Date): readonly [preferred: string, rfc850: string, asctime: string] {
  const preferred = date.toUTCString()
  const [, day = '', month = '', year = '', time = ''] = preferred.split(' ')
  const name = DAYS[date.getUTCDay()] as string
  return [
    preferred,
    `${name}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
    `${name.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
  ]
}

t.test('Retry-After', async (t) => {
  const { TZ } = process.env
  t.afterEach(() => {
    if (TZ === undefined) delete process.env['TZ']
    else process.env['TZ'] = TZ
  })

  t.test('of seconds is those seconds, 300 at most', async () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 400n }), fc.nat(), (seconds, nowMs) => {
        const expectedMs = seconds < 300n ? Number(seconds) * 1_000 : 300_000
        return (
          parseRetryAfter(String(seconds), nowMs) === expectedMs &&
          parseRetryAfter(` 0${seconds}\t`, nowMs) === expectedMs
        )
      })
    )
  })

  for (const [index, form] of ['IMF-fixdate', 'RFC 850', 'asctime'].entries()) {
    for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
      t.test(`of a date in the form of ${form} is the time until then, in ${zone}`, async () => {
        process.env['TZ'] = zone
        fc.assert(
          fc.property(fc.integer({ min: -86_400, max: 86_400 }), (seconds) => {
            const header = httpDates(new Date(NOW_MS + seconds * 1_000))[index]
            return parseRetryAfter(header, NOW_MS) === Math.min(300_000, Math.max(0, seconds * 1_000))
          })
        )
      })
    }
  }

  t.test('of anything else is none', async (t) => {
    for (const value of [
      '',
      ' ',
      '-1',
      '+1',
      '1.5',
      '1e3',
      '0x10',
      '1 s',
      '30, 60',
      'soon',
      'NaN',
      'Infinity',
      '2026-03-01T00:00:00Z',
      '1 March 2026',
      'Mon, nonsense',
      'on Sunday, 01-Mar-26 00:00:00 GMT',
      'on Sun, 01 Mar 2026 00:00:00 GMT',
      'Funday, 99-Xyz-26 25:61:61 GMT',
      undefined,
      [],
      ['30'],
      ['30', '60']
    ]) {
      t.equal(parseRetryAfter(value, NOW_MS), undefined, JSON.stringify(value))
    }
  })

  t.test('is never less than nothing nor more than 300 s, whatever it says', async () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[A-Z][a-z]{2},? .*$/)
    )
    fc.assert(
      fc.property(fc.oneof(texts, fc.array(texts), fc.constant(undefined)), fc.double(), (header, nowMs) => {
        const delayMs = parseRetryAfter(header, Number.isNaN(nowMs) ? 0 : nowMs)
        return delayMs === undefined || (delayMs >= 0 && delayMs <= 300_000)
      })
    )
  })
})

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
        const { hardMs, refreshAgeMs, ...plan } = planLifetime(lifetimeMs, margins, random)
        // At least a millisecond, so that nothing is handed out at the instant it expires.
        const hard = Math.max(1, Math.min(margins.expiryMarginMs, lifetimeMs / 10))
        const soft = Math.max(hard, Math.min(margins.refreshAheadMs, lifetimeMs / 4))
        const earliest = lifetimeMs - soft
        const latest = lifetimeMs - (soft + hard) / 2
        return (
          plan.lifetimeMs === lifetimeMs &&
          hardMs === hard &&
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
    t.strictSame(planLifetime(600_000, margins, 0), {
      lifetimeMs: 600_000,
      hardMs: 10_000,
      refreshAgeMs: 570_000
    })
    t.strictSame(planLifetime(600_000, margins, 1), {
      lifetimeMs: 600_000,
      hardMs: 10_000,
      refreshAgeMs: 580_000
    })
    t.strictSame(planLifetime(20_000, margins, 0), {
      lifetimeMs: 20_000,
      hardMs: 2_000,
      refreshAgeMs: 15_000
    })
  })

  t.test('moves evenly with chance', async () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 86_400 }), margins, random, (seconds, margins, random) => {
        const at = (chance: number) => planLifetime(seconds * 1_000, margins, chance).refreshAgeMs
        return Math.abs(at(random) - (at(0) + random * (at(1) - at(0)))) < 1e-6
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
