import { createTokenSource, type TokenSourceError, type TokenSourceEvent } from '@bandwidth-token/browser'
import t from 'tap'
import { type Answer, answerRaw, answerWith, grant, startEndpoint } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { processEvents } from '../support/process-events.js'
import { stage } from './page.js'

type ErrorEvent = Extract<TokenSourceEvent, { type: 'error' }>

const secret = 'eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl'
const fields = { access_token: secret, access_token_id: 'id', token_type: 'Bearer', expires_in: 600 }
const html = { 'content-type': 'text/html' }
const half: Answer = ({ response }) => {
  response.writeHead(200, { 'content-length': 500 }).write(JSON.stringify(fields).slice(0, 90))
  setImmediate(() => response.destroy())
}

const unusable: Record<string, Answer> = {
  'a page of HTML': answerWith(200, `<html>${secret}`, html),
  'half of its JSON': answerWith(200, JSON.stringify(fields).slice(0, 90)),
  'half of its JSON, and is gone': half,
  'nothing at all': answerWith(200, ''),
  'a status without a body': answerWith(204),
  'a redirect to another origin': answerWith(302, fields, { location: 'http://127.0.0.1:9/sign-in' }),
  'a redirect without a target': answerWith(303, fields),
  'a page that is not found': answerWith(404, fields, html),
  'a bad request': answerWith(400, fields),
  'plain text': answerWith(200, secret, { 'content-type': 'text/plain' }),
  'an image': answerWith(200, '\u0089PNG\r\n', { 'content-type': 'image/png' }),
  'a JSON string': answerWith(200, JSON.stringify(secret)),
  'JSON null': answerWith(200, 'null'),
  'a JSON array': answerWith(200, JSON.stringify([fields])),
  'no token': answerWith(200, { ...fields, access_token: undefined }),
  'a token that is null': answerWith(200, { ...fields, access_token: null }),
  'a token that is a number': answerWith(200, { ...fields, access_token: 5 }),
  'a token that is a list': answerWith(200, { ...fields, access_token: [secret] }),
  'an empty token': answerWith(200, { ...fields, access_token: '' }),
  'a token with a line break': answerWith(200, { ...fields, access_token: `${secret}\r\nX-Evil: 1` }),
  'a token that ends in a line break': answerWith(200, { ...fields, access_token: `${secret}\n` }),
  'a token with a space': answerWith(200, { ...fields, access_token: `${secret} x` }),
  'a token of another type': answerWith(200, { ...fields, token_type: 'DPoP' }),
  'an expired token': answerWith(200, { ...fields, expires_in: 0 }),
  'a token that expired a while ago': answerWith(200, { ...fields, expires_in: -5 }),
  'a token without a lifetime': answerWith(200, { ...fields, expires_in: undefined }),
  'a lifetime that is null': answerWith(200, { ...fields, expires_in: null }),
  'a lifetime that is no number': answerWith(200, { ...fields, expires_in: 'soon' }),
  'a lifetime that is an object': answerWith(200, { ...fields, expires_in: {} })
}

for (const [what, answer] of Object.entries(unusable)) {
  t.test(`a route that answers ${what} is an error that names it, and no loop`, async (t) => {
    const { page, route, source, events } = await stage(t, answer)
    const error = await rejection(source.getToken())
    t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID')
    t.match(error.message, route.tokenUrl)
    t.notMatch(JSON.stringify([error, error.message, error.stack]), secret)
    t.equal(error.cause, undefined)
    t.equal(events.length, 1)
    const { code, message, status } = (events[0] as ErrorEvent).error
    t.match(error, { code, message, status })
    await page.advance(60_000, 500)
    t.ok(route.requests.length <= 8, `${route.requests.length} requests in a minute`)
    t.equal(events.length, route.requests.length)
  })
}

for (const [status, code] of [
  [401, 'FORBIDDEN'],
  [403, 'FORBIDDEN'],
  [408, 'UNAVAILABLE'],
  [429, 'UNAVAILABLE'],
  [500, 'UNAVAILABLE'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'UNAVAILABLE'],
  [418, 'RESPONSE_INVALID'],
  [409, 'RESPONSE_INVALID']
] as const) {
  t.test(`a route that answers ${status} is ${code}`, async (t) => {
    const { route, source } = await stage(t, answerWith(status, fields))
    const error = await rejection(source.getToken())
    t.match(error, { code: `ERR_BANDWIDTH_TOKEN_${code}`, status })
    t.match(error.message, `${route.tokenUrl}: ${status}`)
    t.notMatch(JSON.stringify([error, error.message, error.stack]), secret)
  })
}

t.test('a redirect that a browser does not let the page see is an error by its type', async (t) => {
  for (const type of ['opaqueredirect', 'opaque', 'error']) {
    const response = Object.defineProperty(Response.error(), 'type', { value: type })
    const source = createTokenSource({ fetch: async () => response })
    t.match(await rejection(source.getToken()), {
      code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
      status: 0,
      message: `/bandwidth/token: ${type}. Check "url"`
    })
    source.close()
  }
})

t.test('a redirect is not followed', async (t) => {
  const elsewhere = await startEndpoint(t)
  const { source } = await stage(t, answerWith(307, '', { location: elsewhere.tokenUrl }))
  await rejection(source.getToken())
  t.equal(elsewhere.requests.length, 0)
})

t.test('a route that is down or breaks the connection is unavailable', async (t) => {
  const { route, source } = await stage(t, ({ socket }) => socket.destroy())
  t.match(await rejection(source.getToken()), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    status: undefined,
    cause: undefined
  })
  source.invalidate()
  route.stop()
  t.match(await rejection(source.getToken()), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    message: route.tokenUrl
  })
})

t.test('an answer that is no HTTP is unavailable', async (t) => {
  const { source } = await stage(t, answerRaw('SSH-2.0-OpenSSH', ''))
  t.match(await rejection(source.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
})

t.test('a fetch of the page that throws anything at all shows nothing of it', async (t) => {
  for (const thrown of [new Error(secret), secret, undefined, null]) {
    const throwing = [
      () => {
        throw thrown
      },
      () => Promise.reject(thrown)
    ]
    for (const fetch of throwing) {
      const source = createTokenSource({ fetch })
      const error = await rejection(source.getToken())
      t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
      t.notMatch(JSON.stringify([error, error.message, error.stack, error.cause]), secret)
      source.close()
    }
  }
})

for (const [where, answer] of [
  ['before its headers', () => {}],
  ['in its body', ({ response }) => response.writeHead(200).write('{"access_')]
] as [string, Answer][]) {
  t.test(`a route that hangs ${where} is a timeout after 11 s, and is asked again`, async (t) => {
    const { page, route, source, events } = await stage(t, answer)
    const pending = rejection(source.getToken())
    await page.advance(10_900)
    t.equal(events.length, 0)
    await page.advance(200)
    t.match(await pending, { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', retryAfter: 1 })
    t.match(events, [{ type: 'error', retryInMs: Number }])
    route.answer = grant()
    await page.advance(1_000)
    t.equal((await source.getToken()).accessToken, 'token-2')
  })
}

t.test('a fetch that neither answers nor heeds its signal is a timeout too', async (t) => {
  const { page, source } = await stage(t, grant(), { fetch: () => new Promise(() => {}) })
  const pending = rejection(source.getToken())
  await page.advance(11_100)
  t.match(await pending, { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' })
})

t.test('a request that was given up is aborted', async (t) => {
  let signal: AbortSignal | null | undefined
  const { page, source } = await stage(t, grant(), {
    fetch: (_url, init) => {
      signal = init.signal
      return new Promise(() => {})
    }
  })
  const pending = rejection(source.getToken())
  await page.advance(10_900)
  t.equal(signal?.aborted, false)
  await page.advance(200)
  await pending
  t.equal(signal?.aborted, true)
})

t.test(
  'backs off: callers are refused at once, each with what remains, and one request ends it',
  async (t) => {
    const { page, route, source, events } = await stage(t, answerWith(503, '', { 'retry-after': '7' }))
    t.match(await rejection(source.getToken()), {
      code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
      status: 503,
      retryAfter: 7
    })
    t.match(events, [{ type: 'error', retryInMs: 7_000 }])
    await page.advance(4_000)
    t.match(await rejection(source.getToken()), {
      code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
      status: 503,
      retryAfter: 3
    })
    t.equal(route.requests.length, 1)
    route.answer = grant()
    await page.advance(3_100)
    t.equal(route.requests.length, 2, 'a visible page asks again by itself')
    t.equal((await source.getToken()).accessToken, 'token-2')
  }
)

t.test('backs off for 1 s and doubles it up to 30 s, half of it at random', async (t) => {
  const { page, instants, source, events } = await stage(t, answerWith(500))
  await rejection(source.getToken())
  await page.advance(400_000, 50)
  const retries = events.map((event) => (event as ErrorEvent).retryInMs)
  for (const [index, retryInMs] of retries.entries()) {
    const full = Math.min(30_000, 1_000 * 2 ** index)
    t.ok(retryInMs >= full / 2 && retryInMs <= full, `${retryInMs} ms after failure ${index + 1}`)
    const waited = instants[index + 1]
    if (waited !== undefined) t.ok(waited - (instants[index] ?? 0) <= retryInMs + 60, 'and then it asks')
  }
  t.ok(new Set(retries.slice(5)).size > 1, 'not in step with others')
})

t.test('starts over with 1 s after a success', async (t) => {
  const { page, route, source, events } = await stage(t, answerWith(500))
  await rejection(source.getToken())
  await page.advance(20_000)
  route.answer = grant({ expires_in: 60 })
  await page.advance(30_000)
  route.answer = answerWith(500)
  events.length = 0
  await page.advance(60_000)
  t.ok((events.find(({ type }) => type === 'error') as ErrorEvent).retryInMs <= 1_000)
})

for (const [what, header, atLeastMs, atMostMs] of [
  ['seconds', () => '20', 20_000, 20_000],
  ['a date', () => new Date(Date.now() + 20_000).toUTCString(), 19_000, 20_000],
  ['more than five minutes', () => '86400', 300_000, 300_000],
  ['nonsense', () => 'soon', 500, 1_000],
  ['a date of the past', () => new Date(0).toUTCString(), 500, 1_000],
  ['less than the back-off', () => '0', 500, 1_000]
] as const) {
  t.test(`obeys a Retry-After of ${what}`, async (t) => {
    const { page, route, source, events } = await stage(t, (exchange) =>
      answerWith(429, '', { 'retry-after': header() })(exchange)
    )
    await rejection(source.getToken())
    const { retryInMs } = events[0] as ErrorEvent
    t.ok(retryInMs >= atLeastMs && retryInMs <= atMostMs, `${retryInMs} ms`)
    await page.advance(retryInMs - 10, 1_000)
    t.equal(route.requests.length, 1)
    await page.advance(20)
    t.equal(route.requests.length, 2)
  })
}

t.test('online ends a back-off that nobody asked for', async (t) => {
  const { page, route, source } = await stage(t, ({ socket }) => socket.destroy())
  await rejection(source.getToken())
  await page.advance(100_000, 500)
  const before = route.requests.length
  route.answer = grant()
  page.dispatch('online')
  await page.settle()
  t.equal(route.requests.length, before + 1)
  t.match(await source.getToken(), { accessToken: String })
})

t.test('nothing ends a pause that the route asked for', async (t) => {
  const { page, route, source } = await stage(t, answerWith(503, '', { 'retry-after': '30' }))
  await rejection(source.getToken())
  for (const type of ['online', 'pageshow'] as const) page.dispatch(type)
  page.show()
  source.invalidate()
  t.match(await rejection(source.getToken()), { retryAfter: 30 })
  t.equal(route.requests.length, 1)
})

t.test(
  'online ends a back-off that is longer than what the route asked for, but not before that',
  async (t) => {
    const { page, route, source, events } = await stage(t, answerWith(503, '', { 'retry-after': '3' }))
    await rejection(source.getToken())
    const isLongBackOff = () => (events.at(-1) as ErrorEvent).retryInMs >= 10_000
    while (!isLongBackOff()) await page.advance(500)
    const before = route.requests.length
    page.dispatch('online')
    await page.advance(2_000)
    t.equal(route.requests.length, before, 'the route asked for 3 s')
    await page.advance(1_100)
    t.equal(route.requests.length, before + 1)
  }
)

t.test('a page that is looked at again does not end a back-off', async (t) => {
  const { page, route, source } = await stage(t, answerWith(503))
  await rejection(source.getToken())
  page.dispatch('pageshow')
  page.show()
  await page.settle()
  t.equal(route.requests.length, 1)
})

t.test('a hidden page does not ask again until it is seen', async (t) => {
  const { page, route, source } = await stage(t, answerWith(503))
  await rejection(source.getToken())
  page.hide()
  await page.advance(600_000, 10_000)
  page.dispatch('online')
  await page.settle()
  t.equal(route.requests.length, 1)
  route.answer = grant()
  page.show()
  await page.settle()
  t.equal(route.requests.length, 2)
})

t.test('a machine that slept through the back-off does not wait for the rest of it', async (t) => {
  const { page, source, route } = await stage(t, answerWith(503, '', { 'retry-after': '300' }))
  await rejection(source.getToken())
  route.answer = grant()
  page.stepWall(400_000)
  t.equal((await source.getToken()).accessToken, 'token-2')
})

t.test('after a sign-in, invalidate() lets the page ask at once', async (t) => {
  const { route, source } = await stage(t, answerWith(302, '', { location: '/sign-in' }))
  await rejection(source.getToken())
  route.answer = grant()
  source.invalidate()
  t.equal((await source.getToken()).accessToken, 'token-2')
})

t.test('a token that is dead on arrival is none', async (t) => {
  const { page, source, hold, release, events } = await stage(t, grant({ expires_in: 5 }))
  hold()
  const pending = rejection(source.getToken())
  await page.advance(2_600)
  await release()
  t.match(await pending, { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID', status: 200 })
  t.equal(events.length, 1)
})

t.test('close() ends what is under way and what would come', async (t) => {
  const { page, route, source, hold, events } = await stage(t)
  hold()
  const waiting = [source.getToken(), source.getToken()].map(rejection)
  await page.settle()
  source.close()
  source.close()
  for (const error of await Promise.all(waiting)) t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_CLOSED')
  t.equal((await rejection(source.getToken())).code, 'ERR_BANDWIDTH_TOKEN_CLOSED')
  page.show()
  page.dispatch('online')
  await page.advance(60_000, 1_000)
  t.equal(route.requests.length, 1)
  t.equal(events.length, 0, 'nobody is told of an error')
  source.invalidate()
  source.subscribe(() => {})()
})

t.test('close() ends each request that is under way, those too that invalidate() has given up', async (t) => {
  const { page, source, hold } = await stage(t)
  hold()
  const waiting: ReturnType<typeof rejection>[] = []
  for (let count = 0; count < 3; count++) {
    waiting.push(rejection(source.getToken()))
    await page.settle()
    source.invalidate()
  }
  source.close()
  for (const error of await Promise.all(waiting)) t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_CLOSED')
})

t.test('close() ends the refreshing and leaves no listener behind', async (t) => {
  const { page, route, source } = await stage(t)
  const removed: string[] = []
  for (const target of [page.document, page.window]) {
    const remove = target.removeEventListener
    target.removeEventListener = function (this: EventTarget, type: string, ...rest) {
      removed.push(type)
      return remove.call(this, type, ...rest)
    } as typeof remove
  }
  await source.getToken()
  source.close()
  t.strictSame(removed.sort(), ['online', 'pageshow', 'visibilitychange'])
  await page.advance(600_000, 10_000)
  t.equal(route.requests.length, 1)
})

t.test('whatever is wrong, no promise is left over that nobody handles', async (t) => {
  const unhandled = processEvents(t, 'unhandledRejection')
  const { page, source, route } = await stage(t, grant({ expires_in: 20 }))
  await source.getToken()
  route.answer = answerWith(500)
  await page.advance(60_000)
  source.close()
  await page.settle()
  t.strictSame(unhandled, [])
})

t.test('works where there is no page: on a server that renders, in a worker', async (t) => {
  const route = await startEndpoint(t)
  const source = createTokenSource({ url: route.tokenUrl })
  t.equal((await source.getToken()).accessToken, 'token-1')
  source.close()
  t.equal(
    ((await rejection(source.getToken())) as unknown as TokenSourceError).code,
    'ERR_BANDWIDTH_TOKEN_CLOSED'
  )
})
