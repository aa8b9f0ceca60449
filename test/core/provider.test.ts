import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { type Credentials, TokenProvider } from '@bandwidth-token/core'
import t from 'tap'
import { answerWith, credentials, fail, grant, hang, startEndpoint } from '../support/endpoint.js'
import { spawnNode } from '../support/node.js'
import { processEvents } from '../support/process-events.js'
import { recordingLogger } from '../support/recording-logger.js'
import { turns, VirtualClock } from '../support/virtual-clock.js'

t.test('warms up when there is no valid token, and only then', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.warmUp()
  await provider.warmUp()
  await provider.warmUp('another account')
  t.equal(endpoint.count, 2)
  endpoint.answer = fail(401)
  await t.rejects(provider.warmUp('a third'), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
})

t.test('hands the string of a token to bandwidth-sdk through a bound function', async (t) => {
  const endpoint = await startEndpoint(t)
  const { accessToken } = endpoint.provider(t)
  t.equal(await accessToken(), 'token-1')
})

t.test('tells its status without a secret', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const empty = {
    state: 'empty',
    expiresInMs: undefined,
    lastErrorCode: undefined,
    consecutiveFailures: 0,
    retryInMs: undefined
  }
  t.strictSame(provider.status(), empty)
  await provider.getToken()
  await endpoint.clock.advance(1_000)
  t.strictSame(provider.status(), { ...empty, state: 'fresh', expiresInMs: 599_000 })
  t.strictSame(provider.status('another account'), empty)
})

t.test('closes: aborts what runs, ends timers, refuses later calls', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const closed = { code: 'ERR_BANDWIDTH_TOKEN_CLOSED', statusCode: 503 }
  const pending: Promise<unknown>[] = [
    provider.getToken(),
    provider.getToken({ account: 'a' }),
    provider.warmUp('b')
  ]
  const rejections = pending.map((promise) => t.rejects(promise, closed))
  await endpoint.clock.settle()
  t.equal(endpoint.count, 3)
  const closing = provider.close()
  t.equal(provider.close(), closing, 'once for all')
  await Promise.all([closing, ...rejections])
  await t.rejects(provider.getToken(), closed)
  await t.rejects(provider.getToken({ account: 'a' }), closed)
  await t.rejects(provider.warmUp(), closed)
  await t.rejects(provider.accessToken(), closed)
  t.equal(provider.peek(), undefined)
  t.equal(provider.invalidate('id-1'), false)
  t.equal(provider.status().state, 'empty')
  t.equal(endpoint.clock.timers.size, 0)
})

t.test('forgets its tokens when it is closed', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  await provider[Symbol.asyncDispose]()
  await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  t.equal(provider.peek(), undefined)
  t.equal(endpoint.clock.timers.size, 0)
})

t.test('knows of no account once it is closed', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { credentials })
  endpoint.answer = fail(401)
  await provider.getToken({ account: 'probed' }).catch(() => {})
  endpoint.answer = grant()
  await provider.getToken({ account: 'degraded' })
  endpoint.answer = fail(503)
  await endpoint.untilRequest(4)
  await endpoint.clock.settle()
  endpoint.answer = fail(401)
  await provider.getToken({ account: 'cooling' }).catch(() => {})
  endpoint.answer = hang
  const probe = t.rejects(provider.getToken({ account: 'probed' }), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  await endpoint.clock.settle()
  const status = () => ['degraded', 'probed', 'cooling'].map((account) => provider.status(account))
  t.match(status(), [
    { state: 'degraded', consecutiveFailures: 1 },
    { state: 'empty', consecutiveFailures: 1 },
    { state: 'cooling', consecutiveFailures: 1 }
  ])
  await provider.close()
  await probe
  for (const known of status()) t.match(known, { state: 'empty', consecutiveFailures: 0 })
})

t.test('leaves no timer behind, whichever step an answer has come to when it is closed', async (t) => {
  // A stream would take longer steps.
  const body = {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from('{"access_token":"a"}')
    }
  } as Readable
  for (let steps = 0; steps < 50; steps++) {
    const clock = new VirtualClock()
    let answer = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    const provider = new TokenProvider({
      clientId: 'client',
      clientSecret: 'secret',
      clock,
      dispatcher: {
        async request() {
          await answered
          return { statusCode: 200, headers: {}, body }
        }
      }
    })
    const pending = provider.getToken().catch(({ code }) => t.equal(code, 'ERR_BANDWIDTH_TOKEN_CLOSED'))
    await turns(1)
    answer()
    for (let step = 0; step < steps; step++) await undefined
    await provider.close()
    await pending
    t.equal(clock.timers.size, 0, `after ${steps} steps`)
  }
})

t.test(
  'leaves no request behind, whichever step the credentials have come to when it is closed',
  async (t) => {
    for (let steps = 0; steps < 20; steps++) {
      const clock = new VirtualClock()
      const signals: AbortSignal[] = []
      let load = (_credentials: Credentials) => {}
      const loaded = new Promise<Credentials>((resolve) => {
        load = resolve
      })
      const provider = new TokenProvider({
        credentials: () => loaded,
        clock,
        dispatcher: {
          request({ signal }) {
            signals.push(signal)
            return new Promise(() => {})
          }
        }
      })
      const pending = provider.getToken().catch(({ code }) => t.equal(code, 'ERR_BANDWIDTH_TOKEN_CLOSED'))
      await turns(1)
      load({ clientId: 'client', clientSecret: 'secret' })
      for (let step = 0; step < steps; step++) await undefined
      await provider.close()
      await turns(1)
      t.ok(
        signals.every(({ aborted }) => aborted),
        `after ${steps} steps`
      )
      t.equal(clock.timers.size, 0)
      await pending
    }
  }
)

t.test('remembers nothing of an acquisition that ran out of time as it was closed', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const provider = endpoint.provider(t)
  const pending = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  await turns()
  const [deadline] = endpoint.clock.timers
  deadline?.callback()
  await provider.close()
  await pending
  t.equal(provider.status().consecutiveFailures, 0)
})

t.test('aborts a backoff when it is closed', async (t) => {
  const endpoint = await startEndpoint(t, fail(503, { 'Retry-After': '5' }))
  const provider = endpoint.provider(t)
  const pending = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  await endpoint.clock.settle()
  await provider.close()
  await pending
  t.equal(endpoint.count, 1)
})

t.test('raises no unhandled rejection when background refreshes fail', async (t) => {
  const unhandled = processEvents(t, 'unhandledRejection')
  const endpoint = await startEndpoint(t)
  const logger = recordingLogger()
  const provider = endpoint.provider(t, { logger })
  const accounts = Array.from({ length: 100 }, (_, index) => String(index))
  await Promise.all(accounts.map((account) => provider.getToken({ account })))
  endpoint.answer = ({ response }) => response.destroy()
  await endpoint.clock.advance(600_000)
  await turns()
  t.match(logger.warnings(), [{ fields: { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' } }])
  t.strictSame(unhandled, [])
})

t.test('notes at the level debug that a token came, and says nothing of it otherwise', async (t) => {
  const endpoint = await startEndpoint(t)
  const logger = recordingLogger()
  await endpoint.provider(t, { logger }).getToken({ account: 'ada' })
  t.match(logger.lines, [{ level: 'debug', fields: { account: 'ada', expiresIn: 600 } }])
  t.equal(logger.lines.length, 1)
})

t.test('warns of a failure with what is known of it', async (t) => {
  const endpoint = await startEndpoint(t, answerWith(401, { error: 'invalid_client' }))
  const logger = recordingLogger()
  const provider = endpoint.provider(t, { logger })
  await provider.getToken({ account: 'ada' }).catch(() => {})
  const fields = {
    account: 'ada',
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    attempts: 1,
    upstreamStatus: 401,
    oauthError: 'invalid_client',
    retryInMs: 60_000,
    endpoint: new URL(endpoint.tokenUrl).origin,
    network: 'global',
    hint: /^The endpoint refused the client id or the client secret/
  }
  t.match(logger.lines, [{ level: 'error', fields, message: 'No token could be obtained.' }])
  t.equal(logger.lines.length, 1)

  endpoint.answer = grant()
  await endpoint.clock.advance(60_000)
  await provider.getToken()
  endpoint.answer = fail(503)
  await endpoint.untilRequest(3)
  await endpoint.clock.settle()
  const { fields: known, message } = logger.lines.at(-1) as { fields: { retryInMs: number }; message: string }
  t.equal(message, 'The token could not be refreshed. Callers still get the cached one.')
  t.ok(Number.isInteger(known.retryInMs) && known.retryInMs >= 500 && known.retryInMs <= 1_000)
})

t.test('is closed without a word in the log', async (t) => {
  const endpoint = await startEndpoint(t, hang)
  const logger = recordingLogger()
  const provider = endpoint.provider(t, { logger })
  const pending = t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  await endpoint.clock.settle()
  await provider.close()
  await pending
  t.strictSame(logger.lines, [])
})

for (const [what, scream] of [
  [
    'throws',
    () => {
      throw new Error('disk full')
    }
  ],
  ['rejects', () => Promise.reject(new Error('disk full'))]
] as const) {
  t.test(`survives a logger that ${what}`, async (t) => {
    const unhandled = processEvents(t, 'unhandledRejection')
    const endpoint = await startEndpoint(t, fail(401))
    const provider = endpoint.provider(t, {
      logger: { debug: scream, info: scream, warn: scream, error: scream }
    })
    await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' })
    await setImmediate()
    t.strictSame(unhandled, [])
  })
}

t.test('lets a process with a warm provider end by itself', async (t) => {
  const endpoint = await startEndpoint(t)
  const source = `
    import { TokenProvider } from '@bandwidth-token/core'
    const provider = new TokenProvider({ clientId: 'a', clientSecret: 'b', tokenUrl: process.argv[1] })
    const token = await provider.getToken()
    process.stdout.write(String(token))
  `
  const child = spawnNode(['--input-type=module', '--eval', source, endpoint.tokenUrl], {
    cwd: new URL('../../', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let shown = ''
  child.stdout?.on('data', (chunk) => {
    shown += chunk
  })
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
  t.match(shown, /id-1/)
})
