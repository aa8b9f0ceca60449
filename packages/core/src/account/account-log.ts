import type { Acquired } from '../acquisition/acquired.js'
import { CLOSED, type Failure, isFailure, toError } from '../failure.js'
import type { Clock } from '../support/clock.js'
import type { Log } from '../support/logger.js'
import type { CachedToken } from './cached-token.js'
import type { NotedFailure, OutageLog } from './outage-log.js'

/** What the log of an account needs. */
export interface LogContext {
  readonly clock: Clock
  readonly log: Log
  readonly outages: OutageLog
}

/** Whether requests of an account or of its client fail. */
interface Failing {
  readonly isFailing: boolean
  /** Whether they did, and the last success ended it. */
  readonly hasRecovered: boolean
}

/** What one account writes to the log. */
export class AccountLog {
  readonly #context: LogContext
  readonly #account: string
  /** Whether a failure of this account was noted, and no token since. */
  #hasFailed = false

  constructor(context: LogContext, account: string) {
    this.#context = context
    this.#account = account
  }

  /** An acquisition has ended. `result` is what its callers get. */
  ended(
    outcome: Acquired | Failure,
    result: CachedToken | Failure,
    noted: Omit<NotedFailure, 'account' | 'failure'>,
    { isFailing, hasRecovered }: Failing
  ): void {
    if (!isFailure(outcome) && !outcome.hasExpiresIn) {
      this.#context.log.warnOnce('The token endpoint sent no "expires_in". A lifetime of 60 s is assumed.')
    }
    if (isFailure(outcome)) this.#note({ ...noted, failure: outcome }, false)
    else if (isFailure(result) && !noted.isServing) this.#note({ ...noted, failure: result }, false)
    else this.#obtained(outcome.expiresIn, hasRecovered || (this.#hasFailed && !isFailing), noted.nowMs)
  }

  /** The error of a caller who gets no token. */
  errorFor(failure: Failure, retryInMs: number | undefined, isServing: boolean): Error {
    const nowMs = this.#context.clock.monotonic()
    if (failure !== CLOSED) this.#note({ failure, retryInMs, isServing, nowMs }, true)
    return toError(failure, retryInMs)
  }

  /** A peer rejected a token that was issued just now. */
  rejectedYoung(): void {
    this.#context.log.warn(
      { account: this.#account },
      'The gateway rejected a token less than 5 s old; keeping it. Are gateway and `network` of the same region?'
    )
  }

  /** The endpoint sent a token of little use. */
  pointless(): void {
    this.#context.log.warnOnce(
      'The token endpoint sent a token that is about to expire, or that expires before the cached one. At most one ' +
        'request per 5 s is made meanwhile. Does a proxy or a cache answer instead of it?'
    )
  }

  #obtained(expiresIn: number, hasRecovered: boolean, nowMs: number): void {
    const account = this.#account
    if (hasRecovered) this.#hasFailed = false
    if (this.#context.outages.obtained(account, expiresIn, hasRecovered, nowMs)) return
    this.#context.log.debug({ account, expiresIn }, 'A token was obtained.')
  }

  #note(noted: Omit<NotedFailure, 'account'>, isCaller: boolean): void {
    this.#hasFailed = true
    this.#context.outages.note({ account: this.#account, ...noted }, isCaller)
  }
}
