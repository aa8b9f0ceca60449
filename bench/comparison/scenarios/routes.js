import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { inTurns } from '../measure.js'

const CONNECTIONS = 64
const FRAMEWORKS = ['fastify', 'express']
const KINDS = ['bare', 'token', 'other', 'least', 'decorating']

/**
 * The server's processor time for a request, in microseconds: of the token route, of a constant route with the same
 * headers in an app without the plugin (`bare`), of that route in an app with it (`other`), of the least that a token
 * route has to do (`least`), and of the constant route where each request has a function more (`decorating`). Each round
 * starts new processes, because no two of them are equally fast.
 */
export async function routes({ server, isSmoke }) {
  const figures = {}
  for (let round = 0; round < (isSmoke ? 1 : 9); round++) {
    for (const [name, [figure]] of Object.entries(await oneRound(server, isSmoke))) {
      figures[name] = [...(figures[name] ?? []), figure]
    }
  }
  return figures
}

async function oneRound(server, isSmoke) {
  const requests = isSmoke ? 128 : 640
  const wanted = FRAMEWORKS.flatMap((framework) => KINDS.map((kind) => [framework, kind]))
  const apps = await Promise.all(wanted.map(([framework, kind]) => start(framework, kind, server)))
  try {
    const measurements = Object.fromEntries(apps.map((app) => [app.name, () => app.timeOf(requests)]))
    return await inTurns(
      measurements,
      isSmoke ? { rounds: 1, warmUps: 0 } : { rounds: 1, turns: 5, warmUps: 8 }
    )
  } finally {
    await Promise.all(apps.map((app) => app.close()))
  }
}

async function start(framework, kind, server) {
  const child = fork(fileURLToPath(new URL('route-server.js', import.meta.url)), [
    framework,
    kind,
    JSON.stringify(server.credentials)
  ])
  const [{ port }] = await once(child, 'message')
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS })
  const path = kind === 'token' ? '/bandwidth/token' : '/constant'

  async function load(count) {
    let left = count
    const connection = async () => {
      while (left-- > 0) {
        const { statusCode, body } = await pool.request({ method: 'GET', path })
        const text = await body.text()
        if (statusCode !== 200 || !text.includes('access_token'))
          throw new Error(`${framework} ${kind}: ${statusCode}`)
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  }

  async function cpuTimeUs() {
    child.send('cpu')
    const [{ user, system }] = await once(child, 'message')
    return user + system
  }

  return {
    name: `${framework} ${kind}`,
    async timeOf(requests) {
      const before = await cpuTimeUs()
      await load(requests)
      return ((await cpuTimeUs()) - before) / requests
    },
    async close() {
      await pool.close()
      child.disconnect()
      await once(child, 'exit')
    }
  }
}
