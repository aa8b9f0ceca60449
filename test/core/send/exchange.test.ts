import { EventEmitter } from 'node:events'
import { bandwidthAuth } from '@bandwidth-token/core'
import t from 'tap'
import { until } from '../../support/outcomes.js'

const ORIGIN = 'https://voice.bandwidth.com'

type Provider = Parameters<typeof bandwidthAuth>[0]
interface Handler {
  onConnect(abort: (reason?: unknown) => void): void
  onHeaders(statusCode: number, headers: unknown[], resume: () => void, text: string): boolean
  onComplete(trailers: unknown[]): void
  onError(error: unknown): void
}
type Dispatch = (options: { body?: EventEmitter }, handler: Handler) => boolean

/** Tokens `token-1` and so on, and what the provider was asked for. */
function countingProvider() {
  const asked: unknown[] = []
  const provider: Provider = {
    getToken: async (options) => ({ accessToken: `token-${asked.push(options)}` })
  }
  return { provider, asked }
}

/** Sends a request through a dispatcher of one's own, and hears what its caller hears. */
function setStage(dispatch: Dispatch, { provider = countingProvider().provider, account = {} } = {}) {
  const heard: unknown[] = []
  let abort: (reason?: unknown) => void = () => {}
  const handler: Handler = {
    onConnect: (abortNow) => {
      abort = abortNow
    },
    onHeaders: (statusCode) => {
      heard.push(statusCode)
      return true
    },
    onComplete: () => void heard.push('end'),
    onError: (error) => void heard.push(error)
  }
  const authorized = bandwidthAuth(provider, { origins: [ORIGIN], ...account })(dispatch as never) as Dispatch
  const send = (options = {}) =>
    authorized({ origin: ORIGIN, path: '/', method: 'GET', ...options } as never, handler)
  return { send, heard, abort: (reason?: unknown) => abort(reason) }
}

const answer = (handler: Handler, statusCode: number) => {
  handler.onConnect(() => {})
  handler.onHeaders(statusCode, [], () => {}, '')
  handler.onComplete([])
  return true
}

t.test('sends no token where undici sends every request to another place', async (t) => {
  for (const boundTo of [
    null,
    'https://other.example',
    'nowhere',
    new URL(ORIGIN),
    [ORIGIN],
    Object.create(null)
  ]) {
    const { provider, asked } = countingProvider()
    const given: unknown[] = []
    const dispatch = (options: unknown) => given.push(options) > 0
    const interceptor = bandwidthAuth(provider, { origins: [ORIGIN] }) as unknown as (
      ...args: unknown[]
    ) => Dispatch
    const options = { origin: ORIGIN, path: '/', method: 'GET' }
    t.equal(interceptor(dispatch, boundTo)(options as never, {} as never), true)
    t.equal(given[0], options, 'as it is')
    t.strictSame(asked, [])
  }
})

t.test('sends a token where undici sends every request to the listed origin', async (t) => {
  const { provider, asked } = countingProvider()
  let isSent = false
  const dispatch = () => {
    isSent = true
    return true
  }
  const interceptor = bandwidthAuth(provider, { origins: [ORIGIN] }) as unknown as (
    ...args: unknown[]
  ) => Dispatch
  interceptor(dispatch, ORIGIN)({ origin: ORIGIN, path: '/', method: 'GET' } as never, {} as never)
  await until(() => isSent)
  t.equal(asked.length, 1)
})

t.test('takes a request, as a dispatcher does that has room for more', async (t) => {
  const { send, heard } = setStage((_options, handler) => answer(handler, 200))
  t.equal(send(), true)
  await until(() => heard.length === 2)
  t.strictSame(heard, [200, 'end'])
})

t.test('asks the provider for no more than it was told', async (t) => {
  for (const [account, first] of [
    [{}, []],
    [{ account: 'acme' }, ['account']]
  ] as const) {
    const { provider, asked } = countingProvider()
    let requests = 0
    const { send, heard } = setStage((_options, handler) => answer(handler, requests++ === 0 ? 401 : 200), {
      provider,
      account
    })
    send()
    await until(() => heard.length === 2)
    t.strictSame(
      asked.map((options) => Object.keys(options ?? {})),
      [first, [...first, 'rejected']]
    )
    t.match(asked[1], { rejected: { accessToken: 'token-1' } })
    if (first.length === 0) t.equal(asked[0], undefined, 'which is the hot path')
  }
})

t.test('watches a body only until it is sent', async (t) => {
  const body = new EventEmitter()
  const listeners: number[] = []
  const { send, heard } = setStage((options, handler) => {
    listeners.push(Number(options.body?.listenerCount('error')))
    return answer(handler, 200)
  })
  send({ body })
  t.equal(body.listenerCount('error'), 1)
  await until(() => heard.length === 2)
  t.strictSame(listeners, [0])
})

t.test('fails with an AbortError if its caller aborts it without a reason', async (t) => {
  const { send, heard, abort } = setStage(() => t.fail('is not sent'))
  send()
  abort()
  t.match(heard, [{ name: 'AbortError', message: 'This operation was aborted' }])
  t.ok(heard[0] instanceof DOMException)
})

t.test('tells its caller of one end if the dispatcher throws after it', async (t) => {
  let hasThrown = false
  const { send, heard } = setStage((_options, handler) => {
    answer(handler, 200)
    hasThrown = true
    throw new Error('late')
  })
  send()
  await until(() => hasThrown)
  await new Promise(setImmediate)
  t.strictSame(heard, [200, 'end'])
})

t.test('passes on the 401 to the second token at once', async (t) => {
  const statuses: number[] = []
  const { provider, asked } = countingProvider()
  const { send, heard } = setStage((_options, handler) => answer(handler, statuses.push(401) && 401), {
    provider
  })
  send()
  await until(() => heard.length === 2)
  t.strictSame(heard, [401, 'end'])
  t.equal(statuses.length, 2)
  t.equal(asked.length, 2)
})
