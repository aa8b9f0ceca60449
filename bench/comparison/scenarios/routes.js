import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
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
  for (let round = 0; round < (isSmoke ? 1 : 15); round++) {
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
      isSmoke ? { rounds: 1, warmUps: 0 } : { rounds: 1, turns: 6, warmUps: 12 }
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
  const path = kind === 'token' ? '/bandwidth/token' : '/constant'
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Connection.open(port, path))
  )

  async function load(count) {
    let left = count
    const ask = async (connection) => {
      while (left-- > 0) await connection.ask()
    }
    await Promise.all(connections.map(ask))
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
      for (const connection of connections) connection.close()
      child.disconnect()
      await once(child, 'exit')
    }
  }
}

/** One connection, on which a request follows the response before. A client for HTTP would take longer than the server. */
class Connection {
  #socket
  #request
  #received = ''
  #answered = () => {}

  static async open(port, path) {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket, path)
  }

  constructor(socket, path) {
    this.#socket = socket.setEncoding('latin1').on('data', (text) => this.#read(text))
    this.#request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
  }

  ask() {
    return new Promise((resolve, reject) => {
      this.#answered = (text) =>
        /^HTTP\/1.1 200 .*access_token/s.test(text) ? resolve() : reject(new Error(text))
      this.#socket.write(this.#request)
    })
  }

  close() {
    this.#socket.destroy()
  }

  #read(text) {
    this.#received += text
    const [, head, length] = /^(.*?\r\ncontent-length: (\d+)\r\n.*?\r\n\r\n)/is.exec(this.#received) ?? []
    if (head === undefined || this.#received.length < head.length + Number(length)) return
    const response = this.#received
    this.#received = ''
    this.#answered(response)
  }
}
