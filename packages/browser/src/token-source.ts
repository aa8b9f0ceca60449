import type { BandwidthListeners, BandwidthUA } from './bandwidth-ua.js'
import { checkOptions } from './check-options.js'
import { callListener, type Emit, type TokenSourceListener } from './events.js'
import type { PageToken } from './held-token.js'
import { OPTION_RULES, type TokenSourceOptions } from './options.js'
import { attachPhone, type BandwidthPhone } from './phone.js'
import { createRoute } from './route.js'
import { createTokenKeeper } from './token-keeper.js'

/** A page's source of valid tokens. You may take its functions apart from it. */
export interface TokenSource {
  /**
   * A valid token: the cached one, or a new one from the route. All who wait share one request.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_FORBIDDEN`, `_UNAVAILABLE`, `_TIMEOUT`, `_RESPONSE_INVALID`, `_CLOSED`
   */
  getToken(): Promise<PageToken>
  /** Calls `listener` for every event, until you call the function that it returns. */
  subscribe(listener: TokenSourceListener): () => void
  /** Drops the token, so that the next `getToken()` asks the route. Call it when the user has signed in or out. */
  invalidate(): void
  /**
   * Lets an agent of Bandwidth's SDK dial with tokens of this source. Call it before `ua.init()`, and pass your
   * listeners here instead of to `ua.setListeners()`.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID`, `ERR_BANDWIDTH_TOKEN_CLOSED`
   */
  attach(ua: BandwidthUA, listeners?: BandwidthListeners): BandwidthPhone
  /** Ends all requests, timers and subscriptions. Later calls reject with `ERR_BANDWIDTH_TOKEN_CLOSED`. */
  close(): void
}

/**
 * A source of tokens for a page, from the token route of its server. It sends no request until you ask for a token or
 * dial; from then on it keeps a token ready while the page is visible.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown or ill-typed option
 */
export const createTokenSource = (options: TokenSourceOptions = {}): TokenSource => {
  const closing = new AbortController()
  const route = createRoute(checkOptions('options', options, OPTION_RULES), closing.signal)
  const listeners = new Set<TokenSourceListener>()
  const emit: Emit = (event) => {
    for (const listener of listeners) callListener(() => listener(event))
  }
  const keeper = createTokenKeeper(route, emit)

  const page = globalThis.window ?? globalThis
  const on = (target: EventTarget | undefined, type: string, react: () => void) =>
    target?.addEventListener?.(type, react, { signal: closing.signal })
  on(globalThis.document, 'visibilitychange', keeper.wake)
  // Out of the back-forward cache, in which timers stand still.
  on(page, 'pageshow', keeper.wake)
  on(page, 'online', keeper.endBackOff)

  return {
    getToken: keeper.getToken,
    subscribe(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    invalidate: keeper.forget,
    attach: (ua, listeners = {}) => attachPhone(ua, listeners, keeper, emit, closing.signal),
    close() {
      keeper.close()
      listeners.clear()
      closing.abort()
    }
  }
}
