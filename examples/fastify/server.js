import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { startEmulator } from '@bandwidth-token/emulator'
import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyCookie from '@fastify/cookie'
import fastifyFormbody from '@fastify/formbody'
import fastifySession from '@fastify/session'
import { dialpad } from 'example-dialpad'
import Fastify from 'fastify'

const host = '127.0.0.1'
const port = process.env.PORT || '3000'
if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) fail('PORT must be a whole number from 0 to 65535.')

const { BW_CLIENT_ID, BW_CLIENT_SECRET, BW_GATEWAY_URL, BW_NUMBER } = process.env
if (!BW_CLIENT_ID !== !BW_CLIENT_SECRET) fail('Set both BW_CLIENT_ID and BW_CLIENT_SECRET, or neither.')
if (BW_GATEWAY_URL && !(URL.canParse(BW_GATEWAY_URL) && /^wss?:/.test(BW_GATEWAY_URL))) {
  fail('BW_GATEWAY_URL must be an address that begins with wss:// or ws://.')
}

// Without credentials, an emulator stands in for Bandwidth.
const emulator = BW_CLIENT_ID ? undefined : await startEmulator()

const app = Fastify({ logger: { level: 'warn' } })

await app.register(fastifyFormbody)
await app.register(fastifyCookie)
await app.register(fastifySession, {
  secret: randomBytes(32).toString('base64url'),
  saveUninitialized: false,
  // Behind HTTPS, set `secure: true`.
  cookie: { httpOnly: true, sameSite: 'strict', secure: false }
})

// This line is the example. It comes after the session, which `authorize` needs.
await app.register(fastifyBandwidthToken, {
  authorize: (request) => request.session.user !== undefined,
  ...(emulator && {
    tokenUrl: emulator.tokenUrl,
    clientId: emulator.clientId,
    clientSecret: emulator.clientSecret
  })
})

// The page, which places calls with those tokens.
await app.register(dialpad, {
  gatewayUrl: emulator?.gatewayUrl ?? (BW_GATEWAY_URL || undefined),
  caller: BW_NUMBER || undefined
})

const password = randomBytes(12).toString('base64url')

/** Compares in constant time: both digests have the same length. @param {string} given */
const isPassword = (given) =>
  timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', password, 'buffer'))

app.post('/sign-in', async (request, reply) => {
  const form = /** @type {{ password?: unknown } | undefined} */ (request.body)
  if (!isPassword(String(form?.password))) return reply.code(401).send('Wrong password.')
  await request.session.regenerate() // An id from before the sign-in may be known to others (session fixation).
  request.session.user = 'demo'
  return reply.code(204).send()
})

app.post('/sign-out', async (request, reply) => {
  await request.session.destroy()
  return reply.code(204).send()
})

// The token in the server's own code. This answer shows nothing of it.
app.get('/status', async (request, reply) => {
  if (request.session.user === undefined) return reply.code(401).send('Sign in first.')
  const { accessTokenId, expiresIn } = await request.bandwidthToken()
  return { accessTokenId, expiresIn }
})

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)

/** @type {string} */
let address
try {
  address = await app.listen({ host, port: Number(port) })
} catch (error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
  fail(code === 'EADDRINUSE' ? `Port ${port} is taken. Choose another: PORT=3001` : message)
}

const source = emulator
  ? 'Without BW_CLIENT_ID and BW_CLIENT_SECRET: an emulator in this process takes the calls. You hear yourself.'
  : 'Tokens come from Bandwidth.'
console.log(`
${source}
Open ${address}, sign in with the password ${password} and dial,
or paste this line, which signs in and fetches a token:

curl -s -b '' -d password=${password} ${address}/sign-in --next -s -b '' ${address}/bandwidth/token
`)

async function stop() {
  await app.close()
  await emulator?.close()
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message)
  process.exit(1)
}
