import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import t from 'tap'
import { startEndpoint } from '../support/endpoint.js'

interface TokenHandler {
  (request: Request): Promise<Response>
  readonly provider: TokenProvider
  tokenFor(request: Request): Promise<AccessToken>
  close(): Promise<void>
}

const guide = await readFile(new URL('../../../docs/writing-an-adapter.md', import.meta.url), 'utf8')
const folder = new URL('../guide/', import.meta.url)
await mkdir(folder, { recursive: true })
await writeFile(fileURLToPath(new URL('adapter.mjs', folder)), /^```js\n(.*?)^```$/ms.exec(guide)?.[1] ?? '')
const { tokenHandler } = (await import(new URL('adapter.mjs', folder).href)) as {
  tokenHandler(options: object): TokenHandler
}

const URL_OF_ROUTE = 'https://app.example/token'

async function handle(t: Parameters<typeof startEndpoint>[0], change: object = {}) {
  const endpoint = await startEndpoint(t)
  const { tokenUrl, clock } = endpoint
  const options = {
    tokenUrl,
    clock,
    clientId: 'client',
    clientSecret: 'secret',
    authorize: () => true,
    ...change
  }
  const handler = tokenHandler(options)
  t.teardown(() => handler.close())
  return { endpoint, handler }
}

t.test('the adapter of the guide answers GET and HEAD, and no other method', async (t) => {
  const { endpoint, handler } = await handle(t)
  const answer = await handler(new Request(URL_OF_ROUTE))
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.match(await answer.json(), { access_token_id: 'id-1', token_type: 'Bearer' })
  t.equal(await (await handler(new Request(URL_OF_ROUTE, { method: 'HEAD' }))).text(), '')
  const refused = await handler(new Request(URL_OF_ROUTE, { method: 'POST' }))
  t.equal(refused.status, 405)
  t.equal(refused.headers.get('allow'), 'GET, HEAD')
  t.equal((await handler.tokenFor(new Request(URL_OF_ROUTE))).accessTokenId, 'id-1')
  t.equal(endpoint.count, 1)
})

t.test('the adapter of the guide replaces the token that a page names', async (t) => {
  const { endpoint, handler } = await handle(t)
  await handler(new Request(URL_OF_ROUTE))
  await endpoint.clock.advance(6_000)
  const answer = await handler(new Request(`${URL_OF_ROUTE}?rejected=id-1`))
  t.match(await answer.json(), { access_token_id: 'id-2' })
})

t.test('the adapter of the guide answers errors of this package, and throws others', async (t) => {
  const { handler } = await handle(t)
  for (const [headers, status] of [
    [{ origin: 'https://app.example' }, 200],
    [{ origin: 'https://inner.example', host: 'inner.example' }, 200],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403]
  ] as [Record<string, string>, number][]) {
    const answer = await handler({
      method: 'GET',
      url: URL_OF_ROUTE,
      headers: new Headers(headers)
    } as Request)
    t.equal(answer.status, status, JSON.stringify(headers))
    t.equal(answer.headers.get('cache-control'), 'no-store')
    if (status === 403)
      t.match(await answer.json(), { code: 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN', statusCode: 403 })
  }
  const foreign = new Error('no session store')
  const { handler: failing } = await handle(t, { authorize: () => Promise.reject(foreign) })
  await t.rejects(failing(new Request(URL_OF_ROUTE)), foreign)
})

t.test('the adapter of the guide has no options of a mount', async (t) => {
  await t.rejects(handle(t, { path: '/token' }), {
    code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
    message: /"path"/
  })
})
