import type { Test } from 'tap'
import {
  type AdapterOptions,
  credentialsOf,
  type Harness,
  isUncacheable,
  serve,
  stage
} from '../support/adapters-harness.js'
import { processEvents } from '../support/process-events.js'
import { recordingLogger } from '../support/recording-logger.js'

type Authorize = NonNullable<AdapterOptions['authorize']>

// With accounts Fastify does not warm up, so that every request to the endpoint is a caller's.
const account = () => ''

/** Headers that would let an answer be kept. */
const KEPT = { 'cache-control': 'public, max-age=60', pragma: 'cache', 'X-Content-Type-Options': 'none' }

/** What an `authorize` may throw to the harm of the headers. */
const HOSTILE: readonly (readonly [name: string, thrown: () => unknown])[] = [
  ['an error with headers', () => Object.assign(new Error('no'), { status: 401, headers: KEPT })],
  ['an object with headers', () => ({ status: 401, message: 'no', headers: KEPT })],
  [
    'an object with the headers of a token',
    () => ({ code: 'ERR_BANDWIDTH_TOKEN_X', status: 401, headers: KEPT })
  ],
  ['a frozen error', () => Object.freeze(Object.assign(new Error('no'), { status: 401, headers: KEPT }))],
  ['a code that throws when it is read', () => throwing('code')],
  ['headers that throw when they are read', () => throwing('headers')],
  ['a status that throws when it is read', () => throwing('status')],
  [
    'a proxy that throws at every touch',
    () => new Proxy({}, { get: toThrow, has: toThrow, getPrototypeOf: toThrow })
  ],
  [
    'a revoked proxy',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    }
  ],
  ['a function', () => () => {}]
]

function throwing(name: string): Error {
  return Object.defineProperty(new Error('no'), name, { get: toThrow })
}

function toThrow(): never {
  throw new Error('not to be read')
}

/** Sections 3.1 and 3.2: who gets a token, and in which order the questions are asked. */
export function authorization(t: Test, harness: Harness): void {
  for (const [name, authorize] of [
    ['true', () => true],
    ['a promise of true', async () => true]
  ] as const) {
    t.test(`gives a token where authorize returns ${name}`, async (t) => {
      const { get } = await stage(t, harness, { authorize })
      t.equal((await get()).status, 200)
    })
  }

  for (const [name, authorize] of [
    ['false', () => false],
    ['a promise of false', async () => false]
  ] as const) {
    t.test(`answers 403 where authorize returns ${name}, and says nothing about it in the log`, async (t) => {
      const logger = recordingLogger()
      const { get, requests } = await stage(t, harness, { authorize, logger, account })
      const { status, headers, json } = await get()
      t.equal(status, 403)
      t.equal(json.code, 'ERR_BANDWIDTH_TOKEN_FORBIDDEN')
      t.match(json.message, /^Sign in first/)
      t.equal(headers['cache-control'], 'no-store')
      t.equal(headers['pragma'], 'no-cache')
      t.equal(headers['x-content-type-options'], 'nosniff')
      t.equal(requests(), 0)
      t.strictSame(logger.warnings(), [])
    })
  }

  t.test('answers 403 where authorize returns what is no boolean, and warns once in total', async (t) => {
    const values = [1, 'true', {}, [], undefined, null, 0, () => true]
    const logger = recordingLogger()
    const authorize = (() => values.shift()) as unknown as Authorize
    const { get, requests } = await stage(t, harness, { authorize, logger, account })
    while (values.length > 0) {
      const name = typeof values[0]
      const { status, json } = await get()
      t.equal(status, 403, name)
      t.equal(json.code, 'ERR_BANDWIDTH_TOKEN_FORBIDDEN', name)
    }
    t.equal(requests(), 0)
    t.equal(logger.warnings().length, 1)
    t.match(logger.warnings()[0]?.message, /authorize/)
  })

  t.test('gives authorize the request', async (t) => {
    const { get } = await stage(t, harness, { authorize: ({ headers }) => headers['x-user'] === 'ada' })
    t.equal((await get('/bandwidth/token', { 'x-user': 'ada' })).status, 200)
    t.equal((await get('/bandwidth/token', { 'x-user': 'eve' })).status, 403)
  })

  const failure = () =>
    Object.assign(new Error('Who are you?'), { status: 401, statusCode: 401, code: 'APP' })
  for (const [name, authorize] of [
    [
      'throws',
      () => {
        throw failure()
      }
    ],
    ['rejects', () => Promise.reject(failure())]
  ] as [string, Authorize][]) {
    t.test(`hands what authorize ${name} to the app's error handler, not to be kept`, async (t) => {
      const { server, get, requests } = await stage(t, harness, { authorize, account })
      const answer = await get()
      t.equal(answer.status, 401)
      t.strictSame(answer.json, { code: 'APP', message: 'Who are you?' })
      t.equal(server.errors.length, 1)
      isUncacheable(t, harness, answer)
      t.equal(requests(), 0)
    })
  }

  for (const thrown of [undefined, null, 'route', 'router', 0, '']) {
    t.test(`answers an error where authorize throws ${JSON.stringify(thrown)}`, async (t) => {
      const authorize: Authorize = () => Promise.reject(thrown)
      const { get, requests } = await stage(t, harness, { authorize, account })
      const answer = await get()
      t.ok(answer.status >= 500, `status ${answer.status}`)
      isUncacheable(t, harness, answer)
      t.notMatch(answer.text, 'access_token')
      t.equal(requests(), 0)
    })
  }

  for (const [name, thrown] of HOSTILE) {
    for (const errorHandler of ['own', 'framework'] as const) {
      const by = errorHandler === 'own' ? "the app's" : "the framework's"
      t.test(`keeps no-store through ${by} error handler where authorize throws ${name}`, async (t) => {
        const unhandled = processEvents(t, 'unhandledRejection')
        const authorize: Authorize = () => Promise.reject(thrown())
        const { get, requests } = await stage(t, harness, { authorize, account }, { errorHandler })
        for (const method of ['GET', 'HEAD']) {
          const answer = await get('/bandwidth/token', {}, method)
          t.ok(answer.status >= 400, `status ${answer.status}`)
          isUncacheable(t, harness, answer)
        }
        t.equal(requests(), 0)
        t.strictSame(unhandled, [])
      })
    }
  }

  for (const [name, verdict] of [
    ['lets a request pass', async () => true],
    ['refuses one', async () => false],
    ['throws', () => Promise.reject(failure())]
  ] as [string, Authorize][]) {
    t.test(`adds nothing where authorize ${name} that the app has answered meanwhile`, async (t) => {
      const unhandled = processEvents(t, 'unhandledRejection')
      const uncaught = processEvents(t, 'uncaughtExceptionMonitor')
      let timeOut = () => {}
      let decided: Promise<unknown> = Promise.resolve()
      const { server, get } = await stage(
        t,
        harness,
        {
          authorize: (request) => {
            timeOut()
            const deciding = (async () => verdict(request))()
            decided = deciding.catch(() => {})
            return deciding
          }
        },
        {
          hook: (_request, answer) => {
            timeOut = () => answer(503, 'too late')
          }
        }
      )
      for (const _ of ['once', 'and again']) {
        const { status, headers, text } = await get()
        t.equal(status, 503)
        t.equal(text, 'too late')
        t.equal(headers['cache-control'], undefined)
        t.equal(headers['retry-after'], undefined)
        await decided
      }
      timeOut = () => {}
      t.equal((await get('/app/token')).status, 200)
      t.strictSame(server.errors, [])
      t.strictSame([...unhandled, ...uncaught], [])
    })
  }

  t.test('does not start without authorize, and says how to write one', async (t) => {
    const { emulator } = await stage(t, harness)
    const error = await serve(t, harness, [credentialsOf(emulator)]).catch((reason) => reason)
    t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
    t.match(error.message, /"authorize"/)
    t.match(error.message, /\(request\) => /)
  })

  t.test('does not start with an authorize that is no function', async (t) => {
    const { emulator } = await stage(t, harness)
    for (const authorize of [true, 'yes', {}, null]) {
      const options = { ...credentialsOf(emulator), authorize }
      await t.rejects(serve(t, harness, [options]), { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' })
    }
  })

  t.test("asks the app's hooks, authorize, account and the token endpoint, in this order", async (t) => {
    const order: string[] = []
    const { get } = await stage(
      t,
      harness,
      (emulator) => [
        {
          tokenUrl: emulator.tokenUrl,
          credentials: (account: string) => {
            order.push(`token of ${account}`)
            return emulator
          },
          authorize: async () => {
            await new Promise(setImmediate)
            order.push('authorize')
            return true
          },
          account: () => {
            order.push('account')
            return 'acme'
          }
        }
      ],
      { hook: () => void order.push('hook') }
    )
    t.equal((await get()).status, 200)
    t.strictSame(order, ['hook', 'authorize', 'account', 'token of acme'])
  })

  t.test('asks no later question once an earlier one was answered by no', async (t) => {
    const order: string[] = []
    let allow = false
    const { get } = await stage(
      t,
      harness,
      (emulator) => [
        {
          ...credentialsOf(emulator),
          authorize: () => {
            order.push('authorize')
            return allow
          },
          account: () => {
            order.push('account')
            throw new Error('no account')
          }
        }
      ],
      {
        hook: ({ headers }) => {
          if (headers['x-stop'] !== undefined) throw Object.assign(new Error('stop'), { status: 418 })
        }
      }
    )
    t.equal((await get('/bandwidth/token', { 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal((await get('/bandwidth/token', { 'x-stop': '1' })).status, 418)
    t.strictSame(order, [], 'neither a foreign page nor what a hook stopped gets to authorize')
    t.equal((await get()).status, 403)
    t.strictSame(order, ['authorize'])
    allow = true
    t.equal((await get()).status, 500)
    t.strictSame(order, ['authorize', 'authorize', 'account'])
  })
}
