import type { BandwidthSession } from './bandwidth-ua.js'
import type { TokenSourceError } from './errors.js'

/** What a token source tells its subscribers. */
export type TokenSourceEvent =
  /** A new token is there. */
  | { readonly type: 'token'; readonly accessTokenId: string | undefined; readonly expiresIn: number }
  /** The route answered 401 or 403: the token is dropped, and nothing is refreshed until the next `getToken()`. */
  | { readonly type: 'signed-out' }
  /** The gateway refused a token; `replacedBy` is the session of the redial, if there is one. */
  | {
      readonly type: 'refused'
      readonly accessTokenId: string | undefined
      readonly session: BandwidthSession
      readonly replacedBy: BandwidthSession | undefined
    }
  /** The route failed otherwise. A visible page asks it again in `retryInMs` milliseconds. */
  | { readonly type: 'error'; readonly error: TokenSourceError; readonly retryInMs: number }

/** What you pass to `subscribe()`. If it throws, the page's `error` event reports it. */
export type TokenSourceListener = (event: TokenSourceEvent) => void

/** Tells the subscribers of a source what happened. */
export type Emit = TokenSourceListener

/** Calls a listener of the page. What it throws is reported like any uncaught error, and does not stop us. */
export const callListener = (call: () => void): void => {
  try {
    call()
  } catch (error) {
    globalThis.reportError?.(error)
  }
}
