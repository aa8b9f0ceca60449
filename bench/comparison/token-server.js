import { once } from 'node:events'
import { createServer } from 'node:http'

const LIFETIME_S = 600
/** As long as Bandwidth's tokens are. */
const TOKEN_LENGTH = 600

/** A token endpoint on loopback that grants tokens of 600 s, and counts. It goes by the process's own wall clock. */
export class TokenServer {
  /** Requests so far. */
  requests = 0
  /** Requests that have no answer yet. */
  inFlight = 0
  /** Whether it answers 503. */
  isDown = false
  /** When each token expires, in milliseconds since 1970. */
  expiresAtMs = new Map()
  #server = createServer((request, response) => this.#answer(request, response))

  static async start() {
    const server = new TokenServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get origin() {
    return `http://127.0.0.1:${this.#server.address().port}`
  }

  get credentials() {
    return { tokenUrl: `${this.origin}/token`, clientId: 'bench', clientSecret: 'secret' }
  }

  async close() {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #answer(request, response) {
    this.requests++
    this.inFlight++
    response.once('close', () => {
      this.inFlight--
    })
    await once(request.resume(), 'end')
    response.setHeader('Content-Type', 'application/json')
    if (this.isDown) {
      response.writeHead(503).end('{}')
      return
    }
    const token = `${this.requests}.`.padEnd(TOKEN_LENGTH, 'x')
    this.expiresAtMs.set(token, Date.now() + LIFETIME_S * 1000)
    response.end(
      JSON.stringify({
        access_token: token,
        access_token_id: `id-${this.requests}`,
        token_type: 'Bearer',
        expires_in: LIFETIME_S
      })
    )
  }
}
