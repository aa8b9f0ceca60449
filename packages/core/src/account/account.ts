import { type Acquired, Acquisition, type AcquisitionContext } from '../acquisition/acquisition.js'
import { CoolDown } from '../acquisition/cool-down.js'
import type { BandwidthTokenError } from '../errors.js'
import { CLOSED, type Failure, isFailure, NEARLY_DEAD, toError } from '../failure.js'
import { type Instant, readClock, setBackgroundTimeout } from '../support/clock.js'
import type { AccessToken } from '../token/access-token.js'
import { ageMs, REQUEST_INTERVAL_MS } from '../token/lifetime.js'
import {
  type CachedToken,
  chooseToken,
  createCachedToken,
  isNamedBy,
  isNearlyDead,
  isYoung,
  nextWakeMs,
  type RejectedToken,
  usableMs
} from './cached-token.js'
import { describeStatus, type TokenStatus } from './status.js'

const REPLACEMENT_INTERVAL_MS = 30_000
const NEVER = Number.NEGATIVE_INFINITY

/** What the accounts of a provider share. */
export interface AccountContext extends AcquisitionContext {
  readonly refreshAheadMs: number
  readonly expiryMarginMs: number
  /** Called when an account has won or lost its token or its acquisition. */
  readonly onChange: (account: Account) => void
}

/** What a caller asks for beside a valid token. */
export interface TokenRequest {
  readonly minimumLifetimeMs?: number | undefined
  readonly rejected?: RejectedToken | undefined
  readonly signal?: AbortSignal | undefined
}

type Flight = Acquisition<CachedToken | Failure>

/** The life of one account's token: when it is handed out, refreshed, replaced and refused. */
export class Account {
  readonly key: string
  readonly #context: AccountContext
  #cached: CachedToken | undefined
  #flight: Flight | undefined
  readonly #coolDown = new CoolDown()
  #lastStartMs = NEVER
  #lastReplacementMs = NEVER
  #hotUntilMs = NEVER
  #timer: unknown

  constructor(key: string, context: AccountContext) {
    this.key = key
    this.#context = context
  }

  get hasToken(): boolean {
    return this.#cached !== undefined
  }

  get isAcquiring(): boolean {
    return this.#flight !== undefined
  }

  /** The hot path: the cached promise, as long as the token is before its refresh instant. */
  hot(wallMs: number): Promise<AccessToken> | undefined {
    if (wallMs >= this.#hotUntilMs) return undefined
    const cached = this.#cached as CachedToken
    cached.isUsed = true
    return cached.promise
  }

  async getToken({ minimumLifetimeMs = 0, rejected, signal }: TokenRequest): Promise<AccessToken> {
    const now = this.#now()
    const cached = this.#valid(now)
    if (cached === undefined) return this.#await(this.#acquire(now), signal)

    cached.isUsed = true
    if (isNamedBy(rejected, cached)) {
      const replacement = this.#replace(cached, now)
      return replacement === undefined ? cached.token : this.#await(replacement, signal)
    }
    if (minimumLifetimeMs > cached.lifetimeMs - ageMs(cached.issuedAt, now)) {
      return (await this.#renew(now, signal)).token
    }
    this.#refreshIfDue(cached, now)
    return cached.token
  }

  peek(): AccessToken | undefined {
    const cached = this.#valid(this.#now())
    if (cached !== undefined) cached.isUsed = true
    return cached?.token
  }

  async warmUp(): Promise<void> {
    const now = this.#now()
    if (this.#valid(now) === undefined) this.#orThrow(await this.#acquire(now).wait())
  }

  invalidate(rejected: RejectedToken): boolean {
    const now = this.#now()
    const cached = this.#valid(now)
    if (cached === undefined || !isNamedBy(rejected, cached) || isYoung(cached, now)) return false
    this.#drop()
    return true
  }

  status(): TokenStatus {
    const now = this.#now()
    const cached = this.#valid(now)
    return describeStatus({
      expiresInMs: cached && cached.lifetimeMs - ageMs(cached.issuedAt, now),
      lastErrorCode: this.#coolDown.failure?.code,
      consecutiveFailures: this.#coolDown.consecutiveFailures,
      retryInMs: this.#coolDown.leftMs(now),
      isAcquiring: this.isAcquiring
    })
  }

  /** Forgets the token without a word to the cache, which has done so already. */
  forget(): void {
    this.#cached = undefined
    this.#hotUntilMs = NEVER
    this.#clearTimer()
  }

  /** Ends what is under way. */
  close(): void {
    this.#flight?.close()
  }

  #now(): Instant {
    return readClock(this.#context.clock)
  }

  /** The cached token. One that was seen to have lapsed does not come back when a clock is set back. */
  #valid(now: Instant): CachedToken | undefined {
    if (this.#cached !== undefined && usableMs(this.#cached, now) < 0) this.#drop()
    return this.#cached
  }

  /** What a caller without a valid token waits for. */
  #acquire(now: Instant): Flight {
    if (this.#flight !== undefined) return this.#flight
    if (this.#coolDown.leftMs(now) !== undefined) throw this.#error(this.#coolDown.failure as Failure)
    return this.#start(now)
  }

  #start(now: Instant): Flight {
    const isProbe = this.#coolDown.consecutiveFailures > 0
    this.#lastStartMs = now.monotonicMs
    this.#flight = new Acquisition(this.#context, this.key, isProbe, (outcome) => this.#settle(outcome))
    this.#context.onChange(this)
    return this.#flight
  }

  #refreshIfDue(cached: CachedToken, now: Instant): void {
    const isDue = ageMs(cached.issuedAt, now) >= cached.refreshAgeMs
    if (isDue && this.#flight === undefined && this.#coolDown.leftMs(now) === undefined) this.#start(now)
  }

  /** What replaces a rejected token: nothing if it is too young or one was replaced too lately. */
  #replace(cached: CachedToken, now: Instant): Flight | undefined {
    if (this.#flight?.isReplacement) return this.#flight
    if (isYoung(cached, now)) {
      if (!cached.isSuspect) this.#context.log.warn({ account: this.key }, 'a token was rejected at once')
      cached.isSuspect = true
      return undefined
    }
    if (now.monotonicMs - this.#lastReplacementMs < REPLACEMENT_INTERVAL_MS) return undefined
    const flight = this.#acquire(now)
    flight.isReplacement = true
    this.#lastReplacementMs = flight.startedAtMs
    return flight
  }

  /** A token that lives longer, if one may be had; else the cached one. */
  async #renew(now: Instant, signal?: AbortSignal): Promise<CachedToken> {
    const mayStart =
      now.monotonicMs - this.#lastStartMs >= REQUEST_INTERVAL_MS && this.#coolDown.leftMs(now) === undefined
    const flight = this.#flight ?? (mayStart ? this.#start(now) : undefined)
    const result = await flight?.wait(signal)
    const cached = this.#valid(this.#now()) ?? this.#orThrow(result as CachedToken | Failure)
    cached.isUsed = true
    return cached
  }

  async #await(flight: Flight, signal: AbortSignal | undefined): Promise<AccessToken> {
    const cached = this.#orThrow(await flight.wait(signal))
    cached.isUsed = true
    return cached.token
  }

  #orThrow(result: CachedToken | Failure): CachedToken {
    if (!isFailure(result)) return result
    throw this.#error(result)
  }

  #error(failure: Failure): BandwidthTokenError {
    return toError(failure, this.#coolDown.leftMs(this.#now()))
  }

  #settle(outcome: Acquired | Failure): CachedToken | Failure {
    const { isReplacement } = this.#flight as Flight
    this.#flight = undefined
    if (outcome === CLOSED) return outcome
    const now = this.#now()
    const result = isFailure(outcome) ? this.#fail(outcome, now) : this.#adopt(outcome, now, isReplacement)
    this.#armTimer(now)
    this.#context.onChange(this)
    return result
  }

  #fail(failure: Failure, now: Instant): Failure {
    const forMs = this.#coolDown.add(failure, now)
    const { code, attempts, upstreamStatus, oauthError } = failure
    this.#context.log.warn(
      { account: this.key, code, attempts, upstreamStatus, oauthError, retryInMs: Math.round(forMs) },
      this.#valid(now)
        ? 'the token could not be refreshed; the cached one serves'
        : 'no token could be obtained'
    )
    return failure
  }

  #adopt(grant: Acquired, now: Instant, isReplacement: boolean): CachedToken | Failure {
    const { clock, log } = this.#context
    if (!grant.hasExpiresIn) log.warnOnce('the token endpoint sent no "expires_in"; 60 s are assumed')
    const previous = this.#valid(now)
    const next = createCachedToken(grant, this.#context, clock)
    const untilMs = next.issuedAt.monotonicMs + REQUEST_INTERVAL_MS
    this.#cached = chooseToken(next, previous, isReplacement, now)
    const mustWait = this.#cached !== next || isNearlyDead(next, now)
    this.#coolDown.end(mustWait ? { failure: NEARLY_DEAD, untilMs } : undefined)
    this.#hotUntilMs = NEVER
    if (this.#cached !== next) return NEARLY_DEAD
    this.#hotUntilMs = next.issuedAt.wallMs + Math.min(next.refreshAgeMs, next.lifetimeMs - next.hardMs)
    log.debug({ account: this.key, expiresIn: grant.expiresIn }, 'a token was obtained')
    return next
  }

  /** Wakes the account at the next instant at which something is to be done without a caller. */
  #armTimer(now: Instant): void {
    this.#clearTimer()
    const cached = this.#cached
    if (cached === undefined) return
    const wakeInMs = nextWakeMs(cached, this.#coolDown.leftMs(now), now)
    this.#timer = setBackgroundTimeout(this.#context.clock, () => this.#wake(), wakeInMs)
  }

  #wake(): void {
    const now = this.#now()
    const cached = this.#valid(now)
    if (cached === undefined) return
    // From here on every caller looks at both clocks, whatever the wall clock has done meanwhile.
    this.#hotUntilMs = NEVER
    if (cached.isUsed) this.#refreshIfDue(cached, now)
    this.#armTimer(now)
  }

  #drop(): void {
    this.forget()
    this.#context.onChange(this)
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#context.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
