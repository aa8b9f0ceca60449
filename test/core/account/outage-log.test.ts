import t, { type Test } from 'tap'
import { OutageLog } from '../../support/core-internals.js'
import { fail, grant, startEndpoint } from '../../support/endpoint.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'
import { Outage } from '../../support/outage.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { KEY } from '../store/fleet.js'

const UNAVAILABLE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
const REFUSED = 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** The lines above the level debug. */
function stage() {
  const logger = recordingLogger()
  return { logger, lines: () => logger.lines.filter(({ level }) => level !== 'debug') }
}

/** Accounts with credentials of their own: those in `unknown` have none. */
function stageOfAccounts(t: Test) {
  const { logger, lines } = stage()
  const unknown = new Set<string>()
  const outage = new Outage(t, logger, {
    hasFunction: true,
    credentials: (account: string) => {
      if (unknown.has(account)) throw new TypeError('unknown')
      return { clientId: account, clientSecret: 'secret' }
    }
  } as object)
  return { outage, unknown, lines }
}

const accountsOf = (count: number) => Array.from({ length: count }, (_, index) => `account-${index}`)

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
  const { outage, unknown, lines } = stageOfAccounts(t)
  const accounts = accountsOf(10)
  unknown.add('account-3')
  await outage.pass(240, 15_000, 10, accounts)
  t.match(lines(), [{ level: 'error', fields: { account: 'account-3', code: REFUSED, thrown: 'TypeError' } }])
  t.equal(lines().length, 1)
  unknown.clear()
  await outage.pass(5, 15_000, 10, accounts)
  t.match(lines().slice(1), [{ level: 'info', fields: { account: 'account-3' } }])
  t.equal(lines().length, 2)
})

t.test('an outage of many accounts is over when the last of them has a token again', async (t) => {
  const { outage, unknown, lines } = stageOfAccounts(t)
  const accounts = accountsOf(8)
  for (const account of accounts) unknown.add(account)
  await outage.pass(1, 1_000, 4, accounts.slice(0, 4))
  await outage.pass(10, 15_000, 8, accounts)
  t.equal(lines().length, 6, 'a line for each of five accounts, and one for all')
  unknown.clear()
  unknown.add('account-7')
  await outage.pass(10, 15_000, 8, accounts)
  t.equal(lines().length, 6, 'one of them still fails')
  unknown.clear()
  await outage.pass(10, 15_000, 8, accounts)
  t.match(lines().slice(6), [
    { level: 'info', fields: { account: 'account-7', refusedCalls: outage.refused } }
  ])
  t.equal(lines().length, 7)
  const { failedForMs = 0 } = (lines()[6]?.fields ?? {}) as { failedForMs?: number }
  t.ok(failedForMs >= 301_000, `${failedForMs} ms, counted from the first failure`)
})

t.test('an outage of many accounts knows those that failed before it', async (t) => {
  const { outage, unknown, lines } = stageOfAccounts(t)
  const accounts = accountsOf(6)
  for (const account of accounts) unknown.add(account)
  await outage.pass(1, 1_000, 5, accounts.slice(0, 5))
  await outage.pass(1, 1_000, 1, ['account-5'])
  unknown.delete('account-5')
  await outage.clock.advance(61_000)
  await outage.provider.getToken({ account: 'account-5' })
  t.equal(lines().length, 6, 'the other five still fail')
})

t.test('an outage of many accounts does not wait for one that nobody asks for any more', async (t) => {
  const { outage, unknown, lines } = stageOfAccounts(t)
  const accounts = accountsOf(8)
  for (const account of accounts) unknown.add(account)
  await outage.pass(10, 15_000, 8, accounts)
  unknown.clear()
  await outage.pass(80, 15_000, 7, accounts.slice(0, 7))
  t.match(lines().slice(6), [{ level: 'info' }])
  t.equal(lines().length, 7)
})

t.test('an outage remembers the thousand accounts that failed last', async (t) => {
  const { outage, unknown, lines } = stageOfAccounts(t)
  const accounts = accountsOf(1_006)
  for (const account of accounts) unknown.add(account)
  await outage.pass(1, 1_000, accounts.length, accounts)
  unknown.clear()
  await outage.clock.advance(61_000)
  for (const account of accounts.slice(6)) await outage.provider.getToken({ account })
  t.match(lines().slice(6), [{ level: 'info' }])
})

t.test('failures that nobody remembers take neither a hint nor a line from later ones', async (t) => {
  const { outage, unknown, lines } = stageOfAccounts(t)
  for (const account of accountsOf(7)) {
    unknown.add(account)
    await outage.pass(1, 1_000, 1, [account])
    if (account !== 'account-5') await outage.clock.advance(DAY_MS)
  }
  t.match(
    lines(),
    accountsOf(7).map((account) => ({ level: 'error', fields: { account } }))
  )
  t.equal(lines().length, 7)
  for (const { fields } of lines().slice(0, -1)) t.match(fields, { hint: /"credentials" function/ })
})

t.test('writes ten lines at once and one more each minute, the ends of outages included', async (t) => {
  const { logger, lines } = stage()
  const outage = new Outage(t, logger)
  for (const account of accountsOf(20)) {
    outage.answer = () => 503
    await outage.pass(1, 2_000, 1, [account])
    outage.answer = () => 200
    await outage.pass(2, 1_000, 1, [account])
  }
  t.equal(outage.refused, 20)
  t.ok(lines().length >= 10 && lines().length <= 11, `${lines().length} lines`)
  await outage.clock.advance(HOUR_MS)
  await outage.pass(1, 1_000, 1)
  t.equal(lines().at(-1)?.level, 'info', 'the last line says that it is over')
  t.ok(lines().length <= 12)
})

t.test('the end of an outage for which no line is left is written later', async (t) => {
  const { logger, lines } = stage()
  const outage = new Outage(t, logger, { hasFunction: true })
  const accounts = accountsOf(4)
  for (const status of [500, 501, 502]) {
    outage.answer = () => status
    await outage.pass(1, 4_000, 4, accounts)
  }
  t.equal(lines().length, 9)
  outage.answer = () => 200
  await outage.pass(4, 4_000, 4, accounts)
  t.match(lines().slice(9), [{ level: 'info', fields: { account: 'account-0' } }])
  t.equal(lines().length, 10)

  // The outage of this account goes on.
  outage.provider.invalidate(await outage.provider.getToken({ account: 'account-3' }), 'account-3')
  outage.answer = () => 503
  await outage.pass(1, 4_000, 1, ['account-3'])
  outage.answer = () => 200
  await outage.pass(80, 15_000, 4, accounts)
  const ends = lines().slice(10)
  t.strictSame(
    ends.map(({ level }) => level),
    ['info', 'info', 'info']
  )
  const lengths = Object.fromEntries(
    ends.map(({ fields }) => {
      const { account, failedForMs } = fields as { account: string; failedForMs: number }
      return [account, failedForMs]
    })
  )
  t.ok((lengths['account-1'] ?? 0) <= 28_000, `${lengths['account-1']} ms`)
  t.ok((lengths['account-3'] ?? 0) > 28_000, `${lengths['account-3']} ms`)
})

t.test(
  'the end of an outage is written even if it has become one of many accounts without a line',
  async (t) => {
    const { logger, lines } = stage()
    const outage = new Outage(t, logger, { hasFunction: true })
    const accounts = accountsOf(6)
    for (const status of [500, 501]) {
      outage.answer = () => status
      await outage.pass(1, 4_000, 5, accounts.slice(0, 5))
    }
    t.equal(lines().length, 9)
    await outage.pass(1, 4_000, 6, accounts)
    t.equal(lines().length, 9, 'no line is left for the failure of the sixth')
    outage.answer = () => 200
    await outage.pass(10, 4_000, 6, accounts)
    t.match(lines().slice(9), [{ level: 'info' }])
    t.equal(lines().length, 10)
  }
)

t.test('an outage after a quiet time begins with a line again', async (t) => {
  const { logger, lines } = stage()
  const outage = new Outage(t, logger)
  outage.answer = () => 503
  await outage.pass(1, 1_000, 1)
  // Nobody asks for a token, so nobody knows that it is over.
  await outage.clock.advance(HOUR_MS)
  await outage.pass(1, 1_000, 1)
  t.match(lines(), [
    { level: 'error', fields: { upstreamStatus: 503, hint: /problem of its own/ } },
    { level: 'error', fields: { upstreamStatus: 503, hint: /problem of its own/ } }
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

t.test('the token of any account ends the outage of their client', async (t) => {
  const logger = recordingLogger()
  const endpoint = await startEndpoint(t, fail(503))
  const provider = endpoint.provider(t, { logger })
  const refused = t.rejects(provider.getToken({ account: 'first' }), { code: UNAVAILABLE })
  await endpoint.clock.advance(1_000)
  await refused
  await endpoint.clock.advance(2_000)
  endpoint.answer = grant()
  await provider.getToken({ account: 'second' })
  t.match(logger.lines.at(-1), {
    level: 'info',
    message: 'A token was obtained again.',
    fields: { account: 'second' }
  })
})

t.test('the first token of another account does not end it, if the endpoint did not refuse', async (t) => {
  const logger = recordingLogger()
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { logger })
  await provider.getToken({ account: 'first' })
  endpoint.answer = fail(503)
  await endpoint.untilRequest(2)
  await endpoint.clock.settle()
  endpoint.answer = grant()
  await provider.getToken({ account: 'second' })
  t.strictSame(
    logger.lines.map(({ level }) => level),
    ['debug', 'warn', 'debug']
  )
})

t.test('callers are served up to the very hard line', async (t) => {
  const logger = recordingLogger()
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { logger, timeoutMs: 50_000, deadlineMs: 50_000 })
  const startMs = endpoint.clock.monotonic()
  await provider.getToken()
  endpoint.answer = endpoint.held(fail(503))
  await endpoint.untilRequest(2)
  await endpoint.clock.advance(startMs + 590_000 - endpoint.clock.monotonic())
  await endpoint.release()
  await endpoint.clock.settle()
  t.match(logger.lines.at(-1), { level: 'warn', message: /Callers still get the cached one/ })
})

t.test('a token that can be used ends an outage in which only dead ones came', async (t) => {
  const logger = recordingLogger()
  const endpoint = await startEndpoint(t)
  const dead = endpoint.held(grant({ expires_in: 1 }))
  endpoint.answer = dead
  const provider = endpoint.provider(t, { logger })
  const refused = t.rejects(provider.getToken(), { code: UNAVAILABLE })
  await endpoint.untilRequest(1)
  await endpoint.clock.advance(950)
  await endpoint.release()
  await refused
  t.match(
    logger.lines.filter(({ level }) => level === 'error'),
    [{ fields: { code: UNAVAILABLE } }]
  )
  endpoint.answer = grant()
  await endpoint.clock.advance(6_000)
  await provider.getToken()
  t.match(logger.lines.at(-1), { level: 'info', message: 'A token was obtained again.' })
})

t.test('an ordinary token is a line at debug', async (t) => {
  const logger = recordingLogger()
  const endpoint = await startEndpoint(t)
  await endpoint.provider(t, { logger }).getToken({ account: 'first' })
  t.strictSame(logger.lines, [
    { level: 'debug', fields: { account: 'first', expiresIn: 600 }, message: 'A token was obtained.' }
  ])
})

/** The log alone, with its failures at given times. */
function stageLog(isPerAccount: boolean) {
  const logger = recordingLogger()
  const log = new OutageLog(
    { ...logger, warnOnce() {}, warnConfiguration() {} },
    { tokenUrl: 'x' },
    isPerAccount
  )
  const fail = (
    account: string,
    nowMs: number,
    upstreamStatus = 503,
    isCaller = false,
    isServing = false
  ) => {
    const failure = { code: UNAVAILABLE, message: 'x', remedy: 'retry', upstreamStatus } as const
    log.note({ account, failure, isServing, retryInMs: undefined, nowMs }, isCaller)
  }
  return { lines: logger.lines, log, fail }
}

t.test('callers who are refused after an outage has ended begin no other', async (t) => {
  const { lines, log, fail } = stageLog(false)
  fail('', 0, 503, true)
  t.strictSame(lines, [])
  fail('', 0)
  t.match(lines, [{ level: 'error', fields: { retryInMs: 0 } }])
  t.equal(log.obtained('', 600, true, 1_000), true)
  fail('', 2_000, 503, true)
  t.match(lines.slice(1), [{ level: 'info' }])
  t.equal(lines.length, 2)
})

t.test(
  'the first caller who is refused after a warning is an error, and the others are counted',
  async (t) => {
    const { lines, log, fail } = stageLog(false)
    fail('', 0, 503, false, true)
    fail('', 1_000, 503, true)
    fail('', 2_000, 503, true)
    log.obtained('', 600, true, 3_000)
    t.match(lines, [{ level: 'warn' }, { level: 'error' }, { level: 'info', fields: { refusedCalls: 2 } }])
    t.equal(lines.length, 3)
  }
)

t.test('a hint is not repeated while another outage lasts', async (t) => {
  const { lines, log, fail } = stageLog(true)
  for (const account of ['ada', 'bob']) fail(account, 0)
  t.equal(log.obtained('ada', 600, true, 1_000), true)
  fail('eve', 2_000)
  t.strictSame(
    lines.map(({ fields }) => 'hint' in (fields as object)),
    [true, false, false, false]
  )
})

t.test('an account that fails again is not the one that is forgotten', async (t) => {
  const { log, fail } = stageLog(true)
  const accounts = accountsOf(1_000)
  accounts.forEach((account, index) => {
    fail(account, index)
  })
  fail('account-0', 2_000)
  fail('another', 2_001)
  for (const account of [...accounts.slice(2), 'another']) {
    t.equal(log.obtained(account, 600, true, 3_000), false)
  }
  t.equal(log.obtained('account-0', 600, true, 3_000), true, 'nobody remembers the second one')
})

t.test('an outage of many is in the log if one of those that it stands for is', async (t) => {
  const { lines, log, fail } = stageLog(true)
  for (let line = 0; line < 9; line++) fail('account-0', 0, 500 + line)
  for (const account of accountsOf(6).slice(1)) fail(account, 1)
  t.equal(lines.length, 9)
  for (const account of accountsOf(5)) t.equal(log.obtained(account, 600, true, 1_000), false)
  t.equal(log.obtained('account-5', 600, true, 1_000), true)
  t.match(lines.at(-1), { level: 'info', fields: { failedForMs: 1_000 } })
})

t.test('a caller who is refused for another reason is no other line', async (t) => {
  const { lines, fail } = stageLog(false)
  fail('', 0)
  fail('', 1_000, 504, true)
  t.equal(lines.length, 1)
  fail('', 2_000, 504)
  t.equal(lines.length, 2)
})

t.test('a line says whether its account serves, whatever becomes of others', async (t) => {
  const { lines, fail } = stageLog(false)
  fail('ada', 0)
  fail('bob', 1_000, 502, false, true)
  t.match(lines, [
    { level: 'error', message: 'No token could be obtained.' },
    { level: 'error', message: 'The token could not be refreshed. Callers still get the cached one.' }
  ])
})

t.test('one more line may be written after each whole minute', async (t) => {
  const { lines, fail } = stageLog(false)
  for (let line = 0; line < 9; line++) fail('', 0, 500 + line)
  fail('', 59_999, 510)
  t.equal(lines.length, 9)
  fail('', 60_000, 511)
  t.equal(lines.length, 10)
})

t.test(
  'of more than a thousand failing accounts, the one that failed longest ago is forgotten',
  async (t) => {
    const { log, fail } = stageLog(true)
    const accounts = accountsOf(5)
    accounts.forEach((account, index) => {
      fail(account, index)
    })
    fail('account-0', 5)
    const later = Array.from({ length: 996 }, (_, index) => `later-${index}`)
    for (const account of later) fail(account, 6)
    // Of 1,001 accounts, the second one failed longest ago.
    for (const account of [...later, 'account-0', 'account-3', 'account-4']) {
      t.equal(log.obtained(account, 600, true, 1_000), false)
    }
    t.equal(log.obtained('account-2', 600, true, 1_000), true)
  }
)

t.test('a token that is no sign of recovery ends no outage', async (t) => {
  for (const isPerAccount of [true, false]) {
    const { lines, log, fail } = stageLog(isPerAccount)
    fail('ada', 0)
    t.equal(log.obtained('ada', 600, false, 1_000), false)
    t.equal(log.obtained('ada', 600, true, 2_000), true)
    t.match(lines, [{ level: 'error' }, { level: 'info' }])
  }
})

t.test('the end of an outage that the log has no line for is not written, but later', async (t) => {
  const accounts = stageLog(true)
  accounts.fail('bob', 0)
  for (let line = 0; line < 8; line++) accounts.fail('ada', 0, 500 + line)
  t.equal(accounts.log.obtained('ada', 600, true, 1_000), true)
  t.equal(accounts.log.obtained('bob', 600, true, 1_000), false)
  t.equal(accounts.lines.length, 10)
  accounts.fail('bob', 2_000, 503, true)
  t.equal(accounts.log.obtained('bob', 600, false, 61_000), true)
  t.match(accounts.lines.at(-1)?.fields, { failedForMs: 1_000, refusedCalls: 0 })

  const { lines, log, fail } = stageLog(false)
  for (let line = 0; line < 9; line++) fail('', 0, 500 + line)
  t.equal(log.obtained('', 600, true, 1_000), true)
  t.equal(log.obtained('', 600, false, 2_000), false)
  t.equal(lines.length, 10)
  fail('', 61_000)
  fail('', 122_000, 504)
  t.equal(log.obtained('', 600, true, 122_001), true)
  t.equal(lines.length, 12)
})

t.test('nothing is written of an outage for which there was never a line', async (t) => {
  const { lines, log, fail } = stageLog(false)
  for (let line = 0; line < 9; line++) fail('', 0, 500 + line)
  t.equal(log.obtained('', 600, true, 1_000), true)
  fail('', 2_000)
  t.equal(log.obtained('', 600, true, 3_000), false)
  t.equal(lines.length, 10)
  t.equal(log.obtained('', 600, true, 62_000), false, 'it is forgotten')
  fail('', 122_000)
  t.equal(lines.length, 11, 'and has taken no line of a later one')
})

t.test('a failure within ten minutes continues an outage, a later one begins another', async (t) => {
  const { lines, fail } = stageLog(false)
  for (const nowMs of [0, 600_000, 1_200_001]) fail('', nowMs)
  t.match(lines, [{ fields: { hint: /problem/ } }, { fields: { hint: /problem/ } }])
  t.equal(lines.length, 2)
})

t.test('an outage of many waits two minutes for an account that has failed', async (t) => {
  const { log, fail } = stageLog(true)
  for (const account of accountsOf(6)) fail(account, 0)
  for (const account of accountsOf(5)) log.obtained(account, 600, true, 1_000)
  t.equal(log.obtained('account-0', 600, false, 120_000), false)
  t.equal(log.obtained('account-0', 600, false, 120_001), true)
})

for (const [what, options] of [
  [
    'a credentials function hangs',
    { clientId: undefined, clientSecret: undefined, credentials: () => new Promise<never>(() => {}) }
  ],
  [
    'another member of the fleet holds the lock',
    { store: { ...memoryTokenStore(), lock: async () => false }, storeKeys: [KEY] }
  ]
] as const) {
  t.test(`says that no request was sent while ${what}`, async (t) => {
    const logger = recordingLogger()
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t, { ...options, logger })
    const late = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', attempts: undefined })
    await endpoint.clock.advance(11_000)
    await late
    t.equal(endpoint.count, 0)
    t.match(logger.lines, [{ level: 'error', fields: { hint: /No request was sent/ } }])
  })
}
