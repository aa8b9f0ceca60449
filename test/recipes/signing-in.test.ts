import t from 'tap'
import { cookieOf, serve } from './recipe.js'

const TOKEN = { access_token: 'token-1', access_token_id: 'id-1', token_type: 'Bearer', expires_in: Number }

for (const name of ['fastify-session', 'fastify-secure-session', 'express-session', 'passport']) {
  t.test(`${name}.js gives a token to who has signed in, and to nobody else`, async (t) => {
    const app = await serve(t, name)
    const nobody = await app.token()
    t.equal(nobody.status, 403)
    t.equal(nobody.headers.get('cache-control'), 'no-store')
    t.equal((await app.post('/sign-in', { name: 'alice', password: 'wrong' })).status, 401)

    const signedIn = await app.signIn()
    t.equal(signedIn.status, 204)
    t.match(signedIn.headers.get('set-cookie'), /HttpOnly/i)
    const headers = cookieOf(signedIn)
    const answer = await app.token(headers)
    t.equal(answer.status, 200)
    t.match(await answer.json(), TOKEN)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.equal((await app.token({ ...headers, 'sec-fetch-site': 'cross-site' })).status, 403)

    const signedOut = await app.post('/sign-out', {}, headers)
    t.equal(signedOut.status, 204)
    // Who keeps the session in the cookie itself takes the cookie away.
    const left = name === 'fastify-secure-session' ? cookieOf(signedOut) : headers
    t.equal((await app.token(left)).status, 403)
  })
}
