import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EmulatorError } from './errors.js'

export interface Listening {
  readonly server: Server
  readonly origin: string
  close(): Promise<void>
}

/** An option that Node has since 24.9. The type declarations are older. */
const serverOptions: ServerOptions & { shouldUpgradeCallback(request: IncomingMessage): boolean } = {
  shouldUpgradeCallback: asksForWebSocket
}

/** Some HTTP clients offer an upgrade to HTTP/2 in every request. Ignore it and stay with HTTP/1.1. */
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
        // If the server was closed before, this is called with an error. Ignore it.
        server.close(() => resolve())
        // A connection that hangs because of a fault would never end by itself.
        server.closeAllConnections()
      })
  }
}

function explain(error: unknown, host: string, port: number): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is taken; choose another, or 0 for a free one`
  return `cannot listen on port ${port} of host ${host} (${code})`
}

/** Nobody can connect to the address that stands for all addresses. Loopback is one of them. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
