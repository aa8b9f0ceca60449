import { between } from './random.js'

const ANSWER_MS = [80, 300]
/** `refreshAheadMs` by default: no token is replaced earlier than this before its end. */
const SOFT_MS = 30_000

/** A token endpoint in memory that always grants, and that counts what it is asked for. */
export class Endpoint {
  requests = 0
  /** How many tokens one after the other the time took: what a single process would have asked for. */
  lives = 0
  /** Requests in each second. */
  perSecond
  #timeline
  #lifetimeMs
  #lifeEndsMs = Number.NEGATIVE_INFINITY
  /** When each token expires, by its number. */
  #expiresAtMs = []

  constructor(timeline, { lifetimeMs, durationMs }) {
    this.#timeline = timeline
    this.#lifetimeMs = lifetimeMs
    this.perSecond = new Uint32Array(Math.ceil(durationMs / 1000) + 1)
  }

  /** The endpoint as one member's dispatcher. */
  dispatcherOf(member) {
    return { request: () => this.#request(member) }
  }

  /** Milliseconds that a token has left, by the endpoint's own clock. */
  leftMs(accessToken) {
    return this.#expiresAtMs[Number(accessToken.slice(TOKEN.length))] - this.#timeline.nowMs
  }

  #request(member) {
    const timeline = this.#timeline
    this.#count(timeline.nowMs)
    const halfMs = between(...ANSWER_MS) / 2
    return new Promise((resolve) => {
      timeline.at(timeline.nowMs + halfMs, () => {
        const number = this.#expiresAtMs.push(timeline.nowMs + this.#lifetimeMs) - 1
        timeline.at(timeline.nowMs + halfMs, () => resolve(this.#answer(number)), member)
      })
    })
  }

  /** A request before the current life is nearly over begins no new one: it is one too many. */
  #count(nowMs) {
    this.requests++
    this.perSecond[Math.floor(nowMs / 1000)]++
    if (nowMs < this.#lifeEndsMs) return
    this.lives++
    this.#lifeEndsMs = nowMs + this.#lifetimeMs - SOFT_MS
  }

  #answer(number) {
    const fields = {
      access_token: `${TOKEN}${number}`,
      access_token_id: `id-${number}`,
      token_type: 'Bearer',
      expires_in: this.#lifetimeMs / 1000
    }
    return { statusCode: 200, headers: {}, body: [Buffer.from(JSON.stringify(fields))] }
  }
}

const TOKEN = 'token-'
