import { retryAfterMs } from './back-off.js'
import { optionInvalid } from './errors.js'
import { type HeldToken, readToken } from './held-token.js'
import type { TokenSourceOptions } from './options.js'
import { ownPropertiesOf } from './own-properties.js'
import { type RouteFailure, reasonOfStatus } from './route-failure.js'
import { startStopwatch, startTimer } from './timer.js'

/** How a request ended. It never rejects, so that nobody has to handle what nobody waits for. */
export type RouteOutcome = HeldToken | RouteFailure

/** Asks the token route once. `rejectedId` is the id of a token that the gateway refused. */
export type AskRoute = (rejectedId?: string) => Promise<RouteOutcome>

// One second more than the deadline of the server, whose answer says more than our giving up.
const TIMEOUT_MS = 11_000

/** @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for what `Headers` refuses */
const toHeaders = (given: HeadersInit | undefined): Headers => {
  try {
    return new Headers(given)
  } catch {
    throw optionInvalid('headers', 'valid headers')
  }
}

/** What asks the token route. `closing` ends its requests. */
export const createRoute = (options: TokenSourceOptions, closing: AbortSignal): AskRoute => {
  const { url = '/bandwidth/token', headers, credentials } = options
  const sentHeaders = toHeaders(headers)
  // Many servers answer 401 to those who want JSON, and redirect all others to a page for signing in.
  sentHeaders.set('accept', 'application/json')

  const failed = (reason: RouteFailure['reason'], answer: string): RouteFailure => ({
    reason,
    problem: `No token from ${url}: ${answer}`
  })

  const exchange = async (rejectedId: string | undefined, signal: AbortSignal): Promise<RouteOutcome> => {
    // The life of a token counts from before its request.
    const ageMs = startStopwatch()
    const init = ownPropertiesOf({
      headers: sentHeaders,
      credentials,
      cache: 'no-store',
      // A redirect leads to a page without tokens. It must not get our headers.
      redirect: 'manual',
      signal
    }) as RequestInit
    const send = options.fetch ?? fetch
    const response = await send(withRejected(url, rejectedId), init)
    const { ok, status, type } = response
    const held = ok && readToken(await response.json().catch(() => {}), ageMs, Math.random())
    return (
      held || {
        // A redirect that was not followed has no status.
        ...failed(reasonOfStatus(status), ok ? `${status} without a valid token` : `${status || type}`),
        status,
        askedForMs: retryAfterMs(response.headers.get('retry-after'), Date.now())
      }
    )
  }

  return (rejectedId) =>
    new Promise((resolve) => {
      const closed = failed('CLOSED', 'source closed')
      if (closing.aborted) return resolve(closed)
      const ended = new AbortController()
      const end = (outcome: RouteOutcome) => {
        resolve(outcome)
        cancelTimer()
        ended.abort()
      }
      const cancelTimer = startTimer(TIMEOUT_MS, () => end(failed('TIMEOUT', 'no answer in time')))
      closing.addEventListener('abort', () => end(closed), { signal: ended.signal })
      // What was thrown is not shown: it may hold more than a page should see.
      exchange(rejectedId, ended.signal).then(end, () => end(failed('UNAVAILABLE', 'no answer')))
    })
}

const withRejected = (url: string, rejectedId: string | undefined): string => {
  if (!rejectedId) return url
  return `${url}${url.includes('?') ? '&' : '?'}rejected=${encodeURIComponent(rejectedId)}`
}
