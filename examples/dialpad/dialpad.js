import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'

/** Bandwidth's gateway for tokens of the Global network. */
const GATEWAY_URL = 'wss://sbc.webrtc-app.bandwidth.com:10081'

/** The servers that Bandwidth's own dial pad uses. A gateway on this machine needs none. */
const STUN_SERVERS = ['stun.l.google.com:19302']

/**
 * Serves the dial pad: the page, the token source, Bandwidth's SDK, and the address of the gateway.
 *
 * @param {import('fastify').FastifyInstance} app
 * @param {{ gatewayUrl?: string | undefined, caller?: string | undefined }} options `gatewayUrl`: the gateway.
 *   Default: that of the Global network. `caller`: the number from which calls are placed
 */
export async function dialpad(app, { gatewayUrl = GATEWAY_URL, caller = 'anonymous' }) {
  const { hostname, origin, protocol } = new URL(gatewayUrl)

  // Only scripts and styles of this server, and connections only to it and to the gateway.
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${origin}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'"
  ].join('; ')
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Content-Security-Policy', policy)
  })

  const gateway = {
    addresses: [gatewayUrl],
    domain: hostname,
    iceServers: protocol === 'wss:' ? STUN_SERVERS : [],
    caller
  }
  app.get('/gateway.js', async (_request, reply) =>
    reply.type('text/javascript').send(`export const gateway = ${JSON.stringify(gateway)}\n`)
  )

  await app.register(fastifyStatic, { root: new URL('public', import.meta.url) })
  await serve('/token-source/', '@bandwidth-token/browser')
  await serve('/sdk/', '@bandwidth/bw-webrtc-sdk/dist/bw_webrtc_sdk.js')

  /** Serves the folder of a module. @param {string} prefix @param {string} module */
  async function serve(prefix, module) {
    const root = dirname(fileURLToPath(import.meta.resolve(module)))
    await app.register(fastifyStatic, { root, prefix, decorateReply: false })
  }
}
