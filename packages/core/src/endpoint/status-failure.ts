import type { Failure } from '../failure.js'

/** The failure for a status of the endpoint other than 200. */
export function statusFailure(
  upstreamStatus: number,
  retryAfterMs: number | undefined,
  oauthError: string | undefined
): Failure {
  const known = { upstreamStatus, retryAfterMs, oauthError }
  if (upstreamStatus === 400 || upstreamStatus === 401 || upstreamStatus === 403) return refused(known)
  if (upstreamStatus === 408 || upstreamStatus === 429 || upstreamStatus >= 500) {
    return {
      code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
      message: `The token endpoint is unavailable (status ${upstreamStatus}).`,
      remedy: 'retry',
      ...known
    }
  }
  return {
    code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
    message: `The token endpoint answered with an unexpected status (${upstreamStatus}).`,
    remedy: 'wait',
    ...known
  }
}

/** The endpoint refuses the client: other credentials may help. */
export function refused(known: Partial<Failure>): Failure {
  return {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    message: 'The token endpoint rejected the client credentials.',
    remedy: 'reload',
    ...known
  }
}
