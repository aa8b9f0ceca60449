import type { Grant } from '../endpoint/parse.js'
import { type Endpoint, requestToken } from '../endpoint/request.js'
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
import {
  ageMs,
  type Clock,
  holdProcess,
  type Instant,
  readClock,
  setBackgroundTimeout
} from '../support/clock.js'
import type { Log } from '../support/logger.js'
import { marginMs } from '../token/lifetime.js'
import type { Acquired } from './acquired.js'
import type { Admission, ClientGate } from './client-gate.js'
import { authenticate, type Credentials, loadCredentials } from './credentials.js'
import { type Demand, type LoadFleet, obtainTogether } from './fleet.js'
import type { Places } from './places.js'
import { retryDelayMs } from './retry.js'
import { TimeLimit } from './time-limit.js'

/** What an acquisition works with. */
export interface AcquisitionContext {
  readonly endpoint: Endpoint
  readonly credentials: (account: string) => Credentials | Promise<Credentials>
  /** Whether asking for the credentials again may give others. */
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

const ATTEMPTS_WHILE_AWAITED = 3
const RESTARTS_WHILE_AWAITED = 3

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
  /** Whether a caller has waited for it. If none has, it is a background refresh. */
  isAwaited = false
  /** Its admission by the client's gate, once it has one. */
  admission: Admission | undefined
  readonly #context: AcquisitionContext
  readonly #gate: ClientGate
  readonly #mayRetry: boolean
  readonly #demand: Demand
  #result: Promise<Result> | undefined
  #ended = new AbortController()
  #deadline: TimeLimit
  #waiting = 0
  #attempts = 0
  #hasPlace = false
  /** Whether the credentials were loaded again. The token may then belong to another identity. */
  #hasReloaded = false
  #isClosed = false

  /** `mayRetry` is false for the first acquisition after a cool-down: it makes one attempt, even if callers wait. */
  constructor(
    context: AcquisitionContext,
    account: string,
    gate: ClientGate,
    mayRetry: boolean,
    demand: Demand
  ) {
    this.#context = context
    this.account = account
    this.#gate = gate
    this.#mayRetry = mayRetry
    this.#demand = demand
    this.startedAtMs = context.clock.monotonic()
    this.#deadline = this.#startDeadline()
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
      // The provider may have been closed after the response arrived.
      const result = settle(this.#ended.signal.reason === CLOSED ? CLOSED : outcome)
      // Let others continue only now: if this acquisition started a cool-down, they must see it.
      this.admission?.leave()
      this.#leavePlace()
      return result
    })
    resolve(result)
  }

  /** The result for one caller. Its `signal` ends the wait of this caller alone. */
  async wait(signal?: AbortSignal): Promise<Result> {
    this.isAwaited = true
    if (this.#waiting++ === 0) holdProcess(this.#deadline.timer, true)
    const result = this.#result as Promise<Result>
    try {
      return await (signal === undefined ? result : abortable(result, signal))
    } finally {
      if (--this.#waiting === 0) holdProcess(this.#deadline.timer, false)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#ended.abort(CLOSED)
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
      this.#ended = new AbortController()
      this.#deadline = this.#startDeadline()
      this.#attempts = 0
      this.#hasReloaded = false
    }
  }

  #startDeadline(): TimeLimit {
    const ended = this.#ended
    const limit = new TimeLimit(this.#context.clock, this.#context.deadlineMs, (reason) =>
      ended.abort(reason)
    )
    if (this.#waiting > 0) holdProcess(limit.timer, true)
    return limit
  }

  async #runInTime(): Promise<Acquired | Failure> {
    const { clock, loadFleet } = this.#context
    const credentials = await this.#inTime(this.#loadCredentials())
    if (isFailure(credentials))
      return credentials === STOOD_STILL ? credentials : this.#withAttempts(credentials)
    if (loadFleet === undefined) return this.#fetch(credentials)
    const { signal } = this.#ended
    let fetching: Promise<Acquired | Failure> | undefined
    const result = await this.#inTime(
      obtainTogether(loadFleet, clock, credentials, this.account, {
        ...this.#demand,
        fetch: () => {
          fetching = this.#fetch(credentials)
          return fetching
        },
        mayShare: () => !this.#hasReloaded,
        isEnded: () => signal.aborted
      })
    )
    // What this member has begun itself comes to its end before anything begins anew, and has the last word.
    if (signal.aborted && fetching !== undefined) return fetching
    return result === undefined || result === TIMED_OUT ? this.#withAttempts(TIMED_OUT) : result
  }

  /** Requests a token from the endpoint, with as many attempts as are allowed. */
  async #fetch(loaded: Credentials): Promise<Acquired | Failure> {
    const { mayReload } = this.#context
    let credentials: Credentials | Failure = loaded
    let last: Failure | undefined
    for (;;) {
      const result: Acquired | Failure = isFailure(credentials)
        ? credentials
        : await this.#attempt(credentials)
      if (!isFailure(result) || result === STOOD_STILL) return result
      // What it asked for in `Retry-After` has been waited for.
      if (result.isVerdict === false) return last ? { ...last, retryAfterMs: undefined } : result
      const failure = this.#withAttempts(result)
      if (this.#ended.signal.aborted) return failure
      const delayMs = retryDelayMs(
        failure,
        {
          attempts: this.#attempts,
          maxAttempts: this.#mayRetryNow ? ATTEMPTS_WHILE_AWAITED : 1,
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
      if (delayMs > 0) await this.#sleep(delayMs)
      credentials = await this.#inTime(this.#loadCredentials())
    }
  }

  get #mayRetryNow(): boolean {
    return this.#waiting > 0 && this.#mayRetry && !this.admission?.isProbe
  }

  #withAttempts(failure: Failure): Failure {
    return { ...failure, attempts: this.#attempts }
  }

  async #attempt(credentials: Credentials): Promise<Acquired | Failure> {
    const { clock, endpoint, timeoutMs } = this.#context
    const refusal = await this.#enter()
    if (refusal !== undefined) return refusal
    // The provider may have been closed meanwhile, by a function that another request called.
    if (this.#ended.signal.aborted) return this.#ended.signal.reason

    this.#attempts++
    const attempt = controllerWithin(this.#ended.signal)
    const limit = new TimeLimit(clock, timeoutMs, (reason) => attempt.abort(reason))
    const result = await requestToken(endpoint, authenticate(credentials), attempt.signal, () => clock.now())
    limit.clear()
    const isLate = limit.isLate || this.#deadline.isLate
    if (isLate && this.#saysNothing(result, limit.startedAt)) return STOOD_STILL
    return isFailure(result) ? result : { ...result, issuedAt: limit.startedAt }
  }

  /**
   * Whether a late result says nothing about the endpoint, because the process stood still. A status always says
   * something.
   */
  #saysNothing(result: Grant | Failure, issuedAt: Instant): boolean {
    const { clock, expiryMarginMs } = this.#context
    if (isFailure(result)) return result !== CLOSED && result.upstreamStatus === undefined
    const lifetimeMs = result.expiresIn * 1000
    return ageMs(issuedAt, readClock(clock)) > lifetimeMs - marginMs(lifetimeMs, expiryMarginMs)
  }

  /**
   * Waits until a request may be sent. Being refused here, or running out of time, is no verdict: it starts no
   * cool-down.
   */
  async #enter(): Promise<Failure | undefined> {
    const { clock, places } = this.#context
    for (;;) {
      const obstacle = this.#gate.obstacle(readClock(clock), this.admission)
      let wait: Promise<unknown>
      if (this.#deadline.leftMs <= 0) {
        // The timer of the deadline is due. It ends the wait, and knows whether the process stood still.
        wait = new Promise(() => {})
      } else if (obstacle === undefined) {
        if (this.#hasPlace) break
        wait = places.take(this.#ended.signal).then(() => {
          this.#hasPlace = true
        })
      } else if ('probe' in obstacle) {
        wait = obstacle.probe
      } else if ('heldMs' in obstacle && obstacle.heldMs < this.#deadline.leftMs) {
        wait = this.#sleep(obstacle.heldMs)
      } else {
        return { ...obstacle.refusal, isVerdict: false }
      }
      await this.#inTime(wait)
      const { aborted, reason } = this.#ended.signal
      if (aborted) return reason === TIMED_OUT ? WAITED_IN_VAIN : reason
    }
    if (this.admission === undefined || !this.#gate.isCurrent(this.admission)) {
      // After a cool-down that others began it is as new, and may be the probe.
      this.admission?.leave()
      this.admission = this.#gate.admit()
    }
    return undefined
  }

  #leavePlace(): void {
    if (this.#hasPlace) this.#context.places.release()
  }

  /** The result of `work`, or the failure with which this acquisition has ended meanwhile. */
  #inTime<T>(work: Promise<T>): Promise<T | Failure> {
    return abortable(work, this.#ended.signal).catch(toFailure)
  }

  #loadCredentials(): Promise<Credentials | Failure> {
    const { credentials, mayReload, log } = this.#context
    // Fixed credentials were checked when the provider was made.
    return loadCredentials(credentials, this.account, mayReload ? log.warnConfiguration : undefined)
  }

  async #sleep(delayMs: number): Promise<void> {
    const { clock } = this.#context
    let timer: unknown
    const slept = new Promise<void>((resolve) => {
      timer = setBackgroundTimeout(clock, resolve, delayMs)
    })
    await this.#inTime(slept)
    clock.clearTimeout(timer)
  }
}
