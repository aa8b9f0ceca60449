import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { format } from 'node:util'
import express from 'express'
import { fastify } from 'fastify'
import { express4 } from '../adapters-express4.js'
import { until } from '../outcomes.js'
import type { Teardown } from '../teardown.js'

interface App {
  readonly name: string
  readonly origin: string
}

/** Frameworks read their mode when an app is made. */
export async function inMode<T>(mode: string, make: () => Promise<T>): Promise<T> {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = mode
  try {
    return await make()
  } finally {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  }
}

/** The error handlers that frameworks bring along, in development and in production, and what they show and log. */
export class ErrorHandlers {
  readonly #apps: App[] = []
  readonly #errors = new Map<string, unknown>()
  #logged = ''
  #asked = 0
  #done = 0

  /** Apps on real sockets, until the test ends. */
  static async start(t: Teardown): Promise<ErrorHandlers> {
    const handlers = new ErrorHandlers()
    // Where Express writes its errors to.
    const { error } = console
    console.error = (...args) => {
      handlers.#logged += `${format(...args)}\n`
      handlers.#done++
    }
    t.teardown(() => {
      console.error = error
    })
    for (const mode of ['development', 'production']) {
      await inMode(mode, async () => {
        await handlers.#startFastify(t, mode)
        await handlers.#startExpress(t, `Express 4 in ${mode}`, express4)
        await handlers.#startExpress(t, `Express 5 in ${mode}`, express)
      })
    }
    return handlers
  }

  /** What each of them makes of an error: status line, headers and body, and what it wrote to its log. */
  async show(error: unknown): Promise<[way: string, text: string][]> {
    this.#asked += this.#apps.length
    const asked = this.#asked
    const id = String(asked)
    this.#errors.set(id, error)
    const shown = await Promise.all(
      this.#apps.map(async ({ name, origin }): Promise<[string, string]> => {
        const response = await fetch(`${origin}/${id}`)
        const headers = JSON.stringify([...response.headers])
        return [name, `${response.status} ${response.statusText}\n${headers}\n${await response.text()}`]
      })
    )
    this.#errors.delete(id)
    // They write to their logs after they have answered.
    await until(() => this.#done >= asked)
    const logged = this.#logged
    this.#logged = ''
    return [...shown, ['their logs', logged]]
  }

  #take(id: string | undefined): unknown {
    return this.#errors.get(id ?? '')
  }

  async #startFastify(t: Teardown, mode: string): Promise<void> {
    const stream = {
      write: (line: string) => {
        this.#logged += line
        if (line.includes('"request completed"')) this.#done++
      }
    }
    const app = fastify({ logger: { level: 'trace', stream }, forceCloseConnections: true })
    app.get<{ Params: { id: string } }>('/:id', async (request) => {
      throw this.#take(request.params.id)
    })
    t.teardown(() => app.close())
    this.#apps.push({ name: `Fastify in ${mode}`, origin: await app.listen({ port: 0, host: '127.0.0.1' }) })
  }

  async #startExpress(t: Teardown, name: string, createApp: typeof express): Promise<void> {
    const app = createApp()
    app.get('/:id', (request, _response, next) => next(this.#take(request.params.id)))
    const server = createServer(app as RequestListener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.close()
      server.closeAllConnections()
    })
    this.#apps.push({ name, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  }
}
