import t from 'tap'
import { Outage } from '../../support/outage.js'
import { recordingLogger } from '../../support/recording-logger.js'

const UNAVAILABLE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
const REFUSED = 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
const HOUR_MS = 3_600_000

/** The lines above the level debug. */
function stage() {
  const logger = recordingLogger()
  return { logger, lines: () => logger.lines.filter(({ level }) => level !== 'debug') }
}

t.test(
  'an outage writes a line when it begins, one when callers are refused, one when it ends',
  async (t) => {
    const { logger, lines } = stage()
    const outage = new Outage(t, logger)
    await outage.pass(1, 1_000, 1)
    outage.answer = () => 503
    await outage.pass(720, 5_000, 30)
    t.ok(outage.refused > 15_000)
    t.ok(outage.requests > 100)
    outage.answer = () => 200
    await outage.pass(12, 5_000, 30)
    const endpoint = 'https://id.example'
    t.match(lines(), [
      {
        level: 'warn',
        message: 'The token could not be refreshed. Callers still get the cached one.',
        fields: {
          account: '',
          code: UNAVAILABLE,
          upstreamStatus: 503,
          endpoint,
          network: 'global',
          hint: /problem of its own/
        }
      },
      {
        level: 'error',
        message: 'No token could be obtained.',
        fields: {
          account: '',
          code: UNAVAILABLE,
          upstreamStatus: 503,
          endpoint,
          hint: undefined
        }
      },
      {
        level: 'info',
        message: 'A token was obtained again.',
        fields: { account: '', expiresIn: 600, refusedCalls: outage.refused }
      }
    ])
    t.equal(lines().length, 3)
    for (const { fields } of lines().slice(0, 2)) t.ok((fields as { retryInMs: number }).retryInMs >= 500)
    const { failedForMs = 0 } = (lines()[2]?.fields ?? {}) as { failedForMs?: number }
    t.ok(failedForMs > HOUR_MS - 600_000 && failedForMs < HOUR_MS)
  }
)

t.test('another cause is another line, and each has its hint once', async (t) => {
  const { logger, lines } = stage()
  const outage = new Outage(t, logger)
  for (const answer of [503, 'ECONNREFUSED', 503, 401, 401]) {
    outage.answer = () => answer
    await outage.pass(1, 61_000, 1)
  }
  t.match(
    lines().map(({ level, fields }) => ({ level, ...fields })),
    [
      { level: 'error', upstreamStatus: 503, hint: /problem of its own/ },
      { level: 'error', cause: 'ECONNREFUSED', hint: /Nothing listens/ },
      { level: 'error', upstreamStatus: 503, hint: undefined },
      {
        level: 'error',
        code: REFUSED,
        upstreamStatus: 401,
        oauthError: 'invalid_client',
        hint: /client secret/
      }
    ]
  )
  t.equal(lines().length, 4)
})

t.test('one account that is refused has a line of its own while the others are well', async (t) => {
  const { logger, lines } = stage()
  const refused = new Set(['account-3'])
  const outage = new Outage(t, logger, {
    hasFunction: true,
    credentials: (account: string) => {
      if (refused.has(account)) throw new TypeError('unknown')
      return { clientId: account, clientSecret: 'secret' }
    }
  } as object)
  const accounts = Array.from({ length: 10 }, (_, index) => `account-${index}`)
  await outage.pass(240, 15_000, 10, accounts)
  t.match(lines(), [{ level: 'error', fields: { account: 'account-3', code: REFUSED, thrown: 'TypeError' } }])
  t.equal(lines().length, 1)
  refused.clear()
  await outage.pass(5, 15_000, 10, accounts)
  t.match(lines().slice(1), [{ level: 'info', fields: { account: 'account-3' } }])
  t.equal(lines().length, 2)
})

t.test('an outage after a quiet time begins with a line again', async (t) => {
  const { logger, lines } = stage()
  const outage = new Outage(t, logger)
  outage.answer = () => 503
  await outage.pass(1, 1_000, 1)
  // Nobody asks for a token, so nobody knows that it is over.
  await outage.clock.advance(HOUR_MS)
  await outage.pass(1, 1_000, 1)
  t.match(lines(), [
    { level: 'error', fields: { upstreamStatus: 503 } },
    { level: 'error', fields: { upstreamStatus: 503 } }
  ])
  t.equal(lines().length, 2)
})

t.test('a replacement that fails is a warning, since others are served', async (t) => {
  const { logger, lines } = stage()
  const outage = new Outage(t, logger)
  const first = await outage.provider.getToken()
  await outage.clock.advance(5_000)
  outage.answer = () => 401
  await t.rejects(outage.provider.getToken({ rejected: first }))
  t.match(lines(), [{ level: 'warn', fields: { code: REFUSED } }])
  t.equal(lines().length, 1)
})
