import t from 'tap'
import { Child, until } from './child.js'
import { EmulatorProcess } from './emulator-process.js'
import { Load } from './load.js'

/**
 * The life of a token in seconds. It sets the length of the run, of which three lives are the most part. CI takes the
 * shortest that still rotates; `LOAD_TOKEN_LIFE_S=20` is the full run.
 */
const LIFE_S = Number(process.env['LOAD_TOKEN_LIFE_S'] ?? 7)
const CONNECTIONS = 64
const LIMIT_MS = 60_000 + LIFE_S * 3_000

const UNAVAILABLE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
const TIMEOUT = 'ERR_BANDWIDTH_TOKEN_TIMEOUT'
const REJECTED = 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'

t.test('an app under load outlives the outages of the token endpoint', async (t) => {
  const emulator = new EmulatorProcess(t, { expiresIn: LIFE_S })
  await emulator.start()
  const app = new Child(t, 'app', emulator.credentials, ['--expose-gc'])
  const { origin } = await app.report<{ origin: string }>()
  const get = async (path: string) => (await fetch(origin + path)).json()
  const load = new Load(origin, CONNECTIONS)
  t.teardown(() => load.destroy())
  const reached = (condition: () => boolean, what: string) =>
    until(() => condition() || load.violations.length > 0 || app.hasExited, what, LIMIT_MS)

  await reached(() => load.count('200') > 1_000, 'the app serves')
  const heapBefore = (await get('/watch/heap')) as number

  await emulator.kill()
  await reached(() => load.errors > CONNECTIONS, 'the token has run out while the endpoint is dead')
  t.equal(load.tokens.length, 1, 'the token served until it ran out')

  await emulator.start({ latencyMs: 300 })
  await reached(() => load.tokens.length === 2, 'a token comes from the endpoint that was started again')
  // Of the requests that were on their way when the token came, some may still be refused.
  const inFlight = load.errors + CONNECTIONS
  await reached(() => load.tokens.length === 3, 'the token rotates while the endpoint is slow')
  t.ok(load.errors <= inFlight, 'nobody feels the rotation')
  t.equal(load.count(REJECTED), 0)

  await emulator.script(Array.from({ length: 100 }, () => ({ status: 401 })))
  await reached(() => load.count(REJECTED) > CONNECTIONS, 'the token has run out while the endpoint rejects')

  await load.stop()
  t.strictSame(load.violations, [])
  t.strictSame(await get('/watch/report'), { violations: [], asking: 0 })
  for (const kind of load.answers.keys()) t.ok(['200', UNAVAILABLE, TIMEOUT, REJECTED].includes(kind), kind)
  const received = await emulator.received()
  const granted = received.filter(({ status }) => status === 200).length
  t.equal(granted, load.tokens.length - 1, 'one request for each token of the second endpoint')
  t.ok(received.length - granted < 8, `${received.length - granted} requests were made in vain`)

  const growth = ((await get('/watch/heap')) as number) - heapBefore
  t.ok(growth < 8 * 1024 * 1024, `the heap has grown by ${growth} bytes`)
  app.process.kill('SIGTERM')
  t.equal(await app.exit(LIMIT_MS), 0)
  t.equal(app.stderr, '')
})
