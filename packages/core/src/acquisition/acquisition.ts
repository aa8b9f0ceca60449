import type { Grant } from '../endpoint/parse.js'
import { type Endpoint, requestToken } from '../endpoint/request.js'
import { CLOSED, type Failure, isFailure, TIMED_OUT } from '../failure.js'
import { abortable, controllerWithin } from '../support/abortable.js'
import { type Clock, holdProcess, type Instant, readClock, setBackgroundTimeout } from '../support/clock.js'
import type { Log } from '../support/logger.js'
import { authenticate, type Credentials, loadCredentials } from './credentials.js'
import { retryDelayMs } from './retry.js'

/** What an acquisition works with. */
export interface AcquisitionContext {
  readonly endpoint: Endpoint
  readonly credentials: (account: string) => Credentials | Promise<Credentials>
  /** Whether asking for the credentials again may give others. */
  readonly mayReload: boolean
  readonly timeoutMs: number
  readonly deadlineMs: number
  readonly clock: Clock
  readonly log: Log
}

/** A grant and the instant just before its request was sent. */
export interface Acquired extends Grant {
  readonly issuedAt: Instant
}

const ATTEMPTS_WHILE_AWAITED = 3

/**
 * One acquisition of a token with its retries, shared by all who wait for it. Its result never rejects. It holds
 * the process open only while somebody waits.
 */
export class Acquisition<Result> {
  readonly startedAtMs: number
  readonly result: Promise<Result>
  /** Whether a caller asked for it because a peer rejected the cached token. */
  isReplacement = false
  readonly #context: AcquisitionContext
  readonly #account: string
  readonly #isProbe: boolean
  readonly #ended = new AbortController()
  readonly #deadline: unknown
  #waiting = 0
  #attempts = 0

  /** A probe makes one attempt, whoever waits for it. `settle` runs before anybody who waits goes on. */
  constructor(
    context: AcquisitionContext,
    account: string,
    isProbe: boolean,
    settle: (outcome: Acquired | Failure) => Result
  ) {
    this.#context = context
    this.#account = account
    this.#isProbe = isProbe
    this.startedAtMs = context.clock.monotonic()
    this.#deadline = setBackgroundTimeout(context.clock, () => this.#end(TIMED_OUT), context.deadlineMs)
    this.result = this.#run().then((outcome) => {
      context.clock.clearTimeout(this.#deadline)
      // It may have been closed while an answer was on its last steps.
      return settle(this.#ended.signal.reason === CLOSED ? CLOSED : outcome)
    })
  }

  /** The result for one caller, who may lose patience without disturbing the others. */
  async wait(signal?: AbortSignal): Promise<Result> {
    if (this.#waiting++ === 0) holdProcess(this.#deadline, true)
    try {
      return await (signal === undefined ? this.result : abortable(this.result, signal))
    } finally {
      if (--this.#waiting === 0) holdProcess(this.#deadline, false)
    }
  }

  close(): void {
    this.#end(CLOSED)
  }

  #end(failure: Failure): void {
    this.#ended.abort(failure)
  }

  async #run(): Promise<Acquired | Failure> {
    const { clock, deadlineMs } = this.#context
    let { mayReload } = this.#context
    for (;;) {
      const result = await this.#attempt()
      if (!isFailure(result)) return result
      const failure = { ...result, attempts: this.#attempts }
      if (this.#ended.signal.aborted) return failure
      const delayMs = retryDelayMs(
        failure,
        {
          attempts: this.#attempts,
          maxAttempts: this.#waiting > 0 && !this.#isProbe ? ATTEMPTS_WHILE_AWAITED : 1,
          mayReload,
          leftMs: this.startedAtMs + deadlineMs - clock.monotonic()
        },
        Math.random()
      )
      if (delayMs === undefined) return failure
      if (failure.remedy === 'reload') mayReload = false
      if (delayMs > 0) await this.#sleep(delayMs)
    }
  }

  async #attempt(): Promise<Acquired | Failure> {
    const { clock, endpoint, timeoutMs } = this.#context
    const ended = this.#ended.signal
    const credentials = await abortable(this.#loadCredentials(), ended).catch((reason: Failure) => reason)
    if (isFailure(credentials)) return credentials

    this.#attempts++
    const attempt = controllerWithin(ended)
    const timer = setBackgroundTimeout(clock, () => attempt.abort(TIMED_OUT), timeoutMs)
    const issuedAt = readClock(clock)
    const request = requestToken(endpoint, authenticate(credentials), attempt.signal, () => clock.now())
    const result = await request
    clock.clearTimeout(timer)
    return { ...result, issuedAt }
  }

  #loadCredentials(): Promise<Credentials | Failure> {
    const { credentials, mayReload, log } = this.#context
    // Fixed credentials were looked at when the provider was made.
    return loadCredentials(credentials, this.#account, mayReload ? log.warnOnce : undefined)
  }

  #sleep(delayMs: number): Promise<void> {
    const { clock } = this.#context
    let timer: unknown
    const slept = new Promise<void>((resolve) => {
      timer = setBackgroundTimeout(clock, resolve, delayMs)
    })
    return abortable(slept, this.#ended.signal)
      .catch(() => {})
      .finally(() => clock.clearTimeout(timer))
  }
}
