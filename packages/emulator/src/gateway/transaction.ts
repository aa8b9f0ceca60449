import { randomBytes } from 'node:crypto'
import type { Entry } from '../received.js'
import { branchOf, formatResponse, header, type SipAnswer, type SipRequest, tagOf } from './sip.js'

/** The other end of a WebSocket. */
export interface Peer {
  /** The address of this machine to which the client is connected. */
  readonly localAddress: string
  send(text: string): void
  /** Drops the socket without a closing handshake. */
  drop(): void
}

/** A request and its responses. There are none after the final one (RFC 3261 §17.2). */
export class Transaction {
  readonly request: SipRequest
  readonly peer: Peer
  readonly entry: Entry
  readonly toTag: string
  readonly branch: string

  constructor(request: SipRequest, peer: Peer, entry: Entry) {
    this.request = request
    this.peer = peer
    this.entry = entry
    this.toTag = tagOf(header(request, 'to')) ?? randomBytes(8).toString('hex')
    this.branch = branchOf(request)
  }

  get isAnswered(): boolean {
    return this.entry.status !== undefined
  }

  reply(answer: SipAnswer): void {
    if (this.isAnswered) return
    if (answer.status >= 200) this.entry.status = answer.status
    // RFC 3261 §8.2.6.2: only a 100 may have no tag, because it creates no dialog.
    const tag = answer.status === 100 ? {} : { toTag: this.toTag }
    this.peer.send(formatResponse(this.request, { ...tag, ...answer }))
  }
}
