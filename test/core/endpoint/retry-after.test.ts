import fc from 'fast-check'
import t from 'tap'
import { parseRetryAfter } from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

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
      ['soon', '']
    ]) {
      t.equal(parseRetryAfter(value, NOW_MS), undefined, JSON.stringify(value))
    }
  })

  t.test('that was sent several times is the longest of its delays', async (t) => {
    t.equal(parseRetryAfter(['30'], NOW_MS), 30_000)
    t.equal(parseRetryAfter(['30', 'soon', '60', '10'], NOW_MS), 60_000)
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
