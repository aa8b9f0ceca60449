import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TokenHandlerOptions, tokenHandler } from '@bandwidth-token/web'
import { createAdaptorServer } from '@hono/node-server'
import { type AppRequest, answerOf, type Harness } from './adapters-harness.js'

/** How the contract suite starts an app that mounts the handler itself, on a server that makes web requests. */
export const webHarness: Harness = {
  name: 'web',
  isMounted: false,
  async createServer(options, { mount = '', hook, errorHandler = 'own' }) {
    const errors: unknown[] = []
    const handlers = options.map((each) => tokenHandler(each as TokenHandlerOptions))

    async function route(request: Request): Promise<Response> {
      const { pathname } = new URL(request.url)
      const [handler] = handlers
      if (pathname === `${mount}/bandwidth/token` && handler !== undefined) return handler(request)
      if (pathname === '/app/token' && handler !== undefined) {
        const { accessToken } = await handler.tokenFor(request)
        return Response.json({ accessToken })
      }
      return new Response('plain', { status: pathname === '/app/plain' ? 200 : 404 })
    }

    function errorResponse(error: unknown): Response {
      if (errorHandler === 'framework') return new Response('Internal Server Error', { status: 500 })
      errors.push(error)
      const { status, body } = answerOf(error)
      return new Response(body, { status, headers: { 'content-type': 'application/json' } })
    }

    /** The app. Its hook may answer before the handler does. */
    function answer(request: Request): Promise<Response> {
      const { headers } = request
      // The suite reads headers as Node has them, by their names.
      Object.assign(headers, Object.fromEntries(headers))
      return new Promise((resolve) => {
        let isAnswered = false
        const answerEarly = (status: number, text: string) => {
          isAnswered = true
          resolve(new Response(text, { status }))
        }
        const handle = async () => {
          hook?.(request as unknown as AppRequest, answerEarly)
          return route(request)
        }
        handle().then(resolve, (error) => isAnswered || resolve(errorResponse(error)))
      })
    }

    const server = createAdaptorServer({ fetch: answer, overrideGlobalObjects: false }) as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      errors,
      providers: handlers.map(({ provider }) => provider),
      close: async () => {
        await Promise.all(handlers.map((handler) => handler.close()))
        if (!server.listening) return
        server.close()
        server.closeAllConnections()
        await once(server, 'close')
      }
    }
  }
}
