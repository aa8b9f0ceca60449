import t from 'tap'
import { Outage } from '../../support/outage.js'
import { recordingLogger } from '../../support/recording-logger.js'

/** The lines above the level debug. */
function stage() {
  const logger = recordingLogger()
  return { logger, lines: () => logger.lines.filter(({ level }) => level !== 'debug') }
}

for (const hasFunction of [false, true]) {
  const whose = hasFunction ? 'of their own' : 'that they share'
  for (const [what, answer] of [
    ['503', () => 503],
    ['401', () => 401],
    [
      'whatever comes to its mind',
      () => [500, 503, 401, 'ECONNREFUSED', 'ENOTFOUND', 404][Math.floor(Math.random() * 6)]
    ],
    ['another status each time', () => 500 + Math.floor(Math.random() * 100)],
    ['a token now and then', () => (Math.random() < 0.1 ? 200 : 503)]
  ] as const) {
    t.test(
      `an hour in which it answers ${what} to accounts with credentials ${whose} is at most 200 lines`,
      async (t) => {
        const { logger, lines } = stage()
        const outage = new Outage(t, logger, { hasFunction })
        const accounts = Array.from({ length: 100 }, (_, index) => `account-${index}`)
        await outage.pass(2, 1_000, 100, accounts)
        outage.answer = answer as () => number
        await outage.pass(240, 15_000, 100, accounts)
        t.ok(outage.refused > 1_000, `${outage.refused}`)
        const during = lines().length
        t.ok(during >= 2 && during <= 200, `${during} lines`)
        outage.answer = () => 200
        await outage.pass(10, 15_000, 100, accounts)
        const end = lines().slice(during)
        t.ok(end.length <= 1 && end.every(({ level }) => level === 'info'), 'its end is one line at most')
        t.ok(lines().some(({ level }) => level === 'error'))
      }
    )
  }
}
