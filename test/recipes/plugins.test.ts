import t from 'tap'
import { basic, serve } from './recipe.js'

for (const framework of ['fastify', 'express']) {
  t.test(`${framework}-rate-limit.js gives ten tokens a minute to each user`, async (t) => {
    const app = await serve(t, `${framework}-rate-limit`)
    for (let number = 1; number <= 10; number++) t.equal((await app.token(basic())).status, 200)
    const refusal = await app.token(basic())
    t.equal(refusal.status, 429)
    t.match(refusal.headers.get('retry-after'), /^\d+$/)
    t.equal((await app.token(basic('bob'))).status, 200, 'another user at the same address')
    t.equal((await app.ask('/elsewhere', basic())).status, 404, 'another path')
    t.equal((await app.token()).status, 403, 'nobody has a limit of his own')
  })

  t.test(`${framework}-helmet.js lets the page connect to the gateway`, async (t) => {
    const app = await serve(t, `${framework}-helmet`)
    const answer = await app.token(basic())
    t.equal(answer.status, 200)
    t.match(
      answer.headers.get('content-security-policy'),
      /(^|;)connect-src 'self' wss:\/\/sbc\.webrtc-app\.bandwidth\.com:10081(;|$)/
    )
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    t.equal((await app.token()).status, 403)
  })

  t.test(`${framework}-cors.js gives a token to the pages of one other origin`, async (t) => {
    const app = await serve(t, `${framework}-cors`)
    const from = (origin: string) => app.token({ ...basic(), origin: origin, 'sec-fetch-site': 'cross-site' })
    const answer = await from('https://calls.example.com')
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('access-control-allow-origin'), 'https://calls.example.com')
    t.equal(answer.headers.get('access-control-allow-credentials'), 'true')
    t.match(answer.headers.get('vary'), /Origin/i)

    const refusal = await from('https://other.example.com')
    t.equal(refusal.status, 403)
    t.not(refusal.headers.get('access-control-allow-origin'), 'https://other.example.com')
  })
}

t.test('fastify-jwt.js answers 401 without a valid JWT, and 403 without the claim', async (t) => {
  const app = await serve(t, 'fastify-jwt')
  const jwtOf = async (name: string) => ((await (await app.signIn(name)).json()) as { jwt: string }).jwt
  const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` })
  t.equal((await app.post('/sign-in', { name: 'alice', password: 'wrong' })).status, 401)

  const alice = await jwtOf('alice')
  const answer = await app.token(bearer(alice))
  t.equal(answer.status, 200)
  t.match(await answer.json(), { access_token: 'token-1' })
  t.equal((await app.token(bearer(await jwtOf('bob')))).status, 403)
  for (const headers of [{}, bearer(`${alice.slice(0, -8)}AAAAAAAA`)]) {
    const refusal = await app.token(headers)
    t.equal(refusal.status, 401)
    t.equal(refusal.headers.get('cache-control'), 'no-store')
  }
})

t.test('fastify-swagger.js describes the route, which answers as ever', async (t) => {
  const app = await serve(t, 'fastify-swagger')
  const document = (await (await app.ask('/openapi.json')).json()) as { paths: Record<string, unknown> }
  t.strictSame(Object.keys(document.paths), ['/bandwidth/token'])
  t.match(document.paths['/bandwidth/token'], {
    get: {
      parameters: [{ in: 'query', name: 'rejected' }],
      responses: {
        200: {
          content: { 'application/json': { schema: { properties: { expires_in: { type: 'integer' } } } } }
        },
        403: {}
      }
    }
  })
  const answer = await app.token(basic())
  t.equal(answer.status, 200)
  t.strictSame(Object.keys((await answer.json()) as object).sort(), [
    'access_token',
    'access_token_id',
    'expires_in',
    'token_type'
  ])
  t.equal((await app.token()).status, 403)
})

t.test('autoload/app.js loads the plugin for routes of other files', async (t) => {
  const app = await serve(t, 'autoload/app')
  t.equal((await app.token()).status, 403)
  t.equal((await app.token(basic())).status, 200)
  t.equal((await app.ask('/status')).status, 401)
  t.match(await (await app.ask('/status', basic())).json(), { accessTokenId: 'id-1', expiresIn: Number })
})

t.test('fastify-typebox.js checks what comes in before it gets a token', async (t) => {
  const app = await serve(t, 'fastify-typebox')
  t.equal((await app.post('/calls', { to: 'nobody' }, basic())).status, 400)
  t.equal((await app.post('/calls', { to: '+15551234567' })).status, 401)
  const answer = await app.post('/calls', { to: '+15551234567' }, basic())
  t.equal(answer.status, 200)
  t.match(await answer.json(), { to: '+15551234567', expiresIn: Number })
  t.equal((await app.token(basic())).status, 200)
})
