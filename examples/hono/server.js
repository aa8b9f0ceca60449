import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { startEmulator } from '@bandwidth-token/emulator'
import { tokenHandler } from '@bandwidth-token/web'
import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { contextStorage, getContext } from 'hono/context-storage'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { secureHeaders } from 'hono/secure-headers'

const host = '127.0.0.1'
const port = process.env.PORT || '3000'
if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) fail('PORT must be a whole number from 0 to 65535.')

const { BW_CLIENT_ID, BW_CLIENT_SECRET } = process.env
if (!BW_CLIENT_ID !== !BW_CLIENT_SECRET) fail('Set both BW_CLIENT_ID and BW_CLIENT_SECRET, or neither.')

// Without credentials, an emulator stands in for Bandwidth.
const emulator = BW_CLIENT_ID ? undefined : await startEmulator()

/** @typedef {{ Variables: { user?: string } }} Env */
/** @type {Hono<Env>} */
const app = new Hono()
app.use(
  secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'self'"], baseUri: ["'none'"], frameAncestors: ["'none'"] }
  })
)

/** Who is signed in, by the id in the cookie. @type {Map<string, string>} */
const sessions = new Map()
const COOKIE = 'session'

app.use(async (c, next) => {
  c.set('user', sessions.get(getCookie(c, COOKIE) ?? ''))
  await next()
})

// These lines are the example. `getContext()` finds the request's context, where the session is.
app.use(contextStorage())
const tokens = tokenHandler({
  authorize: () => /** @type {import('hono').Context<Env>} */ (getContext()).get('user') !== undefined,
  logger: console,
  ...(emulator && {
    tokenUrl: emulator.tokenUrl,
    clientId: emulator.clientId,
    clientSecret: emulator.clientSecret
  })
})
app.get('/bandwidth/token', (c) => tokens(c.req.raw))

const password = randomBytes(12).toString('base64url')

/** Compares in constant time: both digests have the same length. @param {string} given */
const isPassword = (given) =>
  timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', password, 'buffer'))

app.post('/sign-in', async (c) => {
  const form = await c.req.parseBody()
  if (!isPassword(String(form.password))) return c.text('Wrong password.', 401)
  // A session id from before the sign-in may be known to others (session fixation).
  sessions.delete(getCookie(c, COOKIE) ?? '')
  const id = randomBytes(32).toString('base64url')
  sessions.set(id, 'demo')
  // Behind HTTPS, set `secure: true`.
  setCookie(c, COOKIE, id, { httpOnly: true, sameSite: 'Strict', path: '/' })
  return c.body(null, 204)
})

app.post('/sign-out', (c) => {
  sessions.delete(deleteCookie(c, COOKIE) ?? '')
  return c.body(null, 204)
})

// The token in the server's own code. This answer shows nothing of it.
app.get('/status', async (c) => {
  if (c.get('user') === undefined) return c.text('Sign in first.', 401)
  const { accessTokenId, expiresIn } = await tokens.tokenFor(c.req.raw)
  return c.json({ accessTokenId, expiresIn })
})

app.use(serveStatic({ root: fileURLToPath(new URL('public', import.meta.url)) }))

const server = serve({ fetch: app.fetch, hostname: host, port: Number(port) }, ({ port }) => {
  tokens.provider.warmUp().catch(() => {}) // The provider logs a failure. The app starts without a token too.

  const address = `http://${host}:${port}`
  const source = emulator
    ? 'Without BW_CLIENT_ID and BW_CLIENT_SECRET: tokens come from an emulator in this process.'
    : 'Tokens come from Bandwidth.'
  console.log(`
${source}
Open ${address} and sign in with the password ${password}
or paste this line, which signs in and fetches a token:

curl -s -b '' -d password=${password} ${address}/sign-in --next -s -b '' ${address}/bandwidth/token
`)
})

server.on('error', (/** @type {NodeJS.ErrnoException} */ { code, message }) => {
  fail(code === 'EADDRINUSE' ? `Port ${port} is taken. Choose another: PORT=3001` : message)
})

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)

function stop() {
  // First the requests in flight, then the provider.
  server.close(async () => {
    await tokens.close()
    await emulator?.close()
  })
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message)
  process.exit(1)
}
