import { readFile } from 'node:fs/promises'
import type { Clock } from '@bandwidth-token/core'
import type { Emulator } from '@bandwidth-token/emulator'
import { fastifyBandwidthToken } from '@bandwidth-token/fastify'
import { type FastifyInstance, fastify } from 'fastify'
import { credentialsOf } from '../support/adapters-harness.js'
import type { Teardown } from '../support/teardown.js'

const packageFolder = new URL('.', import.meta.resolve('@bandwidth-token/browser'))
const sdkFolder = new URL('.', import.meta.resolve('@bandwidth/bw-webrtc-sdk'))

const importMap = JSON.stringify({
  imports: {
    '@bandwidth-token/browser': '/vendor/bandwidth-token/index.js',
    '@bandwidth/bw-webrtc-sdk': '/vendor/bw-webrtc-sdk/index.js'
  }
})
const head = '<!doctype html><html lang="en"><title>Dial</title><audio autoplay></audio>'

/** The page, without a build. */
const mapped = `${head}<script type="importmap">${importMap}</script>
<script type="module" src="/test/dial-page.js"></script>`

export interface DialApp {
  readonly server: FastifyInstance
  /** Behind the name that a page sees, which is that of its cookies too. */
  readonly origin: string
  /** Tokens that the route has given to pages, in order. */
  readonly served: { readonly id: string; readonly token: string }[]
  /** What the route has answered, in order. */
  readonly statuses: number[]
  /** What else there is to be had, by its path: type and content. */
  readonly files: Map<string, readonly [type: string, content: string | Uint8Array]>
}

/** A server of the user's: sign-in by a cookie, a page at `/`, and the token route of the plugin. */
export async function startDialApp(
  t: Teardown,
  emulator: Emulator,
  clock: Clock,
  allowedOrigins: string[] = []
): Promise<DialApp> {
  const server = fastify({ forceCloseConnections: true })
  t.teardown(() => server.close())
  const served: { id: string; token: string }[] = []
  const files: DialApp['files'] = new Map([['/', ['text/html', mapped]]])
  const statuses: number[] = []
  server.addHook('onSend', async ({ url }, { statusCode }, payload) => {
    if (url.startsWith('/bandwidth/token')) statuses.push(statusCode)
    const { access_token: token, access_token_id: id } = asToken(payload)
    if (token !== undefined) served.push({ id, token })
    return payload
  })
  // What @fastify/cors would do.
  server.addHook('onRequest', async ({ headers: { origin } }, reply) => {
    if (origin === undefined || !allowedOrigins.includes(origin)) return
    reply.headers({ 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' })
  })
  await server.register(fastifyBandwidthToken, {
    ...credentialsOf(emulator),
    clock,
    allowedOrigins,
    authorize: ({ headers }) => /\bsession=alice\b/.test(headers.cookie ?? '')
  })
  server.get('/sign-in', async (_request, reply) =>
    reply.header('set-cookie', 'session=alice; HttpOnly; SameSite=Lax; Path=/').redirect('/')
  )
  const folders: Record<string, URL> = {
    'bandwidth-token': packageFolder,
    'bw-webrtc-sdk': sdkFolder
  }
  server.get<{ Params: { name: string; '*': string } }>('/vendor/:name/*', async ({ params }, reply) => {
    const folder = folders[params.name]
    if (folder === undefined) return reply.callNotFound()
    return reply.type('text/javascript').send(await readFile(new URL(params['*'], folder)))
  })
  server.get('/test/dial-page.js', async (_request, reply) =>
    reply.type('text/javascript').send(await readFile(new URL('dial-page.js', import.meta.url)))
  )
  server.get<{ Params: { '*': string } }>('/*', async ({ params }, reply) => {
    const [type, content] = files.get(`/${params['*']}`) ?? []
    return content === undefined ? reply.callNotFound() : reply.type(`${type}`).send(content)
  })
  const { port } = new URL(await server.listen({ port: 0, host: '127.0.0.1' }))
  return { server, origin: `http://localhost:${port}`, served, statuses, files }
}

function asToken(payload: unknown): { access_token?: string; access_token_id: string } {
  try {
    return Object(JSON.parse(String(payload)))
  } catch {
    return { access_token_id: '' }
  }
}
