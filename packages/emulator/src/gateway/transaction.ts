import { randomBytes } from 'node:crypto'
import type { Entry } from '../received.js'
import { branchOf, formatResponse, header, type SipAnswer, type SipRequest, tagOf } from './sip.js'

/** The other end of a WebSocket. */
export interface Peer {
  /** The address of this machine that the client has connected to. */
  readonly localAddress: string
  send(text: string): void
  /** Drops the socket without a word. */
  drop(): void
}

/** A request and the responses to it; after the final one there are no more (RFC 3261 §17.2). */
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
    // RFC 3261 §8.2.6.2: only a 100 may come without a tag, since it makes no dialog.
    const tag = answer.status === 100 ? {} : { toTag: this.toTag }
    this.peer.send(formatResponse(this.request, { ...tag, ...answer }))
  }
}
