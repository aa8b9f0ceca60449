import { authenticate, type Endpoint, requestToken } from '../endpoint/request.js'
import {
  CLOSED,
  type Failure,
  isFailure,
  STOOD_STILL,
  TIMED_OUT,
  toFailure,
  WAITED_IN_VAIN
} from '../failure.js'
import { abortable, controllerWithin } from '../support/abortable.js'
import { type Clock, readClock } from '../support/clock.js'
import type { Log } from '../support/logger.js'
import type { Acquired } from './acquired.js'
import type { Admission, ClientGate } from './client-gate.js'
import { type Credentials, loadCredentials } from './credentials.js'
import { Deadline } from './deadline.js'
import { Entrance } from './entrance.js'
import { type Demand, type LoadFleet, obtainTogether } from './fleet-member.js'
import { RESTARTS_WHILE_AWAITED, saysNothing } from './freeze.js'
import type { Places } from './places.js'
import { maxAttempts, retryDelayMs } from './retry.js'
import { TimeLimit } from './time-limit.js'
import { traceAttempt } from './tracing.js'

/** What an acquisition works with. */
export interface AcquisitionContext {
  readonly endpoint: Endpoint
  readonly credentials: (account: string) => Credentials | Promise<Credentials>
  /** Whether `credentials` is a function of the user's: another call may return other credentials. */
  readonly mayReload: boolean
  readonly timeoutMs: number
  readonly deadlineMs: number
  readonly expiryMarginMs: number
  readonly clock: Clock
  /** Limits how many requests of the provider are in flight. */
  readonly places: Places
  /** Loads what a fleet's store needs. `undefined` without a store. */
  readonly loadFleet: LoadFleet | undefined
  readonly log: Log
}

/**
 * One acquisition of a token with its attempts. All callers that wait share it. Its result never rejects. It holds the
 * process open only while a caller waits.
 */
export class Acquisition<Result> {
  readonly account: string
  readonly startedAtMs: number
  /** Whether it replaces a cached token that a peer rejected. */
  isReplacement = false
  /** The longest `minimumLifetimeMs` of its callers. A token from the fleet's store with less left is not taken. */
  minimumLifetimeMs = 0
  /** The token that is cached meanwhile. No error may repeat a part of it. */
  cachedToken: string | undefined
  /** Whether a caller has waited for it. If none has, it is a background refresh. */
  isAwaited = false
  readonly #context: AcquisitionContext
  readonly #gate: ClientGate
  readonly #followsFailure: boolean
  readonly #demand: Demand
  readonly #entrance: Entrance
  #result: Promise<Result> | undefined
  #deadline: Deadline
  #waiting = 0
  #attempts = 0
  /** The attempts before the last freeze. They do not count for how many more may be made. */
  #attemptsBefore = 0
  /** Whether the credentials were loaded again after a refusal. That helps once at most. */
  #hasReloaded = false
  /** The credentials of the last attempt. */
  #used: Credentials | undefined
  #isClosed = false

  /**
   * `followsFailure` says whether the last background refresh of this account failed.
   */
  constructor(
    context: AcquisitionContext,
    account: string,
    gate: ClientGate,
    followsFailure: boolean,
    demand: Demand
  ) {
    this.#context = context
    this.account = account
    this.#gate = gate
    this.#followsFailure = followsFailure
    this.#demand = demand
    this.#entrance = new Entrance(context.clock, gate, context.places)
    this.startedAtMs = context.clock.monotonic()
    this.#deadline = this.#startDeadline()
  }

  /** Its admission by the client's gate, once it has one. */
  get admission(): Admission | undefined {
    return this.#entrance.admission
  }

  /** How many requests it has made. */
  get attempts(): number {
    return this.#attempts
  }

  /** What its callers get. Never rejects. */
  get result(): Promise<Result> {
    return this.#result as Promise<Result>
  }

  /** Starts. `settle` turns the outcome into the result, before any waiting caller continues. */
  start(settle: (outcome: Acquired | Failure) => Result): void {
    let resolve: (result: Promise<Result>) => void = () => {}
    // Register the result before anything runs: the `credentials` function may call `getToken()` for the same account.
    this.#result = new Promise((resolveResult) => {
      resolve = resolveResult
    })
    const result = this.#run().then((outcome) => {
      this.#deadline.clear()
      try {
        return settle(outcome)
      } finally {
        // Let others continue only now: if this acquisition started a cool-down, they must see it.
        this.#entrance.leave()
      }
    })
    resolve(result)
  }

  /** The result for one caller. Its `signal` ends the wait of this caller alone. */
  wait(signal?: AbortSignal): Promise<Result> {
    this.isAwaited = true
    if (this.#waiting++ === 0) this.#deadline.holdProcess(true)
    // A caller without a signal waits to the end.
    return signal === undefined ? this.result : this.#waitUntilAborted(signal)
  }

  async #waitUntilAborted(signal: AbortSignal): Promise<Result> {
    try {
      return await abortable(this.result, signal)
    } finally {
      if (--this.#waiting === 0) this.#deadline.holdProcess(false)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#deadline.end(CLOSED)
  }

  /** Runs the acquisition, and starts it anew if the process stood still, because the endpoint is not to blame then. */
  async #run(): Promise<Acquired | Failure> {
    for (let restarts = 0; ; ) {
      const outcome = await this.#runInTime()
      if (outcome !== STOOD_STILL || this.#isClosed) return outcome
      if (this.#waiting > 0 && ++restarts > RESTARTS_WHILE_AWAITED) {
        return this.#attempts === 0 ? WAITED_IN_VAIN : this.#withAttempts(TIMED_OUT)
      }
      this.#deadline.clear()
      this.#deadline = this.#startDeadline()
      this.#attemptsBefore = this.#attempts
      this.#hasReloaded = false
    }
  }

  #startDeadline(): Deadline {
    const deadline = new Deadline(this.#context.clock, this.#context.deadlineMs)
    if (this.#waiting > 0) deadline.holdProcess(true)
    return deadline
  }

  async #runInTime(): Promise<Acquired | Failure> {
    const { loadFleet } = this.#context
    const deadline = this.#deadline
    const credentials = await deadline.inTime(this.#loadCredentials())
    if (loadFleet === undefined || isFailure(credentials)) return this.#fetch(credentials)
    const { signal } = deadline
    let fetching: Promise<Acquired | Failure> | undefined
    const obtaining = obtainTogether(loadFleet, credentials, this.account, {
      ...this.#demand,
      fetch: () => {
        fetching = this.#fetch(credentials)
        return fetching
      },
      hasToWait: () => this.#entrance.hasToWait(deadline),
      takePlace: () => this.#entrance.wait(deadline),
      // After a freeze, the place belongs to the run that follows this one.
      leavePlace: () => {
        if (!signal.aborted) this.#entrance.leavePlace()
      },
      mayShare: () => isSameClient(this.#used, credentials),
      isEnded: () => signal.aborted
    })
    const result = await deadline.inTime(obtaining)
    // The deadline also ended our own fetch. Wait for its result, so that no new run starts beside it.
    if (signal.aborted && fetching !== undefined) return withdrawable(await fetching, obtaining)
    if (this.#entrance.waitedInVain(deadline)) return WAITED_IN_VAIN
    return result === undefined || result === TIMED_OUT ? this.#withAttempts(TIMED_OUT) : result
  }

  /** Requests a token from the endpoint, with as many attempts as are allowed. */
  async #fetch(loaded: Credentials | Failure): Promise<Acquired | Failure> {
    const { mayReload } = this.#context
    let credentials = loaded
    let last: Failure | undefined
    for (;;) {
      const result: Acquired | Failure = isFailure(credentials)
        ? credentials
        : await this.#attempt(credentials)
      if (!isFailure(result) || result === STOOD_STILL) return result
      // No request could be sent for another attempt: the last one counts. Its `Retry-After` has been waited for.
      if (result.isVerdict === false) return last ? { ...last, retryAfterMs: undefined } : result
      const failure = this.#withAttempts(result)
      if (this.#deadline.signal.aborted) return failure
      const delayMs = retryDelayMs(
        failure,
        {
          attempts: this.#attempts - this.#attemptsBefore,
          maxAttempts: this.#maxAttempts,
          mayReload: mayReload && !this.#hasReloaded,
          leftMs: this.#deadline.leftMs
        },
        Math.random()
      )
      if (delayMs === undefined) return failure
      last = failure
      if (failure.remedy === 'reload') this.#hasReloaded = true
      if (failure.retryAfterMs !== undefined) {
        this.#gate.hold(failure, failure.retryAfterMs, readClock(this.#context.clock))
      }
      // Give the place back while this client pauses. With fixed credentials nobody else could use it.
      if (mayReload) this.#entrance.leavePlace()
      if (delayMs > 0) await this.#deadline.sleep(delayMs)
      credentials = await this.#deadline.inTime(this.#loadCredentials())
    }
  }

  get #maxAttempts(): number {
    return maxAttempts({
      isAwaited: this.#waiting > 0,
      isProbe: this.admission?.isProbe === true,
      followsFailure: this.#followsFailure
    })
  }

  #withAttempts(failure: Failure): Failure {
    return { ...failure, attempts: this.#attempts }
  }

  async #attempt(credentials: Credentials): Promise<Acquired | Failure> {
    const { clock, endpoint } = this.#context
    const failure = await this.#entrance.enter(this.#deadline)
    if (failure !== undefined) return failure
    // The provider may have been closed meanwhile, by a function that another request called.
    const { signal } = this.#deadline
    if (signal.aborted) return signal.reason

    this.#attempts++
    this.#used = credentials
    const { account } = this
    const { tokenUrl } = endpoint
    return traceAttempt({ account, tokenUrl, attempt: this.#attempts, clock }, () =>
      this.#exchange(credentials)
    )
  }

  /** Sends one request, within its time limit. */
  async #exchange(credentials: Credentials): Promise<Acquired | Failure> {
    const { clock, endpoint, timeoutMs, expiryMarginMs } = this.#context
    const { signal } = this.#deadline
    // A subscriber may have closed the provider.
    if (signal.aborted) return signal.reason
    const attempt = controllerWithin(signal)
    const limit = new TimeLimit(clock, timeoutMs, (reason) => attempt.abort(reason))
    const { authorization, secrets } = authenticate(credentials)
    const cached = this.cachedToken === undefined ? [] : [this.cachedToken]
    const authentication = { authorization, secrets: [...secrets, ...cached] }
    const result = await requestToken(endpoint, authentication, attempt.signal, () => clock.now())
    limit.clear()
    const isLate = limit.isLate || this.#deadline.isLate
    if (isLate && saysNothing(result, limit.startedAt, readClock(clock), expiryMarginMs)) return STOOD_STILL
    return isFailure(result) ? result : { ...result, issuedAt: limit.startedAt }
  }

  #loadCredentials(): Promise<Credentials | Failure> {
    const { credentials, mayReload, log } = this.#context
    const { signal } = this.#deadline
    // The provider may have been closed before the next attempt.
    if (signal.aborted) return Promise.resolve(signal.reason)
    // Fixed credentials were checked when the provider was made.
    return loadCredentials(credentials, this.account, mayReload ? log.warnConfiguration : undefined)
  }
}

function isSameClient(one: Credentials | undefined, other: Credentials): boolean {
  return one?.clientId === other.clientId && one.clientSecret === other.clientSecret
}

/** A fetched token that is still being written to the fleet's store. It is deleted from there once it is written. */
function withdrawable(
  fetched: Acquired | Failure,
  writing: Promise<Acquired | Failure | undefined>
): Acquired | Failure {
  if (isFailure(fetched)) return fetched
  const withdraw = async () => {
    const written = await writing.catch(toFailure)
    if (written !== undefined && !isFailure(written)) written.withdraw?.()
  }
  return { ...fetched, withdraw }
}
