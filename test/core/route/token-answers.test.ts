import { type RouteRequest, TokenRoute } from '@bandwidth-token/core/adapter'
import t from 'tap'
import { startEndpoint } from '../../support/endpoint.js'

const asked: RouteRequest = { url: '/', header: () => undefined }
const authorize = () => true

t.test('gives the same answer until the second is over', async (t) => {
  const endpoint = await startEndpoint(t)
  const route = new TokenRoute<object>({ provider: endpoint.provider(t), authorize })
  const first = await route.answer({}, asked)
  t.match(JSON.parse(first.body), { access_token: 'token-1', expires_in: 600 })
  await endpoint.clock.advance(999)
  const { body } = await route.answer({}, asked)
  t.match(JSON.parse(body), { access_token: 'token-1', expires_in: 599 })
  await endpoint.clock.advance(1)
  t.equal((await route.answer({}, asked)).body, body)
  await endpoint.clock.advance(1)
  t.match(JSON.parse((await route.answer({}, asked)).body), { expires_in: 598 })
})

t.test('keeps the answers of accounts apart', async (t) => {
  const endpoint = await startEndpoint(t)
  const route = new TokenRoute<{ user: string }>({
    provider: endpoint.provider(t),
    authorize,
    account: ({ user }: { user: string }) => user
  })
  const tokens: string[] = []
  for (const user of ['ada', 'grace', 'ada', 'grace']) {
    tokens.push(JSON.parse((await route.answer({ user }, asked)).body).access_token)
  }
  t.strictSame(tokens, ['token-1', 'token-2', 'token-1', 'token-2'])
})

t.test('sees it if a provider of another kind changes the object that it hands out', async (t) => {
  const response = { access_token: 'a', token_type: 'Bearer' as const, expires_in: 600 }
  const token = { accessToken: 'a', accessTokenId: undefined, toResponse: () => response }
  const route = new TokenRoute<object>({ provider: { getToken: async () => token }, authorize })
  await route.answer({}, asked)
  for (const change of [
    { expires_in: 5 },
    { access_token: 'b' },
    { access_token_id: 'an id' },
    { token_type: 'bearer' as 'Bearer' }
  ]) {
    Object.assign(response, change)
    t.strictSame(JSON.parse((await route.answer({}, asked)).body), response)
  }
})

t.test('lets nobody change the headers of the next answer', async (t) => {
  const endpoint = await startEndpoint(t)
  const route = new TokenRoute<object>({ provider: endpoint.provider(t), authorize })
  const { headers } = await route.answer({}, asked)
  t.throws(() => Object.assign(headers, { 'Cache-Control': 'public' }), TypeError)
})
