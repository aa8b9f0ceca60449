import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TokenProvider } from '@bandwidth-token/core'
import Koa, { type Context, type Middleware } from 'koa'
import { codeBlocks, read, root } from '../docs/documents.js'
import { answerOf, type Harness } from './adapters-harness.js'

/** The adapter of docs/writing-an-adapter.md. */
export type KoaAdapter = (options: unknown) => Middleware & {
  readonly provider: TokenProvider
  close(): Promise<void>
}

/** The blocks of the guide as files, its adapter loaded. They are in a folder of this process. */
export async function guide(): Promise<{ code: string; bandwidthToken: KoaAdapter; app: string }> {
  const [code = '', app = ''] = codeBlocks(await read('docs/writing-an-adapter.md'), 'js')
  const folder = join(root, `test/build/guide-${process.pid}`)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'adapter.mjs'), code)
  await writeFile(join(folder, 'app.mjs'), app)
  const { bandwidthToken } = (await import(pathToFileURL(join(folder, 'adapter.mjs')).href)) as {
    bandwidthToken: KoaAdapter
  }
  return { code, bandwidthToken, app: join(folder, 'app.mjs') }
}

/** How the contract suite starts an app on Koa. */
export function koaHarness(bandwidthToken: KoaAdapter): Harness {
  return {
    name: 'koa',
    async createServer(options, { mount, trustProxy = false, hook, errorHandler = 'own' }) {
      const errors: unknown[] = []
      const app = new Koa({ proxy: trustProxy })
      // Keeps the framework's own error handler from writing to the console.
      app.silent = true
      if (errorHandler === 'own') {
        app.use(async (ctx, next) => {
          try {
            await next()
          } catch (error) {
            errors.push(error)
            const { status, body } = answerOf(error)
            ctx.status = status
            ctx.type = 'json'
            ctx.body = body
          }
        })
      }
      app.use((ctx, next) => {
        hook?.(ctx, (status, text) => {
          ctx.respond = false
          ctx.res.writeHead(status, { 'Content-Type': 'text/plain' }).end(text)
        })
        return next()
      })
      const adapters = options.map((each) => bandwidthToken(each))
      for (const adapter of adapters) app.use(mount === undefined ? adapter : mountedAt(mount, adapter))
      app.use(async (ctx) => {
        if (ctx.path === '/app/plain') ctx.body = 'plain'
        if (ctx.path !== '/app/token') return
        const { accessToken } = (await ctx[String(ctx.query['as'] ?? 'bandwidthToken')]?.()) ?? {}
        ctx.body = { accessToken }
      })
      const server = createServer(app.callback()).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return {
        origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        errors,
        providers: adapters.map(({ provider }) => provider),
        close: async () => {
          await Promise.all(adapters.map((adapter) => adapter.close()))
          if (!server.listening) return
          server.close()
          server.closeAllConnections()
          await once(server, 'close')
        }
      }
    }
  }
}

/** Calls a middleware below a path, as `koa-mount` does. */
function mountedAt(mount: string, middleware: Middleware): Middleware {
  return async (ctx: Context, next) => {
    const { path } = ctx
    if (!path.startsWith(`${mount}/`)) return next()
    ctx.path = path.slice(mount.length)
    return middleware(ctx as never, async () => {
      ctx.path = path
      await next()
    })
  }
}
