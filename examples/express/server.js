import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { errorAnswer } from '@bandwidth-token/core/adapter'
import { startEmulator } from '@bandwidth-token/emulator'
import bandwidthToken from '@bandwidth-token/express'
import express from 'express'
import session from 'express-session'

const host = '127.0.0.1'
const port = process.env.PORT || '3000'
if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) fail('PORT must be a whole number from 0 to 65535.')

const { BW_CLIENT_ID, BW_CLIENT_SECRET } = process.env
if (!BW_CLIENT_ID !== !BW_CLIENT_SECRET) fail('Set both BW_CLIENT_ID and BW_CLIENT_SECRET, or neither.')

// Without credentials, an emulator stands in for Bandwidth.
const emulator = BW_CLIENT_ID ? undefined : await startEmulator()

const app = express()
app.disable('x-powered-by')

app.use((_req, res, next) => {
  res.set('Content-Security-Policy', "default-src 'self'; base-uri 'none'; frame-ancestors 'none'")
  next()
})

app.use(
  session({
    secret: randomBytes(32).toString('base64url'),
    resave: false,
    saveUninitialized: false,
    // Behind HTTPS, set `secure: true`.
    cookie: { httpOnly: true, sameSite: 'strict' }
  })
)

// This line is the example. It comes after the session, which `authorize` needs, and before a catch-all route.
const tokens = bandwidthToken({
  authorize: (req) => req.session.user !== undefined,
  logger: console,
  ...(emulator && {
    tokenUrl: emulator.tokenUrl,
    clientId: emulator.clientId,
    clientSecret: emulator.clientSecret
  })
})
app.use(tokens)

app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))

const password = randomBytes(12).toString('base64url')

/** Compares in constant time: both digests have the same length. @param {string} given */
const isPassword = (given) =>
  timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', password, 'buffer'))

app.post('/sign-in', express.urlencoded(), (req, res, next) => {
  if (!isPassword(String(req.body?.password))) {
    res.status(401).type('text').send('Wrong password.')
    return
  }
  // A session id from before the sign-in may be known to others (session fixation).
  req.session.regenerate((error) => {
    if (error) return next(error)
    req.session.user = 'demo'
    res.sendStatus(204)
  })
})

app.post('/sign-out', (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.sendStatus(204)))
})

// The token in the server's own code. This answer shows nothing of it.
app.get('/status', async (req, res) => {
  if (req.session.user === undefined) {
    res.status(401).type('text').send('Sign in first.')
    return
  }
  const { accessTokenId, expiresIn } = await req.bandwidthToken()
  res.json({ accessTokenId, expiresIn })
})

/** @type {express.ErrorRequestHandler} */
const answerError = (error, _req, res, _next) => {
  // Only the messages of this package's errors are known to be safe to show.
  const { status, body } = errorAnswer(error) ?? {
    status: error.status ?? 500,
    body: '{"message":"Something went wrong."}'
  }
  if (status >= 500) console.error(error)
  res.status(status).type('json').send(body)
}
app.use(answerError)

const server = app.listen(Number(port), host, (error) => {
  if (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    fail(code === 'EADDRINUSE' ? `Port ${port} is taken. Choose another: PORT=3001` : message)
  }
  tokens.provider.warmUp().catch(() => {}) // The provider logs a failure. The app starts without a token too.

  const address = `http://${host}:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`
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
