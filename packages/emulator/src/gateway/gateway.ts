import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { asksForWebSocket } from '../listen.js'
import type { Entry } from '../received.js'
import type { TokenCheck } from './bearer.js'
import { Call, type CallContext, callKey } from './call.js'
import { handshakeError, refuse, withoutUpgrade } from './handshake.js'
import type { CheckedInviteFault } from './invite-fault.js'
import { createMedia } from './media.js'
import { header, parseRequest, requestError, type SipAnswer, type SipRequest, tagOf } from './sip.js'
import { type Peer, Transaction } from './transaction.js'

export interface GatewayOptions {
  readonly check: TokenCheck
  record(entry: Entry): Entry
  /** Takes the fault of the next call. Called once for each call. */
  nextFault(): CheckedInviteFault
}

/** The most bytes of one message. A browser's INVITE has about 3,000. */
const messageLimit = 64 * 1024

/** The most bytes that wait for a client that sends but does not read. */
const backlogLimit = 1024 * 1024

const methods = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'INFO']
/** The methods of RFC 3261 and its extensions. All others are unknown. */
const otherMethods = ['REGISTER', 'PRACK', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'REFER', 'MESSAGE', 'UPDATE']
const abilities = { Allow: methods.join(', '), Accept: 'application/sdp' }

/** SIP over WebSocket (RFC 7118), as far as a call from a browser needs it. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #context: CallContext
  readonly #media = createMedia()
  readonly #calls = new Map<string, Call>()
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageLimit,
    handleProtocols: () => 'sip'
  })

  constructor(server: Server, options: GatewayOptions) {
    const { host } = new URL(options.check.issuer)
    this.#options = options
    this.#context = {
      check: options.check,
      media: this.#media,
      headers: { Contact: `<sip:emulator@${host};transport=ws>`, ...abilities }
    }
    server.on('upgrade', (request, socket, head) => this.#upgrade(server, request, socket as Socket, head))
  }

  /** Ends every call and every socket at once. */
  async close(): Promise<void> {
    for (const call of this.#calls.values()) call.end()
    for (const socket of this.#sockets.clients) socket.terminate()
    await this.#media.stop()
  }

  #upgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (!asksForWebSocket(request)) {
      // Before Node 24.9, a server that listens for upgrades gets all of them. This one is an ordinary
      // request: pass it on as such.
      socket.unshift(Buffer.concat([Buffer.from(withoutUpgrade(request), 'latin1'), head]))
      server.emit('connection', socket)
      return
    }
    const { address } = server.address() as AddressInfo
    const error = handshakeError(request, address)
    if (error !== undefined) {
      refuse(socket, error)
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#serve(webSocket, socket))
  }

  #serve(webSocket: WebSocket, { localAddress = '127.0.0.1' }: Socket): void {
    const lost = () => {
      for (const call of this.#calls.values()) call.lose(peer)
    }
    const peer: Peer = {
      // A socket for both families shows an IPv4 address as an IPv6 one.
      localAddress: localAddress.replace(/^::ffff:/i, ''),
      send(text) {
        webSocket.send(text)
        if (webSocket.bufferedAmount > backlogLimit) webSocket.terminate()
      },
      drop() {
        webSocket.terminate()
        lost()
      }
    }
    webSocket.on('error', () => undefined)
    webSocket.on('close', lost)
    webSocket.on('message', (data: RawData) => {
      // The socket was dropped: ignore what arrived before.
      if (webSocket.readyState !== webSocket.OPEN) return
      const text = data.toString()
      // RFC 7118 §6: a keep-alive and its answer.
      if (text === '\r\n\r\n') peer.send('\r\n')
      const request = parseRequest(text)
      if (request !== undefined) this.#receive(request, peer)
    })
  }

  #receive(request: SipRequest, peer: Peer): void {
    const entry = this.#options.record({
      method: request.method,
      path: plainUri(request.uri),
      clientId: undefined,
      secretCorrect: false,
      scope: undefined,
      status: undefined
    })
    const transaction = new Transaction(request, peer, entry)
    const answer = refusalOf(request) ?? this.#dispatch(transaction)
    // An ACK is never answered, whatever is wrong with it (RFC 3261 §17).
    if (answer !== undefined && request.method !== 'ACK') transaction.reply(answer)
  }

  /** The answer. `undefined` for an INVITE that begins a call: its answer comes later. */
  #dispatch(transaction: Transaction): SipAnswer | undefined {
    const { request } = transaction
    const { method } = request
    const key = callKey(request)
    const call = this.#calls.get(key)
    if (method === 'CANCEL') return call?.cancel(transaction) ?? { status: 481 }
    if (tagOf(header(request, 'to')) !== undefined) {
      return call?.toTag === transaction.toTag ? call.handle(transaction) : { status: 481 }
    }
    if (method === 'OPTIONS') return { status: 200, headers: abilities }
    if (method !== 'INVITE') return { status: 481 }
    if (call !== undefined) return { status: 482 }
    this.#begin(key, transaction)
    return undefined
  }

  #begin(key: string, invite: Transaction): void {
    const call = new Call(invite, this.#options.nextFault(), this.#context)
    this.#calls.set(key, call)
    call.ended.addEventListener('abort', () => this.#calls.delete(key))
    call.answer()
  }
}

/** The answer to a malformed request, or to one whose method is not supported. */
function refusalOf(request: SipRequest): SipAnswer | undefined {
  const { method } = request
  const reason = requestError(request)
  if (reason !== undefined) return { status: 400, reason }
  const required = header(request, 'require')
  if (required !== undefined && method !== 'CANCEL') {
    return { status: 420, headers: { Unsupported: required } }
  }
  if (otherMethods.includes(method)) return { status: 405, headers: abilities }
  return methods.includes(method) ? undefined : { status: 501 }
}

/** A SIP URI without its password, parameters and headers. */
function plainUri(uri: string): string {
  return (/^[^;?]*/.exec(uri)?.[0] ?? '').replace(/^(\w+:[^@:]*):[^@]*@/, '$1@').slice(0, 256)
}
