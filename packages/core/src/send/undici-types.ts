/**
 * The parts of undici's interface between dispatchers that are used here. undici 6 calls the first group of methods,
 * undici 8 the second, and undici 7 knows both. A handler of undici 6 has no `onRequestStart`.
 */
export interface DispatchHandler {
  onConnect?(abort: Abort, context?: unknown): void
  onUpgrade?(statusCode: number, rawHeaders: unknown, socket: unknown): void
  onHeaders?(statusCode: number, rawHeaders: unknown, resume: () => void, statusText: string): boolean
  onData?(chunk: Buffer): boolean
  onComplete?(rawTrailers: unknown): void
  onError?(error: unknown): void

  onRequestStart?(controller: DispatchController, context?: unknown): void
  onRequestUpgrade?(
    controller: DispatchController,
    statusCode: number,
    headers: unknown,
    socket: unknown
  ): void
  onResponseStart?(
    controller: DispatchController,
    statusCode: number,
    headers: unknown,
    statusText?: string
  ): void
  onResponseData?(controller: DispatchController, chunk: Buffer): void
  onResponseEnd?(controller: DispatchController, trailers: unknown): void
  onResponseError?(controller: DispatchController, error: unknown): void

  onBodySent?(chunk: unknown): void
  onRequestSent?(): void
  onResponseStarted?(): void
}

/** Ends a request. Without a reason it is an `AbortError`. */
export type Abort = (reason?: unknown) => void

/** How a handler of undici 7 and 8 steers the response. */
export interface DispatchController {
  readonly aborted: boolean
  readonly paused: boolean
  readonly reason: unknown
  readonly rawHeaders?: unknown
  readonly rawTrailers?: unknown
  abort(reason: unknown): void
  pause(): void
  resume(): void
}

/** A request, as it is given to a dispatcher. */
export interface DispatchOptions {
  readonly origin?: unknown
  readonly path?: unknown
  readonly headers?: unknown
  readonly body?: unknown
}

export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean
