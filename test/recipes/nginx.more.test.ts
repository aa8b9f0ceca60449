import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { createAuthority } from '../support/certificates.js'
import { startNginx } from '../support/nginx.js'
import { credentialsOf, fileOf, type Served, serve } from './recipe.js'

const HOST = 'calls.example.com'
const authority = await createAuthority()
const certificate = await authority.issue(HOST)
const recipe = await readFile(fileOf('nginx.conf'), 'utf8')

/** A browser's way to an app through nginx with TLS. A line of the recipe can be left out. */
async function visit(t: Test, app: Served, without?: RegExp) {
  const upstream = new URL(app.origin).port
  const port = await startNginx(t, certificate, (port, cert, key) =>
    recipe
      .replace(without ?? '', '')
      .replace('listen 443', `listen 127.0.0.1:${port}`)
      .replace('/etc/nginx/tls/calls.example.com.pem', cert)
      .replace('/etc/nginx/tls/calls.example.com.key', key)
      .replace('127.0.0.1:3000', `127.0.0.1:${upstream}`)
  )
  const dispatcher = new Agent({
    connect: {
      ca: authority.cert,
      lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
    }
  })
  t.teardown(() => dispatcher.close())
  const origin = `https://${HOST}:${port}`
  return {
    origin,
    get: (path: string, headers: Record<string, string>) => request(origin + path, { dispatcher, headers }),
    async signIn() {
      const { statusCode, headers } = await request(`${origin}/sign-in`, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(credentialsOf('alice'))
      })
      return { statusCode, cookie: String(headers['set-cookie'] ?? '') }
    }
  }
}

for (const framework of ['fastify', 'express']) {
  t.test(`nginx-${framework}.js, behind nginx.conf`, async (t) => {
    const app = await serve(t, `nginx-${framework}`)

    t.test('signs in with a cookie for TLS only, and gives a token to pages of its own origin', async (t) => {
      const site = await visit(t, app)
      const { statusCode, cookie } = await site.signIn()
      t.equal(statusCode, 204)
      t.match(cookie, /; Secure/i)
      const headers = { cookie: cookie.split(';')[0] ?? '' }

      // An older browser sends no `Sec-Fetch-Site`.
      const answer = await site.get('/bandwidth/token', { ...headers, origin: site.origin })
      t.equal(answer.statusCode, 200)
      t.match(await answer.body.json(), { access_token: 'token-1' })
      t.equal(answer.headers['cache-control'], 'no-store')
      const other = await site.get('/bandwidth/token', { ...headers, origin: 'https://other.example.com' })
      t.equal(other.statusCode, 403)
      await other.body.dump()
      const nobody = await site.get('/bandwidth/token', {})
      t.equal(nobody.statusCode, 403)
      await nobody.body.dump()
    })

    t.test('sees the address of the client, and not one that the client has made up', async (t) => {
      const site = await visit(t, app)
      // The last one is that of a client on the same machine: nginx has added it, and the app trusts it.
      const answer = await site.get('/address', { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' })
      t.equal(await answer.body.text(), '203.0.113.7')
    })

    t.test('refuses its own pages where nginx does not pass the host on', async (t) => {
      const site = await visit(t, app, /proxy_set_header Host .*/)
      const { cookie } = await site.signIn()
      const headers = { cookie: cookie.split(';')[0] ?? '', origin: site.origin }
      const answer = await site.get('/bandwidth/token', headers)
      t.equal(answer.statusCode, 403)
      t.match(await answer.body.text(), /allowedOrigins|CROSS_ORIGIN/)
    })

    t.test('sets no cookie for TLS where nginx does not say that the request came by TLS', async (t) => {
      const site = await visit(t, app, /proxy_set_header X-Forwarded-Proto .*/)
      t.notMatch((await site.signIn()).cookie, /Secure/i)
    })
  })
}
