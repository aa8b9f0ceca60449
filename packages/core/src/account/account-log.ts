import type { Acquired } from '../acquisition/acquired.js'
import type { Pause } from '../acquisition/cool-down.js'
import { CLOSED, type Failure, isFailure, POINTLESS, toError } from '../failure.js'
import { publishServeError } from '../observe/serve-error.js'
import type { Log } from '../support/logger.js'
import { publishOutcome, type ReportContext, type ReportedAcquisition } from './account-events.js'
import type { CachedToken } from './cached-token.js'
import type { OutageLog } from './outage-log.js'

/** Whether requests of an account or of its client fail. */
interface Failing {
  readonly isFailing: boolean
  /** Whether they failed until the last success. */
  readonly hasRecovered: boolean
}

/** The account that is logged. */
interface LoggedAccount {
  readonly key: string
  /** Whether it has a token that may still be handed out. */
  readonly serves: boolean
  /** Whether a failure of it was noted, and no token since. */
  hasFailed: boolean
}

/** How an acquisition ended. */
interface Ended {
  readonly acquisition: ReportedAcquisition & { readonly admission: unknown }
  readonly outcome: Acquired | Failure
  /** What its callers get. */
  readonly result: CachedToken | Failure
  /** What holds back the next request. */
  readonly pause: Pause | undefined
}

interface LogContext extends ReportContext {
  readonly log: Log
}

const POINTLESS_TOKEN =
  'The token endpoint sent a token that is about to expire, or that expires before the cached one. At most one request ' +
  'per 5 s is made meanwhile. Does a proxy or a cache answer instead of it?'

/** What the accounts of a provider write to the log, and the errors of their callers. */
export class AccountLog {
  readonly #context: LogContext
  readonly #outages: OutageLog

  constructor(context: LogContext, outages: OutageLog) {
    this.#context = context
    this.#outages = outages
  }

  /** An acquisition has ended: writes that to the log, and publishes it. */
  ended(account: LoggedAccount, ended: Ended, failing: Failing): void {
    if (ended.result !== CLOSED) this.#write(account, ended, failing)
    publishOutcome(this.#context, ended.acquisition, ended.result, account.serves, ended.pause)
  }

  /**
   * The error of a caller who gets no token. It is noted and published. `sinceMs` is when the caller asked, by the
   * monotonic clock.
   */
  errorFor(
    account: LoggedAccount,
    failure: Failure,
    retryInMs: number | undefined,
    sinceMs: number | undefined
  ): Error {
    if (failure !== CLOSED) this.#note(account, failure, retryInMs, true)
    const error = toError(failure, retryInMs)
    publishServeError(error, { account: account.key, sinceMs }, this.#context)
    return error
  }

  /** A peer rejected a token that was issued just now. */
  rejectedYoung(account: string): void {
    this.#context.log.warn(
      { account },
      'The gateway rejected a token less than 5 s old; keeping it. Are gateway and `network` of the same region?'
    )
  }

  #write(
    account: LoggedAccount,
    { acquisition, outcome, result, pause }: Ended,
    { isFailing, hasRecovered }: Failing
  ): void {
    const { log } = this.#context
    if (!isFailure(outcome) && !outcome.hasExpiresIn) {
      log.warnOnce('The token endpoint sent no "expires_in". A lifetime of 60 s is assumed.')
    }
    if (isFailure(outcome)) this.#note(account, outcome, pause?.leftMs, false)
    else if (isFailure(result) && !account.serves) this.#note(account, result, pause?.leftMs, false)
    else this.#obtained(account, outcome.expiresIn, hasRecovered || (account.hasFailed && !isFailing))
    if (acquisition.admission !== undefined && pause?.failure === POINTLESS) log.warnOnce(POINTLESS_TOKEN)
  }

  #obtained(account: LoggedAccount, expiresIn: number, hasRecovered: boolean): void {
    const { clock, log } = this.#context
    if (hasRecovered) account.hasFailed = false
    if (this.#outages.obtained(account.key, expiresIn, hasRecovered, clock.monotonic())) return
    log.debug({ account: account.key, expiresIn }, 'A token was obtained.')
  }

  #note(account: LoggedAccount, failure: Failure, retryInMs: number | undefined, isCaller: boolean): void {
    account.hasFailed = true
    const nowMs = this.#context.clock.monotonic()
    this.#outages.note(
      { account: account.key, failure, retryInMs, isServing: account.serves, nowMs },
      isCaller
    )
  }
}
