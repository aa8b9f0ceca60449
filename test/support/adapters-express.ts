import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BandwidthTokenOptions, bandwidthToken } from '@bandwidth-token/express'
import type express from 'express'
import type { NextFunction, Request, Response } from 'express'
import { answerOf, type Harness } from './adapters-harness.js'

type Asking = Record<string, () => Promise<{ accessToken: string }>>

/** How the contract suite starts an app on a version of Express. */
export function expressHarness(name: string, createApp: typeof express): Harness {
  return {
    name,
    async createServer(options, { mount, trustProxy = false, hook, errorHandler = 'own' }) {
      const errors: unknown[] = []
      const app = createApp()
      // Keeps the framework's own error handler from writing to the console.
      app.set('env', 'test')
      app.set('trust proxy', trustProxy)
      if (hook !== undefined) {
        app.use((req, res, next) => {
          hook(req, (status, text) => void res.status(status).type('text').send(text))
          next()
        })
      }
      const middlewares = options.map((each) => bandwidthToken(each as BandwidthTokenOptions))
      for (const middleware of middlewares) app.use(mount ?? '/', middleware)
      app.get('/app/plain', (_req, res) => {
        res.send('plain')
      })
      app.get('/app/token', (req, res, next) => {
        const as = String(req.query['as'] ?? 'bandwidthToken')
        Promise.resolve((req as unknown as Asking)[as]?.())
          .then((token) => res.json({ accessToken: token?.accessToken }))
          .catch(next)
      })
      if (errorHandler === 'own') {
        app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
          errors.push(error)
          const { status, body } = answerOf(error)
          res.status(status).type('json').send(body)
        })
      }
      const server = createServer(app).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return {
        origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        errors,
        providers: middlewares.map(({ provider }) => provider),
        close: async () => {
          await Promise.all(middlewares.map((middleware) => middleware.close()))
          if (!server.listening) return
          server.close()
          server.closeAllConnections()
          await once(server, 'close')
        }
      }
    }
  }
}
