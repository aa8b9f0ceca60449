import { once } from 'node:events'
import { TokenProvider } from '@bandwidth-token/core'
import { startEmulator } from '@bandwidth-token/emulator'
import expressDefault from '@bandwidth-token/express'
import fastifyDefault from '@bandwidth-token/fastify'
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
  const provider = new TokenProvider(options)
  const token = await provider.getToken()
  await provider.close()
  return token.toResponse()
}

async function askEmulator() {
  const running = await startEmulator()
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
    emulator: await askEmulator(),
    answers: {
      core: await askCore(),
      fastify: await askFastify(),
      express: await askExpress(),
      ...(await askThroughUndici())
    }
  })
)
