import { createTokenSource } from '@bandwidth-token/browser'
import t from 'tap'
import { answerWith, grant, startEndpoint } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import type { Teardown } from '../support/teardown.js'
import { startGateway } from './gateway.js'
import { stage } from './page.js'
import { createAgent } from './sdk.js'

/** What a careless deep merge of somebody else's JSON does to every object of the page. */
function pollute(t: Teardown, properties: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(Object.prototype, name, { configurable: true, writable: true, value })
    t.teardown(() => delete (Object.prototype as Record<string, unknown>)[name])
  }
}

t.test('reads no option from a polluted Object.prototype', async (t) => {
  const route = await startEndpoint(t)
  const elsewhere = await startEndpoint(t)
  const asked: [string, RequestInit][] = []
  const original = globalThis.fetch
  t.teardown(() => {
    globalThis.fetch = original
  })
  globalThis.fetch = async (_url, init = {}) => {
    asked.push([String(_url), init])
    return original(route.tokenUrl, { signal: init.signal ?? null })
  }
  pollute(t, {
    url: elsewhere.tokenUrl,
    fetch: () => original(elsewhere.tokenUrl),
    headers: { 'x-evil': '1' },
    credentials: 'include'
  })
  for (const options of [undefined, {}]) {
    const source = createTokenSource(options)
    t.teardown(() => source.close())
    t.equal((await source.getToken()).accessToken.startsWith('token-'), true)
  }
  t.equal(elsewhere.requests.length, 0)
  for (const [url, init] of asked) {
    t.equal(url, '/bandwidth/token')
    t.equal(init.credentials, undefined)
    t.strictSame([...(init.headers as Headers)], [['accept', 'application/json']])
  }
})

t.test('sends no request that a polluted Object.prototype has changed', async (t) => {
  const read: unknown[] = []
  const source = createTokenSource({
    fetch: async (_url, init) => {
      read.push(init.method, init.mode, init.credentials)
      return Response.json({ access_token: 'a', expires_in: 600 })
    }
  })
  t.teardown(() => source.close())
  // `fetch` reads inherited properties of what it is given.
  pollute(t, { method: 'POST', mode: 'no-cors', credentials: 'include' })
  await source.getToken()
  t.strictSame(read, [undefined, undefined, undefined])
})

t.test('takes no token from a polluted Object.prototype', async (t) => {
  const { source } = await stage(t, answerWith(200, '{}'))
  pollute(t, { access_token: 'of-somebody-else', expires_in: 600 })
  t.equal((await rejection(source.getToken())).code, 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID')
})

t.test('calls no listener from a polluted Object.prototype, but methods of a class', async (t) => {
  const gateway = await startGateway(t)
  const { page, source } = await stage(t, grant())
  const agent = createAgent(t, page, gateway)
  const heard: string[] = []
  pollute(t, { callTerminated: () => heard.push('polluted') })
  source.attach(agent).detach()
  class Screen {
    callConfirmed() {
      heard.push('callConfirmed')
    }
  }
  source.attach(agent, new Screen())
  const session = {} as never
  agent.given?.callTerminated(session, null, 'Canceled')
  agent.given?.callConfirmed(session, null, 'Confirmed')
  t.strictSame(heard, ['callConfirmed'])
})
