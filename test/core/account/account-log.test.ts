import t, { type Test } from 'tap'
import { AccountLog, CLOSED, OutageLog, POINTLESS } from '../../support/core-internals.js'
import { onMessage } from '../../support/observed.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { VirtualClock } from '../../support/virtual-clock.js'

const FAILURE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', remedy: 'retry' } as const
const TOKEN = { expiresIn: 600, hasExpiresIn: true, lifetimeMs: 600_000 }

function setStage(t: Test) {
  const clock = new VirtualClock()
  const logger = recordingLogger()
  const log = { ...logger, warnOnce: (message: string) => logger.warn({}, message), warnConfiguration() {} }
  const context = {
    clock,
    log,
    endpoint: { tokenUrl: 'https://id.example/token' } as never,
    inOwnContext: <T>(work: () => T) => work()
  }
  const messages: object[] = []
  onMessage(t, (message) => messages.push(message))
  const accountLog = new AccountLog(context, new OutageLog(log, { tokenUrl: 'x' }, false))
  const account = { key: 'acme', serves: false, hasFailed: false }
  const ended = (
    outcome: object,
    isFailing: boolean,
    hasRecovered = false,
    change: object = {},
    whose = account
  ) =>
    accountLog.ended(
      whose,
      {
        acquisition: {
          account: 'acme',
          startedAtMs: clock.monotonic(),
          attempts: 1,
          isAwaited: true,
          admission: {}
        },
        outcome,
        result: outcome,
        pause: undefined,
        ...change
      } as never,
      { isFailing, hasRecovered }
    )
  return { clock, accountLog, account, messages, lines: logger.lines, ended }
}

t.test('the error of a caller says when to try again, and how long the caller waited', async (t) => {
  const { clock, accountLog, account, messages } = setStage(t)
  const error = accountLog.errorFor(account, FAILURE, 5_000, clock.monotonic() - 250)
  t.match(error, { code: FAILURE.code, message: 'why', retryAfter: 5 })
  t.match(messages, [{ account: 'acme', code: FAILURE.code, durationMs: 250, retryInMs: 5_000 }])
  t.equal(account.hasFailed, true)
})

t.test('a closed provider is no failure of its account', async (t) => {
  const { accountLog, account, ended, lines } = setStage(t)
  t.match(accountLog.errorFor(account, CLOSED, undefined, undefined), { code: CLOSED.code })
  ended(CLOSED, false)
  t.equal(account.hasFailed, false)
  t.strictSame(lines, [])
})

t.test('a token while its client still fails is no recovery, but the next one is', async (t) => {
  const { account, ended, lines } = setStage(t)
  ended(FAILURE, true)
  t.equal(account.hasFailed, true)
  ended(TOKEN, true)
  t.equal(account.hasFailed, true)
  t.equal(lines.at(-1)?.level, 'debug')
  ended(TOKEN, false)
  t.equal(account.hasFailed, false)
  t.match(lines.at(-1), { level: 'info', message: 'A token was obtained again.' })
})

t.test('a token without a lifetime is said to have none', async (t) => {
  const { ended, lines } = setStage(t)
  ended({ ...TOKEN, hasExpiresIn: false }, false)
  t.match(lines[0], { message: 'The token endpoint sent no "expires_in". A lifetime of 60 s is assumed.' })
})

t.test('a token of another account, which never failed, ends no outage', async (t) => {
  const { account, ended, lines } = setStage(t)
  ended(FAILURE, true)
  ended(TOKEN, false, false, {}, { ...account, hasFailed: false })
  t.strictSame(
    lines.map(({ level }) => level),
    ['error', 'debug']
  )
})

t.test('a token that is about to expire is an error where no other one serves', async (t) => {
  const { account, ended, lines } = setStage(t)
  ended(TOKEN, false, false, { result: POINTLESS })
  t.match(lines, [{ level: 'error', fields: { code: POINTLESS.code, retryInMs: 0 } }])
  account.serves = true
  ended(TOKEN, false, false, { result: POINTLESS })
  t.match(lines.slice(1), [{ level: 'info' }])
})

t.test('a pause after such a token is said to be one, if the token came from the endpoint', async (t) => {
  const { ended, lines } = setStage(t)
  const pause = { failure: POINTLESS, leftMs: 5_000 }
  const acquisition = { account: 'acme', startedAtMs: 0, attempts: 0, isAwaited: true, admission: undefined }
  const warnings = () => lines.filter(({ level }) => level === 'warn')
  ended(TOKEN, false, false, { acquisition, pause })
  t.strictSame(warnings(), [])
  ended(TOKEN, false, false, { pause: { failure: FAILURE, leftMs: 5_000 } })
  t.strictSame(warnings(), [])
  ended(TOKEN, false, false, { pause })
  t.match(warnings(), [{ message: /^The token endpoint sent a token that is about to expire/ }])
})
