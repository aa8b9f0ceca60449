import { type TokenSourceError, tokenError } from './errors.js'

/** Why there is no token. This is data: each caller gets an error of its own, made from it. */
export interface RouteFailure {
  readonly reason: 'FORBIDDEN' | 'UNAVAILABLE' | 'TIMEOUT' | 'RESPONSE_INVALID' | 'CLOSED'
  /** What happened, in a few words. */
  readonly problem: string
  /** The HTTP status, 0 if the page may not read it; missing if there was no answer. */
  readonly status?: number
  /** What the route asked for by `Retry-After`; missing or 0 if it asked for nothing. */
  readonly askedForMs?: number
  /** Milliseconds until the route may be asked again; missing if the next call asks at once. */
  readonly retryInMs?: number
}

/** What a status says that came without a usable token. */
export const reasonOfStatus = (status: number): RouteFailure['reason'] => {
  if (status === 401 || status === 403) return 'FORBIDDEN'
  if (status === 408 || status === 429 || status >= 500) return 'UNAVAILABLE'
  return 'RESPONSE_INVALID'
}

/** What to do about a failure. */
const ADVICE = {
  FORBIDDEN: 'Sign in, or check the route.',
  UNAVAILABLE: 'Check server and network.',
  TIMEOUT: 'Check server and network.',
  RESPONSE_INVALID: 'Check "url". When signed out, the route must answer 401.',
  CLOSED: 'Create another.'
} as const

/** A new error for one caller. */
export const errorOf = ({ reason, problem, status, retryInMs }: RouteFailure): TokenSourceError => {
  const retryAfter = retryInMs && Math.ceil(retryInMs / 1000)
  const again = retryAfter ? ` Try again in ${retryAfter} s.` : ''
  return tokenError(reason, `${problem}. ${ADVICE[reason]}${again}`, {
    status,
    retryAfter
  })
}
