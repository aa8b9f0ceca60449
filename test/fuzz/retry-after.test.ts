import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseRetryAfter } from '../support/core-internals.js'
import { runs } from './settings.js'

const NOW_MS = Date.parse('2026-11-24T12:00:00Z')
const CAP_MS = 300_000

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The three forms of a date that RFC 9110 §5.6.7 has everybody read. */
const FORMS: Readonly<Record<string, (date: Date) => string>> = {
  'IMF-fixdate': (date) =>
    `${dayName(date).slice(0, 3)}, ${two(date.getUTCDate())} ${month(date)} ${date.getUTCFullYear()} ${time(date)} GMT`,
  'rfc850-date': (date) =>
    `${dayName(date)}, ${two(date.getUTCDate())}-${month(date)}-${two(date.getUTCFullYear() % 100)} ${time(date)} GMT`,
  'asctime-date': (date) =>
    `${dayName(date).slice(0, 3)} ${month(date)} ${String(date.getUTCDate()).padStart(2)} ${time(date)} ${date.getUTCFullYear()}`
}

const two = (value: number) => String(value).padStart(2, '0')
const dayName = (date: Date) => DAYS[date.getUTCDay()] as string
const month = (date: Date) => MONTHS[date.getUTCMonth()] as string
const time = (date: Date) =>
  [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')

const around = (value: string) => fc.constantFrom('', ' ', '\t ').map((space) => `${space}${value}${space}`)

t.test('obeys a whole number of seconds, 300 s at most', async () => {
  const digits = fc.oneof(
    fc.integer({ min: 0, max: 400 }).map(String),
    fc.stringMatching(/^0{0,3}[0-9]{1,30}$/),
    fc.constant('9'.repeat(400))
  )
  fc.assert(
    fc.property(digits.chain(around), (text) => {
      const exactMs = BigInt(text.trim()) * 1000n
      assert.equal(parseRetryAfter(text, NOW_MS), exactMs > CAP_MS ? CAP_MS : Number(exactMs))
    }),
    runs(10_000)
  )
})

t.test('obeys a date in each form of HTTP, whatever the time zone of the machine', async () => {
  const seconds = fc.oneof(
    fc.integer({ min: -10, max: 320 }),
    fc.integer({ min: -86_400 * 365 * 20, max: 86_400 * 365 * 20 })
  )
  const zone = process.env['TZ']
  try {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(FORMS)),
        seconds,
        fc.integer({ min: 0, max: 999 }),
        fc.constantFrom('UTC', 'America/New_York', 'Asia/Kolkata'),
        (form, seconds, nowMs, zone) => {
          process.env['TZ'] = zone
          const text = FORMS[form]?.(new Date(NOW_MS + seconds * 1000))
          const delayMs = Math.min(Math.max(seconds * 1000 - nowMs, 0), CAP_MS)
          assert.equal(parseRetryAfter(text, NOW_MS + nowMs), delayMs)
        }
      ),
      runs(10_000)
    )
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

t.test('ignores what is neither, and waits for nothing beyond the cap', async () => {
  const almost = fc.oneof(
    fc.constantFrom('', '-1', '+1', '1.5', '1e3', '0x10', '1 2', '1,2', '1s', 'Infinity', 'NaN', '٣', 'soon'),
    fc.constantFrom('2026-11-24T12:01:00Z', '11/24/2026', '24 Nov 2026 12:01:00 GMT', '1 Jan', 'Jan 1 2027'),
    fc.string({ unit: 'binary', maxLength: 40 })
  )
  const broken = fc
    .tuple(fc.constantFrom(...Object.values(FORMS)), fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }))
    .map(([form, at, text]) => {
      const date = form(new Date(NOW_MS + 60_000))
      const place = at % date.length
      return date.slice(0, place) + text + date.slice(place + 1)
    })
  fc.assert(
    fc.property(fc.oneof(almost, broken), (text) => {
      const delayMs = parseRetryAfter(text, NOW_MS)
      const isSeconds = /^[0-9]+$/.test(text.trim())
      const isLikeDate = DAYS.some((day) => text.trim().startsWith(day.slice(0, 3)))
      if (!isSeconds && !isLikeDate) assert.equal(delayMs, undefined)
      if (delayMs !== undefined) assert.ok(delayMs >= 0 && delayMs <= CAP_MS)
    }),
    runs(20_000)
  )
})

t.test('obeys the longest delay of a header that came several times', async () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('1', '60', 'soon'), { maxLength: 3 }), (values) => {
      const longest = values.includes('60') ? 60_000 : values.includes('1') ? 1_000 : undefined
      assert.equal(parseRetryAfter(values, NOW_MS), longest)
    }),
    runs(100)
  )
})
