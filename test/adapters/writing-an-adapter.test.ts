import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { testProvider } from '@bandwidth-token/core/testing'
import { startEmulator } from '@bandwidth-token/emulator'
import Koa from 'koa'
import t, { type Test } from 'tap'
import { ask } from '../support/adapters-http.js'
import { guide } from '../support/adapters-koa.js'
import { freePort } from '../support/free-port.js'
import { until } from '../support/outcomes.js'
import { Program } from '../support/program.js'

// The whole contract suite is in koa.more.test.ts.
const { code, bandwidthToken, app } = await guide()

async function serve(t: Test, options: object): Promise<string> {
  const koa = new Koa()
  koa.silent = true
  koa.use(bandwidthToken({ provider: testProvider(), ...options }))
  const server = koa.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('the adapter of the guide has about thirty lines', async (t) => {
  const lines = code.trimEnd().split('\n').length
  t.ok(lines >= 20 && lines <= 36, `${lines} lines`)
})

t.test('the adapter of the guide answers with a token', async (t) => {
  const origin = await serve(t, { authorize: () => true })
  const answer = await ask(`${origin}/bandwidth/token`)
  t.equal(answer.status, 200)
  t.match(answer.json, { access_token: 'test-access-token', token_type: 'Bearer' })
  t.equal((await ask(`${origin}/bandwidth/token`, { method: 'HEAD' })).text, '')
  t.equal((await ask(`${origin}/bandwidth/token`, { method: 'POST' })).status, 404)
})

t.test(
  "the adapter of the guide keeps no-store through Koa's error handler, whatever is thrown",
  async (t) => {
    const frozen = Object.freeze(Object.assign(new Error('no'), { status: 401 }))
    for (const [authorize, status] of [
      [() => false, 403],
      [() => Promise.reject(Object.assign(new Error('no'), { status: 401 })), 401],
      [() => Promise.reject(frozen), 500],
      [() => Promise.reject(undefined), 500]
    ] as const) {
      const answer = await ask(`${await serve(t, { authorize })}/bandwidth/token`)
      t.equal(answer.status, status)
      t.equal(answer.headers['cache-control'], 'no-store')
    }
  }
)

t.test('the adapter of the guide refuses a name that the context has', async (t) => {
  const origin = await serve(t, { authorize: () => true, path: '/other', decorateAs: 'body' })
  t.equal((await ask(origin)).status, 500)
})

t.test('the app of the guide runs as written', async (t) => {
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  const port = await freePort()
  const { tokenUrl: BW_TOKEN_URL, clientId: BW_CLIENT_ID, clientSecret: BW_CLIENT_SECRET } = emulator
  const env = { PORT: String(port), BW_TOKEN_URL, BW_CLIENT_ID, BW_CLIENT_SECRET }
  const program = new Program(t, [app], { env })
  let answer: Response | undefined
  await until(() => {
    fetch(`http://127.0.0.1:${port}/`).then(
      (response) => {
        answer ??= response
      },
      () => {}
    )
    return answer !== undefined || program.process.exitCode !== null
  })
  t.equal(program.stderr, '')
  t.match(await answer?.json(), { accessTokenId: String, expiresIn: Number })
  t.equal((await fetch(`http://127.0.0.1:${port}/bandwidth/token`)).status, 403)
})
