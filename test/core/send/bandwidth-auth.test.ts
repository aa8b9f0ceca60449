import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { bandwidthAuth } from '@bandwidth-token/core'
import { testProvider } from '@bandwidth-token/core/testing'
import t from 'tap'
import { answerWith, fail, hang, startEndpoint } from '../../support/endpoint.js'
import { rejection, until } from '../../support/outcomes.js'
import { processEvents } from '../../support/process-events.js'
import { refuse, setStage } from './stage.js'
import { versions } from './undici.js'

/** Old enough that a rejected token is replaced (rule 9). */
const OLD_MS = 6_000

for (const [name, undici] of versions) {
  t.test(name, async (t) => {
    t.test('sends a token to a listed origin, and to no other', async (t) => {
      const { tokens, api, dispatcher, sent } = await setStage(t, undici)
      const other = await startEndpoint(t, answerWith(200))
      for (const origin of [api.origin, new URL(api.origin), `${api.origin}/`]) {
        const { statusCode, body } = await dispatcher.request({ origin, path: '/a?b=c', method: 'GET' })
        t.equal(statusCode, 200)
        t.equal(await body.text(), 'well')
      }
      await (await dispatcher.request({ origin: other.origin, path: '/', method: 'GET' })).body.dump()
      t.strictSame(sent(), ['Bearer token-1', 'Bearer token-1', 'Bearer token-1'])
      t.equal(other.requests[0]?.headers.authorization, undefined)
      t.equal(tokens.count, 1)
    })

    t.test('asks for no token until a listed origin needs one', async (t) => {
      const { tokens, dispatcher } = await setStage(t, undici)
      const other = await startEndpoint(t, answerWith(200))
      await (await dispatcher.request({ origin: other.origin, path: '/', method: 'GET' })).body.dump()
      t.equal(tokens.count, 0)
    })

    for (const [kind, body] of [
      ['no body', undefined],
      ['a string', 'again'],
      ['a Buffer', Buffer.from('again')],
      ['a view of a buffer', new TextEncoder().encode('again')],
      ['a Blob', new Blob(['again'])]
    ] as const) {
      t.test(`sends a request with ${kind} once more, with another token, after a 401`, async (t) => {
        const { tokens, api, dispatcher, sent, provider } = await setStage(t, undici)
        api.answer = refuse('token-1')
        await provider.warmUp()
        await tokens.clock.advance(OLD_MS)
        const method = body === undefined ? 'GET' : 'POST'
        const response = await dispatcher.request({
          origin: api.origin,
          path: '/',
          method,
          body: body as string
        })
        t.equal(response.statusCode, 200)
        t.equal(response.headers['www-authenticate'], undefined)
        t.equal(await response.body.text(), 'well')
        t.strictSame(sent(), ['Bearer token-1', 'Bearer token-2'])
        t.strictSame(
          api.requests.map((request) => request.body),
          body === undefined ? ['', ''] : ['again', 'again']
        )
      })
    }

    t.test('passes on a 401 as it is if there is no other token', async (t) => {
      const { tokens, api, dispatcher, sent } = await setStage(t, undici)
      api.answer = refuse('token-1')
      // The token is less than 5 s old: the provider keeps it.
      const response = await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })
      t.equal(response.statusCode, 401)
      t.equal(response.headers['www-authenticate'], 'Bearer')
      t.equal(await response.body.text(), 'refused')
      t.strictSame(sent(), ['Bearer token-1'])
      t.equal(tokens.count, 1)
    })

    t.test('passes on a 401 as it is if the provider fails', async (t) => {
      const { tokens, api, dispatcher, sent, provider } = await setStage(t, undici)
      api.answer = refuse('token-1')
      await provider.warmUp()
      await tokens.clock.advance(OLD_MS)
      tokens.answer = fail(401)
      const response = await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })
      t.equal(response.statusCode, 401)
      t.equal(await response.body.text(), 'refused')
      t.strictSame(sent(), ['Bearer token-1'])
      t.equal(tokens.count, 2)
    })

    t.test('passes on the 401 to the second token', async (t) => {
      const { tokens, api, dispatcher, sent, provider } = await setStage(t, undici)
      api.answer = refuse('token-1', 'token-2')
      await provider.warmUp()
      await tokens.clock.advance(OLD_MS)
      const response = await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })
      t.equal(response.statusCode, 401)
      t.equal(await response.body.text(), 'refused')
      t.strictSame(sent(), ['Bearer token-1', 'Bearer token-2'])
      t.equal(tokens.count, 2)
    })

    for (const [kind, makeBody] of [
      ['a stream', () => Readable.from(['once'])],
      [
        'an iterator',
        async function* () {
          yield Buffer.from('once')
        }
      ]
    ] as const) {
      t.test(`passes on the 401 of ${kind}, and has another token for the next request`, async (t) => {
        const { tokens, api, dispatcher, sent, provider } = await setStage(t, undici)
        api.answer = refuse('token-1')
        await provider.warmUp()
        await tokens.clock.advance(OLD_MS)
        const post = () =>
          dispatcher.request({
            origin: api.origin,
            path: '/',
            method: 'POST',
            body: makeBody() as unknown as Readable
          })
        const refused = await post()
        t.equal(refused.statusCode, 401)
        t.equal(await refused.body.text(), 'refused')
        await until(() => provider.peek()?.accessToken === 'token-2')
        const accepted = await post()
        t.equal(accepted.statusCode, 200)
        await accepted.body.dump()
        t.strictSame(sent(), ['Bearer token-1', 'Bearer token-2'])
        t.strictSame(
          api.requests.map(({ body }) => body),
          ['once', 'once']
        )
      })
    }

    t.test('asks for one other token for fifty requests that were refused', async (t) => {
      const { tokens, api, dispatcher, sent, provider } = await setStage(t, undici)
      api.answer = refuse('token-1')
      await provider.warmUp()
      await tokens.clock.advance(OLD_MS)
      const responses = await Promise.all(
        Array.from({ length: 50 }, () => dispatcher.request({ origin: api.origin, path: '/', method: 'GET' }))
      )
      for (const { statusCode, body } of responses) {
        t.equal(statusCode, 200)
        await body.dump()
      }
      t.equal(tokens.count, 2)
      t.equal(sent().filter((authorization) => authorization === 'Bearer token-2').length, 50)
    })

    for (const [fate, ageMs] of [
      ['passes on', 0],
      ['drops', OLD_MS]
    ] as const) {
      t.test(`${fate} a 401 with a megabyte`, async (t) => {
        const { tokens, api, dispatcher, provider } = await setStage(t, undici)
        const text = 'x'.repeat(2 ** 20)
        api.answer = (exchange) =>
          answerWith(exchange.request.headers.authorization === 'Bearer token-1' ? 401 : 200, text)(exchange)
        await provider.warmUp()
        await tokens.clock.advance(ageMs)
        const response = await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })
        t.equal(response.statusCode, ageMs === 0 ? 401 : 200)
        t.equal((await response.body.text()).length, text.length)
        t.equal(api.count, ageMs === 0 ? 1 : 2)
      })

      t.test(`${fate} the 401 of a HEAD`, async (t) => {
        const { tokens, api, dispatcher, provider } = await setStage(t, undici)
        api.answer = refuse('token-1')
        await provider.warmUp()
        await tokens.clock.advance(ageMs)
        const { statusCode, body } = await dispatcher.request({
          origin: api.origin,
          path: '/',
          method: 'HEAD'
        })
        t.equal(statusCode, ageMs === 0 ? 401 : 200)
        t.equal(await body.text(), '')
      })

      t.test(`${fate} a 401 that breaks off`, async (t) => {
        const { tokens, api, dispatcher, provider } = await setStage(t, undici)
        api.answer = (exchange) => {
          if (exchange.request.headers.authorization !== 'Bearer token-1') return answerWith(200)(exchange)
          exchange.response.writeHead(401, { 'Content-Length': 100 }).write('begun')
          setImmediate(() => exchange.socket.destroy())
          return undefined
        }
        await provider.warmUp()
        await tokens.clock.advance(ageMs)
        const { statusCode, body } = await dispatcher.request({
          origin: api.origin,
          path: '/',
          method: 'GET'
        })
        t.equal(statusCode, ageMs === 0 ? 401 : 200)
        if (ageMs === 0) await t.rejects(body.text())
        else t.equal(await body.text(), '')
      })
    }

    t.test('does not wait for the end of a 401 that it drops', async (t) => {
      const { tokens, api, dispatcher, provider } = await setStage(t, undici)
      api.answer = (exchange) => {
        if (exchange.request.headers.authorization !== 'Bearer token-1') return answerWith(200)(exchange)
        exchange.response.writeHead(401).write('and so on')
        return undefined
      }
      await provider.warmUp()
      await tokens.clock.advance(OLD_MS)
      const { statusCode } = await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })
      t.equal(statusCode, 200)
    })

    for (const [order, compose] of [
      ['around it', (auth, redirect) => [auth, redirect]],
      ['inside it', (auth, redirect) => [redirect, auth]]
    ] as [string, <T>(auth: T, redirect: T) => T[]][]) {
      t.test(
        `sends no token to another origin after a redirect, with the interceptor ${order}`,
        async (t) => {
          const { api, provider } = await setStage(t, undici)
          const other = await startEndpoint(t, answerWith(200, 'other'))
          api.answer = answerWith(307, '', { Location: `${other.origin}/caught` })
          const agent = new undici.Agent()
          t.teardown(() => agent.destroy())
          const dispatcher = agent.compose(
            ...compose(
              bandwidthAuth(provider, { origins: [api.origin] }),
              undici.interceptors.redirect({ maxRedirections: 3 })
            )
          )
          for (const headers of [
            undefined,
            { accept: 'text/plain' },
            ['accept', 'text/plain'],
            new Map([['accept', 'text/plain']])
          ]) {
            const { statusCode, body } = await dispatcher.request({
              origin: api.origin,
              path: '/',
              method: 'GET',
              headers: headers as string[]
            })
            t.equal(statusCode, 200)
            t.equal(await body.text(), 'other')
          }
          t.equal(api.requests[0]?.headers.authorization, 'Bearer token-1')
          t.equal(other.count, 4)
          for (const { headers } of other.requests) t.equal(headers.authorization, undefined)
        }
      )
    }

    t.test('sends a token to a listed origin to which another one redirects', async (t) => {
      const { api, dispatcher, sent } = await setStage(t, undici, {
        before: [undici.interceptors.redirect({ maxRedirections: 3 })]
      })
      const other = await startEndpoint(t, answerWith(307, '', { Location: `${api.origin}/here` }))
      const { statusCode, body } = await dispatcher.request({
        origin: other.origin,
        path: '/',
        method: 'GET'
      })
      t.equal(statusCode, 200)
      await body.dump()
      t.equal(other.requests[0]?.headers.authorization, undefined)
      t.strictSame(sent(), ['Bearer token-1'])
    })

    t.test('sends no token with a path that is a URL of its own', async (t) => {
      const { api, dispatcher, sent } = await setStage(t, undici)
      const path = 'http://other.example/'
      await (await dispatcher.request({ origin: api.origin, path, method: 'GET' })).body.dump()
      t.strictSame(sent(), [undefined])
    })

    t.test('takes the account of its options', async (t) => {
      const provider = testProvider()
      const api = await startEndpoint(t, answerWith(200))
      const agent = new undici.Agent()
      t.teardown(() => agent.destroy())
      const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [api.origin], account: 'acme' }))
      await (await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })).body.dump()
      t.strictSame(provider.calls, [{ account: 'acme' }])
    })

    t.test("rejects with the provider's error, and sends nothing", async (t) => {
      const { tokens, api, dispatcher } = await setStage(t, undici)
      tokens.answer = fail(401)
      const options = { origin: api.origin, path: '/', method: 'GET' } as const
      const code = 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
      await t.rejects(dispatcher.request(options), { code, statusCode: 502 })
      await t.rejects(
        dispatcher.stream(options, () => process.stdout),
        { code }
      )
      const pipeline = dispatcher.pipeline(options, ({ body }) => body)
      const [error] = await once(pipeline.end(), 'error')
      t.match(error, { code })
      const body = Readable.from(['never read'])
      await t.rejects(dispatcher.request({ ...options, method: 'POST', body }), { code })
      t.ok(body.destroyed)
      t.equal(api.count, 0)
    })

    for (const rejectedWith of [undefined, null, '', 0]) {
      t.test(`rejects if the provider rejects with ${JSON.stringify(rejectedWith)}`, async (t) => {
        const api = await startEndpoint(t, answerWith(200))
        const agent = new undici.Agent()
        t.teardown(() => agent.destroy())
        const provider = { getToken: () => Promise.reject(rejectedWith) }
        const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [api.origin] }))
        t.type(await rejection(dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })), Error)
        t.equal(api.count, 0)
      })
    }

    for (const token of [undefined, null, {}, { accessToken: 5 }]) {
      t.test(`rejects if the provider resolves to ${JSON.stringify(token)}`, async (t) => {
        const api = await startEndpoint(t, answerWith(200))
        const agent = new undici.Agent()
        t.teardown(() => agent.destroy())
        const provider = { getToken: async () => token as { accessToken: string } }
        const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [api.origin] }))
        await t.rejects(dispatcher.request({ origin: api.origin, path: '/', method: 'GET' }), {
          code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
          message: /"provider"/
        })
        t.equal(api.count, 0)
      })
    }

    t.test('passes on what undici says about a request that it cannot send', async (t) => {
      const unhandled = processEvents(t, 'unhandledRejection')
      const { api, dispatcher } = await setStage(t, undici)
      const options = { origin: api.origin, path: '/', method: 'GET' } as const
      for (const headers of ['accept', new Set([1]), ['accept'], { 'bad name': 'x' }, new Set(['ab'])]) {
        await t.rejects(
          dispatcher.request({ ...options, headers: headers as string[] }),
          { code: 'UND_ERR_INVALID_ARG' },
          String(headers)
        )
      }
      for (const change of [{ path: 5 }, { origin: 'nowhere' }]) {
        await t.rejects(dispatcher.request({ ...options, ...change } as never), {
          code: /UND_ERR_INVALID_ARG|ERR_INVALID_URL/
        })
      }
      await t.rejects(dispatcher.request({ ...options, body: 5 as unknown as string, method: 'POST' }), {
        code: 'UND_ERR_INVALID_ARG'
      })
      api.stop()
      const error = await rejection(dispatcher.request(options))
      t.match(error, { code: /ECONNREFUSED|UND_ERR_SOCKET/ })
      t.notMatch(JSON.stringify(error), 'token-1')
      await dispatcher.destroy()
      await t.rejects(dispatcher.request(options), { code: 'UND_ERR_DESTROYED' })
      t.strictSame(unhandled, [])
    })

    t.test('upgrades a connection with a token', async (t) => {
      const { provider } = await setStage(t, undici)
      const server = createServer().listen(0, '127.0.0.1')
      t.teardown(() => server.close())
      await once(server, 'listening')
      const sent: unknown[] = []
      server.on('upgrade', ({ headers }, socket) => {
        sent.push(headers.authorization)
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
      })
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const agent = new undici.Agent()
      t.teardown(() => agent.destroy())
      const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [origin] }))
      const { socket } = await dispatcher.upgrade({ origin, path: '/', protocol: 'echo' } as never)
      socket.destroy()
      t.strictSame(sent, ['Bearer token-1'])
    })

    t.test('lets the caller abort while it waits for a token', async (t) => {
      const { tokens, api, dispatcher, provider } = await setStage(t, undici)
      tokens.answer = tokens.held()
      const controller = new AbortController()
      const aborted = dispatcher.request({
        origin: api.origin,
        path: '/',
        method: 'POST',
        body: Readable.from(['never read']),
        signal: controller.signal
      })
      const reason = new Error('enough')
      await until(() => tokens.count === 1)
      controller.abort(reason)
      t.equal(await rejection(aborted), reason)
      await tokens.release()
      t.equal((await provider.getToken()).accessToken, 'token-1', 'the others get theirs')
      t.equal(api.count, 0)
    })

    t.test('lets the caller abort while it waits for another token', async (t) => {
      const { tokens, api, dispatcher, provider, sent } = await setStage(t, undici)
      api.answer = refuse('token-1')
      await provider.warmUp()
      await tokens.clock.advance(OLD_MS)
      tokens.answer = tokens.held()
      const controller = new AbortController()
      const { signal } = controller
      const aborted = dispatcher.request({ origin: api.origin, path: '/', method: 'GET', signal })
      await until(() => tokens.count === 2)
      const reason = new Error('enough')
      controller.abort(reason)
      t.equal(await rejection(aborted), reason)
      await tokens.release()
      t.strictSame(sent(), ['Bearer token-1'])
    })

    t.test('lets the caller abort before, during and after the response', async (t) => {
      const { api, dispatcher } = await setStage(t, undici)
      const options = { origin: api.origin, path: '/', method: 'GET' } as const
      const reason = new Error('enough')
      t.equal(await rejection(dispatcher.request({ ...options, signal: AbortSignal.abort(reason) })), reason)
      t.equal(api.count, 0)

      api.answer = hang
      const before = new AbortController()
      const hung = dispatcher.request({ ...options, signal: before.signal })
      await until(() => api.count === 1)
      before.abort(reason)
      t.equal(await rejection(hung), reason)

      api.answer = ({ response }) => void response.writeHead(200).write('and so on')
      const during = new AbortController()
      const { body } = await dispatcher.request({ ...options, signal: during.signal })
      during.abort(reason)
      t.equal(await rejection(body.text()), reason)

      api.answer = answerWith(200, 'well')
      const after = new AbortController()
      const response = await dispatcher.request({ ...options, signal: after.signal })
      t.equal(await response.body.text(), 'well')
      after.abort(reason)
    })

    t.test('lets the caller abort a request that waits for a connection', async (t) => {
      const { api, provider } = await setStage(t, undici)
      api.answer = hang
      const agent = new undici.Agent({ connections: 1 })
      t.teardown(() => agent.destroy())
      const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [api.origin] }))
      const options = { origin: api.origin, path: '/', method: 'GET' } as const
      const first = new AbortController()
      const hung = dispatcher.request({ ...options, signal: first.signal })
      await until(() => api.count === 1)
      const controller = new AbortController()
      const queued = dispatcher.request({ ...options, signal: controller.signal })
      await provider.getToken()
      const reason = new Error('enough')
      setImmediate(() => controller.abort(reason))
      t.equal(await rejection(queued), reason)
      first.abort(reason)
      await t.rejects(hung)
      api.answer = answerWith(200, 'well')
      const { body } = await dispatcher.request(options)
      t.equal(await body.text(), 'well')
      t.equal(api.count, 2, 'what was aborted is not sent')
    })

    t.test('rejects with the error of a body that fails while it waits for a token', async (t) => {
      const uncaught = processEvents(t, 'uncaughtExceptionMonitor')
      const { tokens, api, dispatcher } = await setStage(t, undici)
      tokens.answer = tokens.held()
      const body = new Readable({ read() {} })
      const failed = new Promise((resolve) => {
        // Below `request()`, which has a listener of its own.
        const handler = {
          onConnect() {},
          onHeaders: () => true,
          onData: () => true,
          onComplete() {},
          onError: resolve,
          ...(name !== 'undici6' && {
            onRequestStart() {},
            onResponseError: (_controller: unknown, error: Error) => resolve(error)
          })
        }
        dispatcher.dispatch({ origin: api.origin, path: '/', method: 'POST', body }, handler)
      })
      await until(() => tokens.count === 1)
      const error = new Error('no such file')
      body.destroy(error)
      t.equal(await failed, error)
      await tokens.release()
      t.equal(api.count, 0)
      t.strictSame(uncaught, [])
    })

    for (const when of ['complete', 'still being sent']) {
      t.test(`lets a handler abort a 401 that was held back and is ${when}`, async (t) => {
        const { api, dispatcher } = await setStage(t, undici)
        api.answer =
          when === 'complete'
            ? refuse('token-1')
            : ({ response }) => void response.writeHead(401).write('and so on')
        const reason = new Error('enough')
        const heard: unknown[] = []
        await new Promise<void>((resolve) => {
          let abort: (reason: Error) => void = () => {}
          const failed = (error: Error) => {
            heard.push(error)
            resolve()
          }
          const begin = (abortNow: (reason: Error) => void) => {
            abort = abortNow
          }
          const refused = () => {
            abort(reason)
            return true
          }
          const more = () => {
            heard.push('more')
            return true
          }
          const handler = {
            onConnect: begin,
            onHeaders: refused,
            onData: more,
            onComplete: more,
            onError: failed,
            ...(name !== 'undici6' && {
              onRequestStart: (controller: { abort(reason: Error): void }) =>
                begin((reason) => controller.abort(reason)),
              onResponseStart: refused,
              onResponseData: more,
              onResponseEnd: more,
              onResponseError: (_controller: unknown, error: Error) => failed(error)
            })
          }
          dispatcher.dispatch({ origin: api.origin, path: '/', method: 'GET' }, handler)
        })
        t.strictSame(heard, [reason])
      })
    }

    for (const [what, answer] of [
      ['an answer', answerWith(200, 'well')],
      ['a 401 that was held back', refuse('token-1')]
    ] as const) {
      t.test(`a handler that aborts at the end of ${what} hears of one end`, async (t) => {
        const { api, dispatcher } = await setStage(t, undici)
        api.answer = answer
        const heard: string[] = []
        await new Promise<void>((resolve) => {
          let abort = () => {}
          const end = () => {
            heard.push('end')
            abort()
            setImmediate(resolve)
          }
          const failed = () => void heard.push('error')
          const handler = {
            onConnect: (abortNow: () => void) => {
              abort = abortNow
            },
            onHeaders: () => true,
            onData: () => true,
            onComplete: end,
            onError: failed,
            ...(name !== 'undici6' && {
              onRequestStart: (controller: { abort(reason: Error): void }) => {
                abort = () => controller.abort(new Error('enough'))
              },
              onResponseEnd: end,
              onResponseError: failed
            })
          }
          dispatcher.dispatch({ origin: api.origin, path: '/', method: 'GET' }, handler)
        })
        t.strictSame(heard, ['end'])
      })
    }

    t.test('gives a handler that throws its own error', async (t) => {
      const unhandled = processEvents(t, 'unhandledRejection')
      for (const ageMs of [0, OLD_MS]) {
        const { tokens, api, dispatcher, provider } = await setStage(t, undici)
        api.answer = refuse('token-1')
        await provider.warmUp()
        await tokens.clock.advance(ageMs)
        const thrown = new Error('of the handler')
        const toThrow = () => {
          throw thrown
        }
        const failed = new Promise((resolve) => {
          const handler = {
            onConnect() {},
            onHeaders: toThrow,
            onData: () => true,
            onComplete() {},
            onError: resolve,
            ...(name !== 'undici6' && {
              onRequestStart() {},
              onResponseStart: toThrow,
              onResponseError: (_controller: unknown, error: Error) => resolve(error)
            })
          }
          dispatcher.dispatch({ origin: api.origin, path: '/', method: 'GET' }, handler)
        })
        t.equal(await failed, thrown)
      }
      t.strictSame(unhandled, [])
    })
  })
}
