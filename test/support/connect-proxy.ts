import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Teardown } from './teardown.js'

/** A proxy that opens all tunnels to one port, whatever host is asked for, and records all that it can read. */
export class ConnectProxy {
  /** The targets that it was asked to connect to, and the headers. */
  readonly requests: IncomingMessage[] = []
  /** The bytes that clients sent through it. */
  read = ''
  /** The answer to send instead of opening a tunnel. */
  onConnect: ((socket: Socket) => void) | undefined
  readonly #target: () => number
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer()

  private constructor(target: () => number) {
    this.#target = target
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('connect', (request, socket: Socket) => {
      this.requests.push(request)
      if (this.onConnect === undefined) this.#tunnel(socket)
      else this.onConnect(socket.on('end', () => socket.end()).resume())
    })
  }

  /** A proxy to the port that `target` names, until the test ends. */
  static async start(t: Teardown, target: () => number): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    t.teardown(() => {
      proxy.#server.close()
      for (const socket of proxy.#sockets) socket.destroy()
    })
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  #tunnel(socket: Socket): void {
    const upstream = connect(this.#target(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.on('data', (chunk) => {
        this.read += chunk.toString('latin1')
      })
      socket.pipe(upstream).pipe(socket)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
  }
}
