import type { TokenProvider } from '@bandwidth-token/core'
import { testProvider } from '@bandwidth-token/core/testing'
import { type TokenHandlerOptions, tokenHandler } from '@bandwidth-token/web'
import t, { type Test } from 'tap'
import { answerWith, type Endpoint, startEndpoint } from '../support/endpoint.js'
import { rejection, until } from '../support/outcomes.js'

const ROUTE = 'https://app.example/bandwidth/token'
const UNCACHEABLE = { 'cache-control': 'no-store', pragma: 'no-cache', 'x-content-type-options': 'nosniff' }

async function make(t: Test, change: Partial<TokenHandlerOptions> = {}) {
  const endpoint: Endpoint = await startEndpoint(t)
  const { tokenUrl, clock } = endpoint
  const options = {
    tokenUrl,
    clock,
    clientId: 'client',
    clientSecret: 'secret',
    authorize: () => true,
    ...change
  }
  const handler = tokenHandler(options as TokenHandlerOptions)
  t.teardown(() => handler.close())
  return { endpoint, handler }
}

t.test('answers GET and HEAD, and other methods with an empty 405 that no cache keeps', async (t) => {
  const { endpoint, handler } = await make(t)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']) {
    const answer = await handler(new Request(ROUTE, { method }))
    t.equal(answer.status, 405, method)
    t.strictSame(Object.fromEntries(answer.headers), {
      allow: 'GET, HEAD',
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'x-content-type-options': 'nosniff'
    })
    t.equal(answer.body, null)
  }
  t.equal(endpoint.count, 0)
  const head = await handler(new Request(ROUTE, { method: 'HEAD' }))
  t.equal(head.body, null)
  const get = await handler(new Request(ROUTE))
  t.strictSame(Object.fromEntries(head.headers), Object.fromEntries(get.headers))
  t.match(await get.json(), { access_token: 'token-1', access_token_id: 'id-1', token_type: 'Bearer' })
  t.equal(endpoint.count, 1)
})

t.test('fetches nothing until it is asked', async (t) => {
  const { endpoint, handler } = await make(t)
  t.equal(endpoint.count, 0)
  await handler.provider.warmUp()
  t.equal(endpoint.count, 1)
})

t.test('gives the code of the app a token of the account, without asking authorize', async (t) => {
  const accounts: string[] = []
  const { endpoint, handler } = await make(t, {
    authorize: () => false,
    account: ({ headers }) => headers.get('x-account') ?? '',
    clientId: undefined,
    clientSecret: undefined,
    credentials: (account) => {
      accounts.push(account)
      return { clientId: 'client', clientSecret: 'secret' }
    }
  })
  const token = await handler.tokenFor(new Request(ROUTE, { headers: { 'x-account': 'acme' } }))
  t.equal(token.authorization, 'Bearer token-1')
  t.strictSame(accounts, ['acme'])
  t.equal(endpoint.count, 1)
})

t.test('takes the Host header for its own host, else that of the URL', async (t) => {
  const { handler } = await make(t)
  for (const [headers, status] of [
    [{ origin: 'https://app.example' }, 200],
    [{ origin: 'https://inner.example', host: 'inner.example' }, 200],
    [{ origin: 'https://app.example', host: 'inner.example' }, 403],
    [{ origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403]
  ] as [Record<string, string>, number][]) {
    // As a server makes it: in a browser, these headers cannot be set.
    const request = { method: 'GET', url: ROUTE, headers: new Headers(headers) } as Request
    t.equal((await handler(request)).status, status, JSON.stringify(headers))
  }
})

t.test('answers the errors of this package as JSON, with their headers', async (t) => {
  const { endpoint, handler } = await make(t)
  endpoint.answer = answerWith(503, 'of the endpoint', { 'Retry-After': '60' })
  const answer = await handler(new Request(ROUTE))
  t.equal(answer.status, 503)
  t.match(Object.fromEntries(answer.headers), {
    ...UNCACHEABLE,
    'retry-after': '60',
    'content-type': /^application\/json/
  })
  const body = (await answer.json()) as object
  t.strictSame(Object.keys(body), ['code', 'message', 'statusCode'])
  t.match(body, { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', statusCode: 503 })
  const head = await handler(new Request(ROUTE, { method: 'HEAD' }))
  t.equal(head.status, 503)
  t.equal(head.body, null)
})

for (const name of ['authorize', 'account'] as const) {
  t.test(`answers with the Response that ${name} throws, which nobody may keep`, async (t) => {
    // One and the same for all requests, as an app may well have it.
    const refusal = new Response('Sign in first.', {
      status: 401,
      statusText: 'Who are you?',
      headers: { 'Cache-Control': 'public, max-age=60', 'WWW-Authenticate': 'Cookie' }
    })
    const { endpoint, handler } = await make(t, {
      [name]: () => {
        throw refusal
      }
    })
    for (const _ of ['once', 'and again']) {
      const answer = await handler(new Request(ROUTE))
      t.equal(answer.status, 401)
      t.equal(answer.statusText, 'Who are you?')
      t.equal(answer.headers.get('www-authenticate'), 'Cookie')
      t.match(Object.fromEntries(answer.headers), UNCACHEABLE)
      t.equal(await answer.text(), 'Sign in first.')
      t.equal((await handler(new Request(ROUTE, { method: 'HEAD' }))).body, null)
    }
    t.equal(refusal.headers.get('cache-control'), 'public, max-age=60', 'the one thrown is left as it is')
    t.equal(endpoint.count, 0)
  })
}

t.test('reads the body of a Response that is thrown once for all who get it', async (t) => {
  let reads = 0
  const body = new ReadableStream({
    pull(controller) {
      reads++
      controller.enqueue(Buffer.from('Sign in first.'))
      controller.close()
    }
  })
  const refusal = new Response(body, { status: 401 })
  const { handler } = await make(t, {
    authorize: () => {
      throw refusal
    }
  })
  const answers = await Promise.all(Array.from({ length: 3 }, () => handler(new Request(ROUTE))))
  for (const answer of [...answers, await handler(new Request(ROUTE))]) {
    t.equal(answer.status, 401)
    t.equal(await answer.text(), 'Sign in first.')
  }
  t.equal(reads, 1)
})

t.test('answers with a redirect that authorize throws, although its headers cannot be changed', async (t) => {
  const { handler } = await make(t, {
    authorize: () => Promise.reject(Response.redirect('https://app.example/sign-in', 303))
  })
  const answer = await handler(new Request(ROUTE))
  t.equal(answer.status, 303)
  t.equal(answer.headers.get('location'), 'https://app.example/sign-in')
  t.equal(answer.headers.get('cache-control'), 'no-store')
})

for (const [what, respond] of Object.entries<() => Promise<Response>>({
  'that was read': async () => {
    const response = new Response('Sign in first.', { status: 401 })
    await response.text()
    return response
  },
  'of status 0': async () => Response.error()
})) {
  t.test(`answers with an error that says so where authorize throws a Response ${what}`, async (t) => {
    const { endpoint, handler } = await make(t, {
      authorize: async () => {
        throw await respond()
      }
    })
    const answer = await handler(new Request(ROUTE))
    t.equal(answer.status, 500)
    t.match(Object.fromEntries(answer.headers), UNCACHEABLE)
    t.match(await answer.json(), { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: /unread/ })
    t.equal(endpoint.count, 0)
  })
}

t.test('knows a Response of another class by its tag', async (t) => {
  class OwnResponse extends Response {}
  const { handler } = await make(t, {
    authorize: () => Promise.reject(new OwnResponse('no', { status: 418 }))
  })
  t.equal((await handler(new Request(ROUTE))).status, 418)
})

t.test('throws on whatever else authorize and account throw', async (t) => {
  const thrown = Object.assign(new Error('no session store'), { status: 400, response: new Response() })
  for (const name of ['authorize', 'account']) {
    const { handler } = await make(t, {
      [name]: () => {
        throw thrown
      }
    })
    t.equal(await rejection(handler(new Request(ROUTE))), thrown)
  }
})

t.test('stops waiting when the client is gone, and goes on for the others', async (t) => {
  const { endpoint, handler } = await make(t)
  endpoint.answer = endpoint.held()
  const controller = new AbortController()
  const gone = handler(new Request(ROUTE, { signal: controller.signal }))
  const forCode = handler.tokenFor(new Request(ROUTE, { signal: controller.signal }))
  const patient = handler(new Request(ROUTE))
  await until(() => endpoint.count === 1)
  controller.abort(new Error('gone'))
  t.match(await rejection(gone), { message: 'gone' })
  t.match(await rejection(forCode), { message: 'gone' })
  await endpoint.release()
  t.equal((await patient).status, 200)
  t.equal(endpoint.count, 1)
})

t.test("closes its own provider, and leaves the app's own open", async (t) => {
  const { handler } = await make(t)
  await handler.close()
  await handler.close()
  const answer = await handler(new Request(ROUTE))
  t.equal(answer.status, 503)
  t.match(await answer.json(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })

  const provider = testProvider()
  const other = tokenHandler({ provider, authorize: () => true })
  t.equal(other.provider, provider as unknown as TokenProvider)
  await other.close()
  t.equal((await other(new Request(ROUTE))).status, 200)
})

t.test('replaces the token that a page names', async (t) => {
  const { endpoint, handler } = await make(t)
  await handler(new Request(ROUTE))
  await endpoint.clock.advance(6_000)
  const answer = await handler(new Request(`${ROUTE}?rejected=id-1`))
  t.match(await answer.json(), { access_token_id: 'id-2' })
})
