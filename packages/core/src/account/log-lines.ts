import type { Acquired } from '../acquisition/acquired.js'
import { failureFields } from '../acquisition/failure-log.js'
import type { Endpoint } from '../endpoint/request.js'
import { type Failure, isFailure } from '../failure.js'
import type { Log } from '../support/logger.js'

/** What the log lines of all accounts need. */
export interface LogContext {
  readonly log: Log
  readonly endpoint: Endpoint
  /** The option `network`. */
  readonly network: string
  /** Whether the user passed a `dispatcher`. */
  readonly hasDispatcher: boolean
}

/** Writes the log line of an acquisition that has ended. */
export function logOutcome(
  { log, endpoint, network, hasDispatcher }: LogContext,
  account: string,
  outcome: Acquired | Failure,
  hasToken: boolean,
  retryInMs: number
): void {
  if (isFailure(outcome)) {
    const fields = failureFields(outcome, { tokenUrl: endpoint.tokenUrl, network, hasDispatcher })
    log.warn(
      { account, ...fields, retryInMs: Math.round(retryInMs) },
      hasToken
        ? 'The token could not be refreshed. Callers still get the cached one.'
        : 'No token could be obtained.'
    )
    return
  }
  if (!outcome.hasExpiresIn)
    log.warnOnce('The token endpoint sent no "expires_in". A lifetime of 60 s is assumed.')
  log.debug({ account, expiresIn: outcome.expiresIn }, 'A token was obtained.')
}

export function logYoungRejection({ log }: LogContext, account: string): void {
  log.warn(
    { account },
    'The gateway rejected a token less than 5 s old; keeping it. Are gateway and `network` of the same region?'
  )
}
