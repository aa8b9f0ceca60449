import type { Abort } from './undici-types.js'

/**
 * A 401 is read up to this while the other token is fetched: its connection may be the one that the fetch needs. More of
 * a response that nobody wants is not read: a new connection is cheaper.
 */
const MAX_UNWANTED_BYTES = 64 * 1024
/** What is left of a response that nobody wants must come within this. */
const DISCARD_MS = 1_000

/** What happened to a request: tells the caller's handler, which returns `false` to get no more for now. */
type Event = () => unknown

/**
 * One request of an exchange. It passes on what happens to it, holds it back until it is decided who gets it, or drops
 * it.
 */
export class Attempt {
  readonly #holds401: (attempt: Attempt) => boolean
  readonly #onEnd: () => void
  #state: 'passing' | 'held' | 'dropped' = 'passing'
  #held: Event[] = []
  #abort: Abort | undefined
  #cancelled: { readonly reason: unknown } | undefined
  #resume = () => {}
  #hasEnded = false
  #isTold = false
  #isAborted = false
  /** How much of the body has come, counted anew once it is dropped. */
  #bodyBytes = 0
  #discarding: NodeJS.Timeout | undefined

  /** `holds401` says of a 401 whether to hold it back. */
  constructor(holds401: (attempt: Attempt) => boolean, onEnd: () => void) {
    this.#holds401 = holds401
    this.#onEnd = onEnd
  }

  /** A connection has it. */
  start(abort: Abort, event: Event): void {
    this.#abort = abort
    if (this.#cancelled !== undefined) abort(this.#cancelled.reason)
    else this.#receive(event)
  }

  /** The headers of the response are there. Returns whether to go on with its body. */
  respond(statusCode: number, resume: () => void, event: Event): boolean {
    this.#resume = resume
    if (statusCode === 401 && this.#state === 'passing' && this.#holds401(this)) this.#state = 'held'
    return this.#receive(event)
  }

  /** A part of the body is there. Returns whether to go on. */
  read(bytes: number, event: Event): boolean {
    this.#bodyBytes += bytes
    if (this.#state === 'dropped' && this.#bodyBytes > MAX_UNWANTED_BYTES) this.#abort?.()
    return this.#receive(event)
  }

  /** Nothing follows: the response is complete, or there is none. */
  end(event: Event): void {
    this.#hasEnded = true
    clearTimeout(this.#discarding)
    this.#receive(() => {
      this.#isTold = true
      return event()
    })
    if (this.#state === 'passing') this.#onEnd()
  }

  /** Tells the caller what was held back, and passes on what follows. */
  release(): void {
    this.#state = 'passing'
    let wantsMore: boolean | undefined
    for (const event of this.#held) {
      wantsMore = event() !== false
      if (this.#isAborted) return
    }
    if (this.#hasEnded) this.#onEnd()
    else if (wantsMore) this.#resume()
  }

  /** Forgets it. What is left of the response is read, so that the connection can be used again, if it comes soon. */
  drop(): void {
    this.#state = 'dropped'
    this.#held = []
    this.#bodyBytes = 0
    if (this.#hasEnded) return
    this.#discarding = setTimeout(() => this.#abort?.(), DISCARD_MS).unref()
    this.#resume()
  }

  /** Ends it, and says nothing more about it. */
  cancel(reason: unknown): void {
    this.#state = 'dropped'
    this.#cancelled = { reason }
    this.#abort?.(reason)
  }

  /** Ends it in such a way that the caller hears of it. Returns whether that is possible. */
  abort(reason: unknown): boolean {
    // The caller has heard how it ended, or is hearing it.
    if (this.#isTold) return true
    this.#isAborted = true
    // If it has ended but is still held back, no connection is left that could tell the caller.
    if (this.#state !== 'passing' || this.#abort === undefined || this.#hasEnded) return false
    this.#abort(reason)
    return true
  }

  #receive(event: Event): boolean {
    if (this.#state === 'passing') return event() !== false
    if (this.#state === 'dropped') return true
    this.#held.push(event)
    return this.#bodyBytes <= MAX_UNWANTED_BYTES
  }
}
