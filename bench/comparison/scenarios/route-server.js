// One app of one framework, as a process of its own: `node route-server.js <framework> <what> <credentials>`.
import { once } from 'node:events'
import { createServer } from 'node:http'

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
const READY = Promise.resolve()
const options = { ...JSON.parse(credentials), authorize: () => true }

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
  if (what === 'awaiting' || what === 'decorating') app.decorateRequest('bandwidthToken', decoration)
  if (what === 'awaiting') {
    app.get('/constant', { onRequest: (_request, _reply, done) => done() }, async (_request, reply) => {
      await READY
      reply.headers(HEADERS)
      return BODY
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
  if (what === 'decorating' || what === 'awaiting') {
    app.use((req, _res, next) => {
      req.bandwidthToken = decoration
      next()
    })
  }
  const answer = (res) => {
    res
      .set(HEADERS)
      .set('Content-Length', String(Buffer.byteLength(BODY)))
      .end(BODY)
  }
  app.get('/constant', (_req, res) => (what === 'awaiting' ? READY.then(() => answer(res)) : answer(res)))
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}
