const { once } = require('node:events')
const core = require('@bandwidth-token/core')
const expressAdapter = require('@bandwidth-token/express')
const fastifyAdapter = require('@bandwidth-token/fastify')
const express = require('express')
const Fastify = require('fastify')

const ask = async (origin) => {
  const response = await fetch(`${origin}/bandwidth/token`, { headers: { 'x-user': 'alice' } })
  return response.json()
}

async function askFastify(plugin) {
  const app = Fastify()
  await app.register(plugin, { authorize: (request) => request.headers['x-user'] === 'alice' })
  const answer = await ask(await app.listen({ host: '127.0.0.1', port: 0 }))
  await app.close()
  return answer
}

async function askExpress() {
  const middleware = expressAdapter.bandwidthToken({ authorize: (req) => req.get('x-user') === 'alice' })
  const server = express().use(middleware).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const answer = await ask(`http://127.0.0.1:${server.address().port}`)
  server.close()
  await middleware.close()
  return answer
}

async function askCore() {
  const provider = new core.TokenProvider()
  const token = await provider.getToken()
  await provider.close()
  return token.toResponse()
}

async function main() {
  const answers = {
    core: await askCore(),
    fastify: await askFastify(fastifyAdapter),
    fastifyNamed: await askFastify(fastifyAdapter.fastifyBandwidthToken),
    express: await askExpress()
  }
  process.stdout.write(JSON.stringify({ answers }))
}

main()
