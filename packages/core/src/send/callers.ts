import type { Attempt } from './attempt.js'
import type { Abort, DispatchController, DispatchHandler } from './undici-types.js'

/** The handler of whoever waits for the response, whichever version of undici has made it. */
export interface Caller {
  /** Hands it what ends the exchange. A caller may begin more than once: undici does so when it sends a request again. */
  begin(abort: Abort): void
  /** There will be no response. */
  fail(error: unknown): void
  /** The handler to dispatch an attempt with. */
  handlerOf(attempt: Attempt, abort: Abort): DispatchHandler
}

export function callerOf(handler: DispatchHandler): Caller {
  return isHandler8(handler) ? new Caller8(handler) : new Caller6(handler)
}

/** undici itself recognises such handlers by this method. */
type Handler8 = DispatchHandler & Required<Pick<DispatchHandler, 'onRequestStart'>>

function isHandler8(handler: DispatchHandler): handler is Handler8 {
  return typeof handler.onRequestStart === 'function'
}

/** What both kinds of handler have. It says nothing about the response. */
function progressOf(handler: DispatchHandler): DispatchHandler {
  return {
    onBodySent: (chunk) => handler.onBodySent?.(chunk),
    onRequestSent: () => handler.onRequestSent?.(),
    onResponseStarted: () => handler.onResponseStarted?.()
  }
}

class Caller6 implements Caller {
  readonly #handler: DispatchHandler

  constructor(handler: DispatchHandler) {
    this.#handler = handler
  }

  begin(abort: Abort): void {
    this.#handler.onConnect?.(abort)
  }

  fail(error: unknown): void {
    this.#handler.onError?.(error)
  }

  handlerOf(attempt: Attempt, abort: Abort): DispatchHandler {
    const handler = this.#handler
    return {
      ...progressOf(handler),
      onConnect: (abortAttempt, context) =>
        attempt.start(abortAttempt, () => handler.onConnect?.(abort, context)),
      onUpgrade: (...args) => attempt.end(() => handler.onUpgrade?.(...args)),
      onHeaders: (statusCode, rawHeaders, resume, statusText) =>
        attempt.respond(statusCode, resume, () =>
          handler.onHeaders?.(statusCode, rawHeaders, resume, statusText)
        ),
      onData: (chunk) => attempt.read(chunk.length, () => handler.onData?.(chunk)),
      onComplete: (rawTrailers) => attempt.end(() => handler.onComplete?.(rawTrailers)),
      onError: (error) => attempt.end(() => handler.onError?.(error))
    }
  }
}

/** For undici 7 and 8. */
class Caller8 implements Caller {
  readonly #handler: Handler8
  #controller: CallerController | undefined

  constructor(handler: Handler8) {
    this.#handler = handler
  }

  begin(abort: Abort): void {
    this.#controller = new CallerController(abort)
    this.#handler.onRequestStart(this.#controller)
  }

  fail(error: unknown): void {
    this.#handler.onResponseError?.(this.#controller as CallerController, error)
  }

  handlerOf(attempt: Attempt): DispatchHandler {
    const handler = this.#handler
    const own = this.#controller as CallerController
    const goOn = (controller: DispatchController, wantsMore: boolean) => {
      if (!wantsMore) controller.pause()
    }
    return {
      ...progressOf(handler),
      onRequestStart: (controller, context) =>
        attempt.start(
          (reason) => controller.abort(reason),
          () => {
            own.target = controller
            handler.onRequestStart(own, context)
          }
        ),
      onRequestUpgrade: (_controller, ...args) => attempt.end(() => handler.onRequestUpgrade?.(own, ...args)),
      onResponseStart: (controller, statusCode, headers, statusText) =>
        goOn(
          controller,
          attempt.respond(
            statusCode,
            () => controller.resume(),
            () => {
              handler.onResponseStart?.(own, statusCode, headers, statusText)
              return !own.paused
            }
          )
        ),
      onResponseData: (controller, chunk) =>
        goOn(
          controller,
          attempt.read(chunk.length, () => {
            handler.onResponseData?.(own, chunk)
            return !own.paused
          })
        ),
      onResponseEnd: (_controller, trailers) => attempt.end(() => handler.onResponseEnd?.(own, trailers)),
      onResponseError: (_controller, error) => attempt.end(() => handler.onResponseError?.(own, error))
    }
  }
}

/** The one controller that a caller sees, although each attempt has its own. */
class CallerController implements DispatchController {
  target: DispatchController | undefined
  reason: unknown = null
  aborted = false
  paused = false
  readonly #abort: Abort

  constructor(abort: Abort) {
    this.#abort = abort
  }

  get rawHeaders(): unknown {
    return this.target?.rawHeaders
  }

  get rawTrailers(): unknown {
    return this.target?.rawTrailers
  }

  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#abort(reason)
  }

  pause(): void {
    this.paused = true
    this.target?.pause()
  }

  resume(): void {
    this.paused = false
    this.target?.resume()
  }
}
