// One app of one framework, as a process of its own: `node route-server.js <framework> <what> <credentials>`.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { requestToken } from '../hand-written.js'

const [, , framework, what, credentials] = process.argv
const HEADERS = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  'Content-Type': 'application/json; charset=utf-8'
}
const BODY = JSON.stringify({
  access_token: ''.padEnd(600, 'x'),
  access_token_id: 'id-1',
  token_type: 'Bearer',
  expires_in: 599
})
function decoration() {}
const options = { ...JSON.parse(credentials), authorize: () => true }

/**
 * What a token route has to do at least: to get a token, to check the origin, to ask `authorize`, to await the token, to
 * count its seconds.
 */
const isLimit = what === 'least' || what === 'decorating'
const READY = isLimit ? requestToken(JSON.parse(credentials), (await import('undici')).fetch) : undefined
await READY
const isAllowed = ({ headers }) =>
  headers['sec-fetch-site'] === 'same-origin' ||
  headers['sec-fetch-site'] === 'none' ||
  headers.origin === undefined
let lastSeconds
let lastBody
async function leastBody(request) {
  if ((await options.authorize(request)) !== true) return '{}'
  const { expiresAtMs } = await READY
  const seconds = Math.floor((expiresAtMs - Date.now()) / 1000)
  if (seconds !== lastSeconds) {
    lastSeconds = seconds
    lastBody = JSON.stringify({ ...JSON.parse(BODY), expires_in: seconds })
  }
  return lastBody
}

const port = framework === 'fastify' ? await startFastify() : await startExpress()
process.on('message', () => process.send(process.cpuUsage()))
process.on('disconnect', () => process.exit())
process.send({ port })

async function startFastify() {
  const { default: Fastify } = await import('fastify')
  const app = Fastify()
  if (what === 'token' || what === 'other') {
    const { fastifyBandwidthToken } = await import('@bandwidth-token/fastify')
    await app.register(fastifyBandwidthToken, options)
  }
  if (isLimit) app.decorateRequest('bandwidthToken', decoration)
  if (what === 'least') {
    const onRequest = (request, _reply, done) =>
      done(isAllowed(request) ? undefined : new Error('another origin'))
    app.get('/constant', { onRequest }, async (request, reply) => {
      const body = await leastBody(request)
      reply.headers(HEADERS)
      return body
    })
  } else {
    app.get('/constant', (_request, reply) => {
      reply.headers(HEADERS).send(BODY)
    })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server.address().port
}

async function startExpress() {
  const { default: express } = await import('express')
  const app = express()
  if (what === 'token' || what === 'other') {
    const { bandwidthToken } = await import('@bandwidth-token/express')
    app.use(bandwidthToken(options))
  }
  if (isLimit) {
    app.use((req, _res, next) => {
      req.bandwidthToken = decoration
      next()
    })
  }
  const answer = (res, body) => {
    res
      .set(HEADERS)
      .set('Content-Length', String(Buffer.byteLength(body)))
      .end(body)
  }
  app.get('/constant', (req, res, next) => {
    if (what !== 'least') answer(res, BODY)
    else if (isAllowed(req)) leastBody(req).then((body) => answer(res, body), next)
    else next(new Error('another origin'))
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}
