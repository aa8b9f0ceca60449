import type { BandwidthListeners, BandwidthSession, BandwidthUA } from './bandwidth-ua.js'
import { checkOptions, type Kinds, type TokenSourceError, tokenError } from './errors.js'
import { stopwatch } from './lifetime.js'
import { attachPhone, type BandwidthPhone } from './phone.js'
import { createRoute, type Grant, type PageToken, type TokenSourceOptions } from './route.js'

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
  /** The route failed otherwise. A visible page asks it again in `retryInMs`. */
  | { readonly type: 'error'; readonly error: TokenSourceError; readonly retryInMs: number }

export type TokenSourceListener = (event: TokenSourceEvent) => void

/** A page's source of valid tokens. Its functions can be taken out of it. */
export interface TokenSource {
  /**
   * A valid token: the one at hand, or one that the route is asked for. All who wait share one request.
   *
   * @throws `ERR_BANDWIDTH_TOKEN_FORBIDDEN`, `_UNAVAILABLE`, `_TIMEOUT`, `_RESPONSE_INVALID`, `_CLOSED`
   */
  getToken(): Promise<PageToken>
  /** Calls `listener` for every event, until the function that it returns is called. */
  subscribe(listener: TokenSourceListener): () => void
  /** Drops the token, so that the next `getToken()` asks the route: after the user signed in, out, or as another. */
  invalidate(): void
  /** Lets an agent of Bandwidth's SDK dial with tokens of this source. `listeners` take the place of `ua.setListeners()`. */
  attach(ua: BandwidthUA, listeners?: BandwidthListeners): BandwidthPhone
  /** Ends all requests, timers and listeners; what is called later rejects with `ERR_BANDWIDTH_TOKEN_CLOSED`. */
  close(): void
}

const OPTIONS: Kinds = {
  url: ['string'],
  fetch: ['function'],
  headers: ['object'],
  credentials: ['omit', 'same-origin', 'include']
}

/**
 * A source of tokens for a page, from the token route of its server. It asks for nothing until it is asked; from then
 * on it keeps a token ready while the page is visible.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown or ill-typed option
 */
export const createTokenSource = (options: TokenSourceOptions = {}): TokenSource => {
  checkOptions(options, OPTIONS)
  const closer = new AbortController()
  const closing = closer.signal
  const requestToken = createRoute(options, closing)
  const listeners = new Set<TokenSourceListener>()
  let token: PageToken | undefined
  let leftMs: () => number
  let marginMs: number
  let refreshLeftMs: number
  let flight: Promise<PageToken> | undefined
  let isWanted: boolean | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let failure: TokenSourceError & { retryAfter?: number }
  let failures: number
  let pauseLeftMs: () => number
  let isPauseAskedFor: unknown

  const usable = () => (token && leftMs() >= marginMs ? token : undefined)

  const emit = (event: TokenSourceEvent): void => {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (error) {
        // As any uncaught error, but the others are told all the same.
        globalThis.reportError?.(error)
      }
    }
  }

  /** The one request that is under way, or another; none while the route is to be left alone. */
  const fly = (rejectedId?: string): Promise<PageToken> => {
    if (flight) return flight
    if (pauseLeftMs() > 0) {
      failure.retryAfter = Math.ceil(pauseLeftMs() / 1000)
      return Promise.reject(failure)
    }
    const own = requestToken(rejectedId).then(
      (grant) => {
        if (flight === own) adopt(grant)
        return grant[0]
      },
      (error) => {
        if (flight === own) fail(error)
        throw error
      }
    )
    // Whoever waits for it hears of its failure; a refresh has nobody who does.
    own.catch(() => {})
    flight = own
    return own
  }

  const adopt = (grant: Grant): void => {
    const isNew = grant[0].accessToken !== token?.accessToken
    ;[token, leftMs, marginMs, refreshLeftMs] = grant
    // The server has not replaced it yet: no loop of requests for the same token.
    if (!isNew) refreshLeftMs = Math.min(refreshLeftMs, leftMs() - 5_000)
    flight = undefined
    endPause()
    check()
    if (isNew) emit({ type: 'token', accessTokenId: token.accessTokenId, expiresIn: token.expiresIn })
  }

  const fail = (error: TokenSourceError): void => {
    flight = undefined
    if (/401|403/.test(`${error.status}`)) {
      forget()
      emit({ type: 'signed-out' })
      return
    }
    const { retryAfter = 0 } = error
    const backOffMs = Math.min(15_000, 500 * 2 ** failures++) * (1 + Math.random())
    const forMs = Math.ceil(Math.max(retryAfter * 1000, backOffMs))
    const ageMs = stopwatch()
    pauseLeftMs = () => forMs - ageMs()
    isPauseAskedFor = retryAfter
    failure = error
    failure.retryAfter = Math.ceil(forMs / 1000)
    check()
    emit({ type: 'error', error, retryInMs: forMs })
  }

  /** Does what is due, or sets the timer for when something will be. A hidden page does nothing. */
  const check = (): void => {
    clearTimeout(timer)
    if (!isWanted || globalThis.document?.visibilityState === 'hidden') return
    const inMs = Math.max(token ? leftMs() - refreshLeftMs : 0, pauseLeftMs())
    if (inMs > 0) timer = setTimeout(check, inMs + 1)
    else fly()
  }

  const endPause = (): void => {
    failures = 0
    pauseLeftMs = () => 0
  }

  const endBackOff = (): void => {
    if (!isPauseAskedFor) endPause()
    check()
  }

  const forget = (): void => {
    token = flight = isWanted = undefined
    endBackOff()
  }

  const obtain = async (): Promise<PageToken> => {
    closing.throwIfAborted()
    isWanted = true
    const current = usable()
    if (!current) return fly()
    // A timer that slept with the machine may have missed the instant.
    check()
    return current
  }

  /** A token with 20 s left if one comes within 2 s: the SDK freezes it before it asks for the microphone. */
  const obtainForCall = async (): Promise<PageToken> => {
    if (usable() && leftMs() < 20_000) {
      let patience: ReturnType<typeof setTimeout> | undefined
      const lost = new Promise((resolve) => {
        patience = setTimeout(resolve, 2_000)
      })
      await Promise.race([fly(), lost])
        .catch((error) => {
          if (!usable()) throw error
        })
        .finally(() => clearTimeout(patience))
    }
    return obtain()
  }

  /** Another token than one that the gateway refused, if there is one. Calls refused together share one request. */
  const replace = async ({ accessToken, accessTokenId }: PageToken): Promise<PageToken | undefined> => {
    const isOther = (other?: PageToken) => (other?.accessToken === accessToken ? undefined : other)
    while (flight) await flight
    return isOther(usable()) ?? isOther(await fly(accessTokenId))
  }

  endPause()
  const page = globalThis.window ?? globalThis
  const on = (target: EventTarget | undefined, type: string, react: () => void) =>
    target?.addEventListener?.(type, react, { signal: closing })
  on(globalThis.document, 'visibilitychange', check)
  // Out of the back-forward cache, where timers stand still.
  on(page, 'pageshow', check)
  on(page, 'online', endBackOff)

  return {
    getToken: obtain,
    subscribe(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    invalidate: forget,
    attach: (ua, listeners = {}) => attachPhone(ua, listeners, closing, obtainForCall, replace, emit),
    close() {
      forget()
      closer.abort(tokenError('CLOSED', 'Source closed'))
    }
  }
}
