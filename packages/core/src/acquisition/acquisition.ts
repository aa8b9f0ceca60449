import type { Grant } from '../endpoint/parse.js'
import { type Endpoint, requestToken } from '../endpoint/request.js'
import { CLOSED, type Failure, isFailure, STOOD_STILL, TIMED_OUT, WAITED_IN_VAIN } from '../failure.js'
import { abortable, controllerWithin } from '../support/abortable.js'
import { type Clock, holdProcess, type Instant, readClock, setBackgroundTimeout } from '../support/clock.js'
import { ageMs, marginMs } from '../token/lifetime.js'
import type { Admission, ClientGate } from './client-gate.js'
import { authenticate, type Credentials, isCredentials } from './credentials.js'
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
  /** As many as requests of the provider may be in flight. */
  readonly places: Places
}

/** A grant and the instant just before its request was sent. */
export interface Acquired extends Grant {
  readonly issuedAt: Instant
}

const ATTEMPTS_WHILE_AWAITED = 3
const RESTARTS_WHILE_AWAITED = 3

/**
 * One acquisition of a token with its retries, shared by all who wait for it. Its result never rejects. It holds
 * the process open only while somebody waits.
 */
export class Acquisition<Result> {
  readonly account: string
  readonly startedAtMs: number
  /** Whether a caller asked for it because a peer rejected the cached token. */
  isReplacement = false
  /** Whether anybody has waited for it: else it is a refresh in the background. */
  isAwaited = false
  /** How it passed the client's gate, if it has. */
  admission: Admission | undefined
  readonly #context: AcquisitionContext
  readonly #gate: ClientGate
  readonly #mayRetry: boolean
  #result: Promise<Result> | undefined
  #ended = new AbortController()
  #deadline: TimeLimit
  #waiting = 0
  #attempts = 0
  #hasPlace = false
  #isClosed = false

  /** `mayRetry` is false for the first acquisition after a cool-down, which makes one attempt, whoever waits for it. */
  constructor(context: AcquisitionContext, account: string, gate: ClientGate, mayRetry: boolean) {
    this.#context = context
    this.account = account
    this.#gate = gate
    this.#mayRetry = mayRetry
    this.startedAtMs = context.clock.monotonic()
    this.#deadline = this.#startDeadline()
  }

  /** Begins. `settle` makes the result of the outcome, before anybody who waits goes on. */
  start(settle: (outcome: Acquired | Failure) => Result): void {
    let resolve: (result: Promise<Result>) => void = () => {}
    // In its place before anything runs: the credentials function may ask for this very token.
    this.#result = new Promise((resolveResult) => {
      resolve = resolveResult
    })
    const result = this.#run().then((outcome) => {
      this.#deadline.clear()
      // It may have been closed while an answer was on its last steps.
      const result = settle(this.#ended.signal.reason === CLOSED ? CLOSED : outcome)
      // Only now may others go on, who would not if this has begun a cool-down.
      this.admission?.leave()
      this.#leavePlace()
      return result
    })
    resolve(result)
  }

  /** The result for one caller, who may lose patience without disturbing the others. */
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

  /** As often as the process stood still, all begins anew: the endpoint is not to blame. */
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
    let { mayReload } = this.#context
    let last: Failure | undefined
    for (;;) {
      const result = await this.#attempt()
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
          mayReload,
          leftMs: this.#deadline.leftMs
        },
        Math.random()
      )
      if (delayMs === undefined) return failure
      last = failure
      if (failure.remedy === 'reload') mayReload = false
      if (failure.retryAfterMs !== undefined) {
        this.#gate.hold(failure, failure.retryAfterMs, readClock(this.#context.clock))
      }
      if (delayMs > 0) await this.#sleep(delayMs)
    }
  }

  get #mayRetryNow(): boolean {
    return this.#waiting > 0 && this.#mayRetry && !this.admission?.isProbe
  }

  #withAttempts(failure: Failure): Failure {
    return { ...failure, attempts: this.#attempts }
  }

  async #attempt(): Promise<Acquired | Failure> {
    const { clock, endpoint, timeoutMs } = this.#context
    const credentials = await this.#inTime(this.#loadCredentials())
    if (isFailure(credentials)) return credentials
    const refusal = await this.#enter()
    if (refusal !== undefined) return refusal
    // It may have been closed since, from within another's request.
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

  /** Whether a result that is late may be so because the process stood still. A status is a verdict all the same. */
  #saysNothing(result: Grant | Failure, issuedAt: Instant): boolean {
    const { clock, expiryMarginMs } = this.#context
    if (isFailure(result)) return result !== CLOSED && result.upstreamStatus === undefined
    const lifetimeMs = result.expiresIn * 1000
    return ageMs(issuedAt, readClock(clock)) > lifetimeMs - marginMs(lifetimeMs, expiryMarginMs)
  }

  /** Waits until a request may be sent. Whoever is refused or runs out of time here has learnt nothing new. */
  async #enter(): Promise<Failure | undefined> {
    const { clock, places } = this.#context
    for (;;) {
      const obstacle = this.#gate.obstacle(readClock(clock), this.admission)
      let wait: Promise<unknown>
      if (this.#deadline.leftMs <= 0) {
        // Its timer is due, and says whether the process stood still.
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

  /** What the work comes to, or the reason why this acquisition has ended meanwhile. */
  #inTime<T>(work: Promise<T>): Promise<T | Failure> {
    return abortable(work, this.#ended.signal).catch((reason: Failure) => reason)
  }

  async #loadCredentials(): Promise<Credentials | Failure> {
    try {
      const { clientId, clientSecret } = await this.#context.credentials(this.account)
      // What was checked is what is used, even if a getter of the user's gives something else next time.
      const credentials = { clientId, clientSecret }
      if (isCredentials(credentials)) return credentials
    } catch {
      // What the user's function threw may hold a secret.
    }
    return {
      code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
      message: 'The "credentials" function gave no usable credentials for this account.',
      remedy: 'wait'
    }
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
