import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EmulatorError } from './errors.js'

export interface Listening {
  readonly server: Server
  readonly origin: string
  close(): Promise<void>
}

/** As of Node 24.9, which is newer than the types. */
const serverOptions: ServerOptions & { shouldUpgradeCallback(request: IncomingMessage): boolean } = {
  shouldUpgradeCallback: asksForWebSocket
}

/** Some HTTP clients offer HTTP/2 in passing, which is no reason to leave HTTP/1.1. */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/** Opens the port. */
export async function listen({ host, port }: { host: string; port: number }): Promise<Listening> {
  const server = createServer(serverOptions)
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new EmulatorError('ERR_BANDWIDTH_EMULATOR_LISTEN', explain(error, host, port))
  }
  return {
    server,
    origin: `http://${reachable(host)}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        // Also called back, with an error, where it was closed before.
        server.close(() => resolve())
        // Connections that a fault keeps hanging would never end by themselves.
        server.closeAllConnections()
      })
  }
}

function explain(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is taken; choose another, or 0 for a free one`
  return `cannot listen on port ${port} of host ${host} (${code})`
}

/** "All addresses" is nothing one can connect to; loopback is among them. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
