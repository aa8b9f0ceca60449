import { once } from 'node:events'
import * as browser from '@bandwidth-token/browser'
import * as core from '@bandwidth-token/core'
import * as emulator from '@bandwidth-token/emulator'
import expressDefault, * as expressAdapter from '@bandwidth-token/express'
import fastifyDefault, * as fastifyAdapter from '@bandwidth-token/fastify'
import * as redis from '@bandwidth-token/redis'
import express from 'express'
import Fastify from 'fastify'

const ask = async (origin) => {
  const response = await fetch(`${origin}/bandwidth/token`, { headers: { 'x-user': 'alice' } })
  return response.json()
}

async function askFastify() {
  const app = Fastify()
  await app.register(fastifyDefault, { authorize: (request) => request.headers['x-user'] === 'alice' })
  const answer = await ask(await app.listen({ host: '127.0.0.1', port: 0 }))
  await app.close()
  return answer
}

async function askExpress() {
  const middleware = expressDefault({ authorize: (req) => req.get('x-user') === 'alice' })
  const server = express().use(middleware).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const answer = await ask(`http://127.0.0.1:${server.address().port}`)
  server.close()
  await middleware.close()
  return answer
}

async function askCore(options) {
  const provider = new core.TokenProvider(options)
  const token = await provider.getToken()
  await provider.close()
  return token.toResponse()
}

async function askEmulator() {
  const running = await emulator.startEmulator()
  const { tokenUrl, clientId, clientSecret } = running
  const answer = await askCore({ tokenUrl, clientId, clientSecret })
  await running.close()
  return answer
}

/** undici 8 needs Node 22.19. */
async function askThroughUndici() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const runsUndici8 = major > 22 || (major === 22 && minor >= 19)
  const answers = {}
  for (const name of ['undici6', 'undici7', ...(runsUndici8 ? ['undici8'] : [])]) {
    const { Agent } = await import(name)
    const dispatcher = new Agent()
    answers[name] = await askCore({ dispatcher })
    await dispatcher.close()
  }
  return answers
}

process.stdout.write(
  JSON.stringify({
    exports: {
      '@bandwidth-token/browser': Object.keys(browser),
      '@bandwidth-token/core': Object.keys(core),
      '@bandwidth-token/emulator': Object.keys(emulator),
      '@bandwidth-token/express': Object.keys(expressAdapter),
      '@bandwidth-token/fastify': Object.keys(fastifyAdapter),
      '@bandwidth-token/redis': Object.keys(redis)
    },
    emulator: await askEmulator(),
    answers: {
      core: await askCore(),
      fastify: await askFastify(),
      express: await askExpress(),
      ...(await askThroughUndici())
    }
  })
)
