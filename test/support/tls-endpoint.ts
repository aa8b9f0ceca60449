import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type LookupFunction, type Socket } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { type Authority, createAuthority, type KeyedCertificate } from './certificates.js'
import { type Answer, type Exchange, grant, listener, type ReceivedRequest } from './endpoint.js'
import type { Teardown } from './teardown.js'

/** A name that only the tests resolve. */
export const HOST = 'id.bandwidth.test'
/** A port on which nothing listens. */
export const NOBODY_PORT = 1

const toLoopback: LookupFunction = (_hostname, _options, done) =>
  done(null, [{ address: '127.0.0.1', family: 4 }])

/**
 * A token endpoint with TLS, its own host name and its own certificate. It can fail in every phase. The emulator has no
 * TLS, and its faults begin only after a request has arrived.
 */
export class TlsEndpoint {
  readonly tokenUrl = `https://${HOST}/api/v1/oauth2/token`
  readonly requests: ReceivedRequest[] = []
  readonly authority: Authority
  /** How many connections a client tried to make, and how many have arrived. */
  dials = 0
  connections = 0
  readonly #good: KeyedCertificate
  readonly #clients: { readonly ca?: string }
  readonly #server: Server
  readonly #sockets = new Map<number | undefined, Socket>()
  readonly #front = createTcpServer((socket) => this.#accept(socket))
  /** The faults, in the order of their phases: from the host name to the answer. */
  lookup: LookupFunction = toLoopback
  port = 0
  onConnection: ((socket: Socket) => void) | undefined
  answer: Answer = grant()

  private constructor(authority: Authority, certificate: KeyedCertificate, asksForCertificate: boolean) {
    this.authority = authority
    this.#good = certificate
    this.#clients = asksForCertificate ? { ca: authority.cert } : {}
    this.#server = createServer(
      { ...certificate, requestCert: asksForCertificate, ...this.#clients },
      listener(this.requests, (exchange) => this.answer(exchange))
    )
    // A client that does not trust the certificate disconnects.
    this.#server.on('tlsClientError', () => {})
  }

  /** Starts an endpoint that ends with the test. If it asks for a client certificate, its own authority must sign it. */
  static async start(t: Teardown, answer = grant(), asksForCertificate = false): Promise<TlsEndpoint> {
    const authority = await createAuthority()
    const endpoint = new TlsEndpoint(authority, await authority.issue(HOST), asksForCertificate)
    endpoint.answer = answer
    await endpoint.restart()
    t.teardown(() => endpoint.crash())
    return endpoint
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  /**
   * A dispatcher that trusts the endpoint's authority and connects to its current port. Its `destroy()` forgets a
   * connection that is still being made; the signal ends that one.
   */
  agent(signal?: AbortSignal): Agent {
    const connect = buildConnector({
      ca: this.authority.cert,
      lookup: (...args) => this.lookup(...args),
      ...(signal && { signal })
    })
    return new Agent({
      connect: (options, done) => {
        this.dials++
        connect({ ...options, port: String(this.port) }, done)
      }
    })
  }

  present(certificate: KeyedCertificate): void {
    this.#server.setSecureContext({ ...certificate, ...this.#clients })
  }

  /** Ends the connection of an exchange as a crash would: without TLS's close_notify. */
  reset({ socket }: Exchange): void {
    this.#sockets.get(socket.remotePort)?.resetAndDestroy()
  }

  /** Removes the fault, from the next connection on. */
  heal(): void {
    this.lookup = toLoopback
    this.port = (this.#front.address() as AddressInfo).port
    this.onConnection = undefined
    this.present(this.#good)
  }

  /** Every connection is reset, and the next ones are refused. */
  crash(): void {
    this.#front.close()
    this.port = NOBODY_PORT
    for (const socket of this.#sockets.values()) socket.resetAndDestroy()
  }

  /** Listens again, on another port, because the old one may be in use by now. */
  async restart(): Promise<void> {
    this.#front.listen(0, '127.0.0.1')
    await once(this.#front, 'listening')
    this.heal()
  }

  #accept(socket: Socket): void {
    this.connections++
    const { remotePort } = socket
    this.#sockets.set(remotePort, socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(remotePort))
    if (this.onConnection === undefined) this.#server.emit('connection', socket)
    else this.onConnection(socket.resume())
  }
}
