import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { checkBearer, type TokenCheck } from './bearer.js'
import type { CallMedia } from './call-media.js'
import type { CheckedInviteFault } from './invite-fault.js'
import { type Local, type Offer, readOffer, sends, writeAnswer } from './offer.js'
import { header, type SipAnswer, type SipRequest, sequenceOf, tagOf } from './sip.js'
import type { Peer, Transaction } from './transaction.js'

export interface CallContext {
  readonly check: TokenCheck
  readonly media: CallMedia
  /** Headers of every response that begins or changes a call: the gateway's address and its abilities. */
  readonly headers: Readonly<Record<string, string>>
}

interface OpenMedia {
  readonly local: Local
  /** The browser's ICE credentials. If a re-INVITE brings others, it asks for an ICE restart. */
  readonly ufrag: string
}

/** How long a call outlives its WebSocket, so that a client can reconnect to it: 64 × T1 of RFC 3261. */
const orphanMs = 32_000

/** One call, from its INVITE to its end. */
export class Call {
  readonly toTag: string
  readonly #invite: Transaction
  readonly #fault: CheckedInviteFault
  readonly #context: CallContext
  readonly #ended = new AbortController()
  readonly #id: number
  readonly #session = String(randomInt(2 ** 47))
  #peer: Peer
  #orphan: NodeJS.Timeout | undefined
  #media: OpenMedia | undefined
  #sequence: number
  #isChanging = false
  #answers = 0

  constructor(invite: Transaction, fault: CheckedInviteFault, context: CallContext) {
    this.toTag = invite.toTag
    this.#invite = invite
    this.#fault = fault
    this.#context = context
    this.#id = context.media.nextId()
    this.#sequence = sequenceOf(invite.request)
    this.ended.addEventListener('abort', () => {
      clearTimeout(this.#orphan)
      context.media.close(this.#id)
    })
    this.#peer = invite.peer
  }

  /** Aborts when the call ends. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  end(): void {
    this.#ended.abort()
  }

  /** Answers the INVITE, as the token and the fault decide. */
  async answer(): Promise<void> {
    try {
      await this.#answer()
    } catch (error) {
      // The call has ended meanwhile, or the media could not be opened.
      if (!this.ended.aborted) this.#refuse(failure(error))
    }
  }

  async #answer(): Promise<void> {
    const { entry, peer, request } = this.#invite
    const { delayMs, hang, headers, reset, status } = this.#fault
    const { verdict, id } = await checkBearer(request, this.#context.check)
    entry.verdict = verdict
    entry.accessTokenId = id
    if (reset === 'start') peer.drop()
    if (this.ended.aborted || hang === 'start') return

    this.#invite.reply({ status: 100 })
    const offer = readOffer(request.body)
    const refusal = status ?? (verdict !== 'valid' ? 401 : offer === undefined ? 488 : undefined)
    if (refusal === undefined) {
      this.#invite.reply({ status: 180, headers: this.#context.headers })
      if (reset === 'ringing') peer.drop()
      if (this.ended.aborted || hang === 'ringing') return
    }
    if (delayMs > 0) await wait(delayMs, undefined, { signal: this.ended })
    if (refusal !== undefined) this.#refuse({ status: refusal, headers })
    else if (offer !== undefined) await this.#accept(offer, headers)
  }

  #refuse(answer: SipAnswer): void {
    // RFC 8898 §3.1: tells the client how to authenticate.
    const challenge = answer.status === 401 ? { 'WWW-Authenticate': 'Bearer realm="emulator"' } : {}
    this.#invite.reply({ ...answer, headers: { ...challenge, ...answer.headers } })
    this.end()
  }

  async #accept(offer: Offer, headers: Readonly<Record<string, string>>): Promise<void> {
    const accepted = await this.#answerTo(offer)
    this.#invite.reply({ ...accepted, headers: { ...accepted.headers, ...headers } })
  }

  async #answerTo(offer: Offer): Promise<SipAnswer> {
    const { media } = this.#context
    // New ICE credentials ask for an ICE restart.
    if (offer.remote.ufrag !== this.#media?.ufrag) {
      const { ufrag } = offer.remote
      this.#media = { ufrag, local: await media.open(this.#id, this.#invite.peer.localAddress, offer.remote) }
      // If the call has ended meanwhile, its media were not open yet at that moment: close them now.
      if (this.ended.aborted) media.close(this.#id)
    }
    media.echo(this.#id, sends(offer))
    this.#answers += 1
    return {
      status: 200,
      headers: { ...this.#context.headers, 'Content-Type': 'application/sdp' },
      body: writeAnswer(offer, this.#media.local, this.#session, this.#answers)
    }
  }

  /** Answers a request within the call. A CANCEL is not one of them: see `cancel()`. */
  handle(transaction: Transaction): SipAnswer | undefined {
    const { request, peer } = transaction
    this.#follow(peer)
    if (request.method === 'ACK') {
      const isFirst = sequenceOf(request) === sequenceOf(this.#invite.request)
      if (isFirst && this.#fault.reset === 'answered') peer.drop()
      return undefined
    }
    // RFC 3261 §12.2.2: out of order
    if (sequenceOf(request) <= this.#sequence) return { status: 500 }
    this.#sequence = sequenceOf(request)
    if (request.method === 'INVITE') {
      this.#change(transaction)
      return undefined
    }
    if (request.method === 'OPTIONS') return { status: 200, headers: this.#context.headers }
    if (request.method === 'BYE') {
      this.#invite.reply({ status: 487 })
      this.end()
    }
    return { status: 200 }
  }

  /** Answers a re-INVITE, most often a hold. It has no token, so a call goes on after its token has expired. */
  async #change(transaction: Transaction): Promise<void> {
    // RFC 3261 §14.2: one change at a time
    if (!this.#invite.isAnswered || this.#isChanging) return transaction.reply({ status: 491 })
    const offer = readOffer(transaction.request.body)
    if (offer === undefined) return transaction.reply({ status: 488 })
    this.#isChanging = true
    try {
      transaction.reply(await this.#answerTo(offer))
    } catch (error) {
      transaction.reply(failure(error))
    } finally {
      this.#isChanging = false
    }
  }

  /** Answers a CANCEL. After the final response it changes nothing (RFC 3261 §9.2). */
  cancel({ branch, request }: Transaction): SipAnswer | undefined {
    const meansInvite = branch === this.#invite.branch
    if (!meansInvite || sequenceOf(request) !== sequenceOf(this.#invite.request)) return undefined
    if (!this.#invite.isAnswered) {
      this.#invite.reply({ status: 487 })
      this.end()
    }
    return { status: 200, toTag: this.toTag }
  }

  /** The call's socket has closed. A connected call waits for another socket; any other call ends. */
  lose(peer: Peer): void {
    if (this.#peer !== peer) return
    clearTimeout(this.#orphan)
    if (this.#invite.isAnswered) this.#orphan = setTimeout(() => this.end(), orphanMs).unref()
    else this.end()
  }

  #follow(peer: Peer): void {
    clearTimeout(this.#orphan)
    this.#peer = peer
  }
}

/** Puts the cause of a failure into the SIP response, for a developer who reads it. */
function failure(error: unknown): SipAnswer {
  return {
    status: 500,
    reason: String(error)
      .replace(/[^ -~]+/g, ' ')
      .slice(0, 200)
  }
}

/** The gateway's key for a call: the caller's half of the dialog (RFC 3261 §12). */
export function callKey(request: SipRequest): string {
  return `${tagOf(header(request, 'from'))} ${header(request, 'call-id')}`
}
