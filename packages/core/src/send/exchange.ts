import { Attempt } from './attempt.js'
import { isReplayable, watchBody } from './body.js'
import type { Caller } from './callers.js'
import { type RequestHeaders, withAuthorization } from './headers.js'
import type { Dispatch, DispatchOptions } from './undici-types.js'

/** What a token needs to have to be sent. */
export interface SendableToken {
  readonly accessToken: string
}

/** A request to a listed origin, as its caller wants it sent. */
export interface Outgoing {
  readonly dispatch: Dispatch
  readonly options: DispatchOptions
  readonly headers: RequestHeaders
}

/** Sends one request with a token, and once more with another token if the server answers 401. */
export class Exchange {
  readonly #outgoing: Outgoing
  readonly #caller: Caller
  readonly #getToken: (rejected?: SendableToken) => Promise<SendableToken>
  readonly #abort = (reason?: unknown) => this.abort(reason)
  #attempt: Attempt | undefined
  #isOver = false

  constructor(
    outgoing: Outgoing,
    caller: Caller,
    getToken: (rejected?: SendableToken) => Promise<SendableToken>
  ) {
    this.#outgoing = outgoing
    this.#caller = caller
    this.#getToken = getToken
  }

  /** Tells the caller how it ends, and never rejects. */
  async run(): Promise<void> {
    const unwatch = watchBody(this.#outgoing.options.body, (error) => this.#fail(error))
    try {
      // Before the token is there, so that the caller can abort the wait for it.
      this.#caller.begin(this.#abort)
      const token = await this.#getToken()
      if (this.#isOver) return
      unwatch()
      this.#send(token, (attempt) => this.#reject(token, attempt))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Aborts the attempt if its caller can hear of it, else fails the exchange. */
  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    if (!this.#isOver && !this.#attempt?.abort(reason)) this.#fail(reason)
  }

  #send({ accessToken }: SendableToken, holds401: (attempt: Attempt) => boolean): void {
    const { dispatch, options, headers } = this.#outgoing
    const attempt = new Attempt(holds401, () => {
      this.#isOver = true
    })
    this.#attempt = attempt
    dispatch(
      { ...options, headers: withAuthorization(headers, accessToken) },
      this.#caller.handlerOf(attempt, this.#abort)
    )
  }

  /**
   * The server has refused the token. Returns whether to hold its 401 back until there is another token. A request that
   * cannot be sent again gets its 401 at once, but the provider hears of it: otherwise an app that sends only such
   * requests would keep the refused token until it expires.
   */
  #reject(token: SendableToken, attempt: Attempt): boolean {
    const other = this.#getToken(token).catch(() => undefined)
    if (!isReplayable(this.#outgoing.options.body)) return false
    void other.then((replacement) => this.#decide(token, replacement, attempt))
    return true
  }

  #decide(rejected: SendableToken, replacement: SendableToken | undefined, refused: Attempt): void {
    if (this.#isOver) return
    try {
      if (replacement === undefined || replacement.accessToken === rejected.accessToken) {
        refused.release()
      } else {
        refused.drop()
        this.#send(replacement, () => false)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#attempt?.cancel(error)
    try {
      // undici treats a falsy error as success.
      this.#caller.fail(error || new Error('The request failed with a value that is not an Error.'))
    } catch {
      // The caller's own handler has thrown. Nobody waits for this: it would be an unhandled rejection.
    }
  }
}
