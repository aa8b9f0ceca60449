import { tokenError } from './errors.js'
import { planLifetime, stopwatch } from './lifetime.js'

/** The options of `createTokenSource()`, all optional. */
export interface TokenSourceOptions {
  /** The token route of your server, relative to the page or absolute. Default: `'/bandwidth/token'`. */
  url?: string
  /** What sends the requests. Default: the page's `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Headers to send along. For one that changes, give a `fetch` that adds it. */
  headers?: HeadersInit
  /** Whether cookies are sent along, as in `fetch`. Default: `'same-origin'`. */
  credentials?: 'omit' | 'same-origin' | 'include'
}

/** A token for the page. Whoever holds it can place calls that the account pays for: keep it nowhere. */
export interface PageToken {
  readonly accessToken: string
  /** `undefined` where Bandwidth sent none. */
  readonly accessTokenId: string | undefined
  /** Whole seconds left now, by the clock that says less. */
  readonly expiresIn: number
}

/** A token, what is left of it now, and its two lines. */
export type Grant = [token: PageToken, leftMs: () => number, marginMs: number, refreshLeftMs: number]

/** What asks the token route. `closing` ends its requests with its reason. */
export const createRoute = (
  { url = '/bandwidth/token', fetch, headers, credentials }: TokenSourceOptions,
  closing: AbortSignal
): ((rejectedId?: string) => Promise<Grant>) => {
  const sent = new Headers(headers)
  // Many a server answers 401 to those who want JSON, and leads all others to a page for signing in.
  sent.set('accept', 'application/json')

  const failure = (reason: Parameters<typeof tokenError>[0], why: unknown, details?: object) =>
    tokenError(reason, `No token from ${url}: ${why}`, details)

  const exchange = async (rejectedId: string | undefined, signal: AbortSignal): Promise<Grant> => {
    // The life of a token is counted from before its request.
    const ageMs = stopwatch()
    let response: Response | undefined
    let answer: unknown
    try {
      response = await (fetch ?? globalThis.fetch)(
        rejectedId ? `${url}${url.includes('?') ? '&' : '?'}rejected=${encodeURIComponent(rejectedId)}` : url,
        {
          headers: sent,
          credentials: credentials as RequestCredentials,
          cache: 'no-store',
          // The page that it leads to is none that hands out tokens, nor has it any business with what is sent.
          redirect: 'manual',
          signal
        }
      )
      if (response.ok) answer = await response.json()
    } catch {
      // What was thrown may hold more than a page should show.
      if (!response) throw failure('UNAVAILABLE', 'no answer')
    }
    const { access_token, access_token_id, token_type, expires_in } = Object(answer)
    const lifetimeMs = Math.min(86_400, expires_in) * 1000
    const [marginMs, refreshLeftMs] = planLifetime(lifetimeMs, Math.random())
    const leftMs = () => lifetimeMs - ageMs()
    if (
      // RFC 6750 §2.1: it becomes a header of a SIP message.
      access_token?.match?.(/^[\w.~+/-]+=*$/) &&
      /^bearer$/i.test(token_type ?? 'bearer') &&
      leftMs() > marginMs
    ) {
      return [
        {
          accessToken: access_token,
          accessTokenId: access_token_id,
          get expiresIn() {
            return Math.floor(leftMs() / 1000)
          }
        },
        leftMs,
        marginMs,
        refreshLeftMs
      ]
    }
    const { status, type } = response
    // RFC 9110 §10.2.3: seconds or a date.
    const asked = response.headers.get('retry-after') as string
    const seconds = Number(asked) || (Date.parse(asked) - Date.now()) / 1000
    throw failure(
      /401|403/.test(`${status}`)
        ? 'FORBIDDEN'
        : /408|429|5../.test(`${status}`)
          ? 'UNAVAILABLE'
          : 'RESPONSE_INVALID',
      // A redirect that was not followed has no status.
      status || type,
      { status, retryAfter: seconds > 0 ? Math.min(seconds, 300) : undefined }
    )
  }

  return (rejectedId) => {
    const ended = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    return Promise.race([
      exchange(rejectedId, ended.signal),
      new Promise<never>((_resolve, reject) => {
        closing.addEventListener('abort', () => reject(closing.reason), { signal: ended.signal })
        // A second more than the server's own deadline, whose answer says more than our giving up.
        timer = setTimeout(() => reject(failure('TIMEOUT', 'no answer')), 11_000)
      })
    ]).finally(() => {
      clearTimeout(timer)
      ended.abort()
    })
  }
}
