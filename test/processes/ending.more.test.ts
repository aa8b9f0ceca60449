import { type Fault, startEmulator } from '@bandwidth-token/emulator'
import t, { type Test } from 'tap'
import { ask } from '../support/adapters-http.js'
import { answerWith, grant, startEndpoint } from '../support/endpoint.js'
import { Child, until } from './child.js'

/**
 * Whoever waited for the end of a request, of a retry or of a token would wait for minutes: what ends within the
 * limit has not.
 */
const PATIENT = { timeoutMs: 300_000, deadlineMs: 300_000 }
const LIMIT_MS = 60_000

const HANG: Fault = { hang: 'headers' }
const HANG_IN_BODY: Fault = { hang: 'body' }
/** Within the deadline: the acquisition sleeps until it tries again. */
const RETRY: Fault = { status: 503, headers: { 'retry-after': '200' } }

async function emulate(t: Test, faults: readonly Fault[]) {
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  emulator.script(faults)
  const { tokenUrl, clientId, clientSecret } = emulator
  return {
    emulator,
    options: { tokenUrl, clientId, clientSecret, ...PATIENT },
    untilReceived: (count: number) =>
      until(() => emulator.received.length >= count, `token request ${count} has come in`)
  }
}

async function startApp(t: Test, options: object) {
  const app = new Child(t, 'app', options)
  const { origin } = await app.report<{ origin: string }>()
  // Without keep-alive, for which a server that closes would wait.
  const get = (path: string) => ask(origin + path)
  const watch = async () => (await get('/watch/report')).json as { violations: []; asking: number }
  return { app, get, watch }
}

for (const [when, fault] of Object.entries({
  'its first token request hangs': HANG,
  'the answer to its first token request hangs': HANG_IN_BODY,
  'it waits before another try for its first token': RETRY
})) {
  t.test(`an app ends at SIGTERM while ${when}`, async (t) => {
    const { options, untilReceived } = await emulate(t, [fault, HANG, HANG])
    const { app } = await startApp(t, options)
    await untilReceived(1)
    app.process.kill('SIGTERM')
    t.equal(await app.exit(LIMIT_MS), 0)
    t.equal(app.stderr, '')
  })
}

for (const [what, answer, status] of [
  ['a token', grant(), 200],
  ['an error', answerWith(503), 503]
] as const) {
  t.test(`an app gives ${what} to those who wait at SIGTERM, and then ends`, async (t) => {
    let isReleased = false
    const endpoint = await startEndpoint(t, async (exchange) => {
      await until(() => isReleased, 'the endpoint may answer')
      await answer(exchange)
    })
    const { tokenUrl } = endpoint
    const credentials = { clientId: 'client', clientSecret: 'secret' }
    const { app, get, watch } = await startApp(t, { tokenUrl, ...credentials, ...PATIENT })
    const answers = Promise.all(Array.from({ length: 10 }, () => get('/app/token')))
    await until(async () => (await watch()).asking === 10, 'all callers wait')
    app.process.kill('SIGTERM')
    await until(
      () =>
        get('/watch/report').then(
          ({ status }) => status !== 200,
          () => true
        ),
      'the app closes'
    )
    isReleased = true
    for (const answer of await answers) t.equal(answer.status, status)
    t.equal(await app.exit(LIMIT_MS), 0)
    t.equal(app.stderr, '')
  })
}

t.test('an app ends at SIGTERM while a refresh hangs', async (t) => {
  const { emulator, options, untilReceived } = await emulate(t, [])
  const { app, get, watch } = await startApp(t, options)
  t.equal((await get('/app/token')).status, 200)
  emulator.script([HANG])
  // Of 600 s, 15 are left: the refresh is due, and the token serves.
  await get('/watch/advance?ms=585000')
  t.equal((await get('/app/token')).status, 200)
  await untilReceived(2)
  t.equal((await get('/app/token')).status, 200)
  t.strictSame(await watch(), { violations: [], asking: 0 })
  app.process.kill('SIGTERM')
  t.equal(await app.exit(LIMIT_MS), 0)
  t.equal(app.stderr, '')
})

t.test('a program that closes its provider ends at SIGTERM in the middle of a request', async (t) => {
  const { options, untilReceived } = await emulate(t, [HANG])
  const script = new Child(t, 'script', { ...options, closes: true })
  await untilReceived(1)
  script.process.kill('SIGTERM')
  t.equal(await script.exit(LIMIT_MS), 0)
  t.match(script.stdout, /"ERR_BANDWIDTH_TOKEN_CLOSED"\n$/)
  t.equal(script.stderr, '')
})

for (const [what, faults, outcome] of [
  ['a token that lives for ten minutes', [], /"a token for 5\d\d s"\n$/],
  ['a cool-down of a minute', [{ status: 401 }], /"ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED"\n$/],
  ['a cool-down of five minutes', [{ status: 503, headers: { 'retry-after': '600' } }], /_UNAVAILABLE"\n$/]
] as const) {
  t.test(`${what} does not hold a program open that has not closed its provider`, async (t) => {
    const { options } = await emulate(t, faults)
    const script = new Child(t, 'script', { ...options, deadlineMs: 10_000 })
    t.equal(await script.exit(LIMIT_MS), 0)
    t.match(script.stdout, outcome)
    t.equal(script.stderr, '')
  })
}
