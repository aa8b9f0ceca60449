import type { Acquired } from '../acquisition/acquired.js'
import { Acquisition } from '../acquisition/acquisition.js'
import { isPause, type Pause } from '../acquisition/cool-down.js'
import type { Demand } from '../acquisition/fleet-member.js'
import { CLOSED, type Failure, isFailure, POINTLESS, toFailure } from '../failure.js'
import { startOfWaitMs } from '../observe/serve-error.js'
import { cancelTimeout, setBackgroundTimeout } from '../support/background-timer.js'
import { type Instant, NEVER, readClock } from '../support/clock.js'
import type { AccessToken } from '../token/access-token.js'
import { leftMs, usableMs } from '../token/lifetime.js'
import { hotUntilMs, isDue, nextWakeMs } from '../token/refresh-plan.js'
import type { AccountContext } from './account-context.js'
import { betterToken, isImprovement } from './better-token.js'
import { type CachedToken, createCachedToken, isNamedBy, type RejectedToken } from './cached-token.js'
import { mayRenew } from './minimum-lifetime.js'
import { Pauses } from './pauses.js'
import { Rejections } from './rejections.js'
import { isNearlyDead } from './same-token-pause.js'
import { describeStatus, type TokenStatus } from './status.js'

/** When to repeat a refresh that sent no request: it waited in vain for a place, a probe or the end of `Retry-After`. */
const WAITED_IN_VAIN_RETRY_MS = 1_000

type TokenAcquisition = Acquisition<CachedToken | Failure>

/** The life of one account's token: when it is handed out, refreshed and replaced, and when callers are refused. */
export class Account {
  // What the hot path reads comes first, so that it is in one place in memory.
  #hotUntilMs = NEVER
  /** What the hot path hands out: the cached token, once it was used. */
  #hotToken: Promise<AccessToken> | undefined
  readonly key: string
  readonly #context: AccountContext<Account>
  readonly #pauses: Pauses
  /** Made when it is needed: without a store, most accounts never have a rejection. */
  #madeRejections: Rejections | undefined
  #cached: CachedToken | undefined
  #acquisition: TokenAcquisition | undefined
  /** The token for those who joined the acquisition. It rejects with a `Failure`. */
  #first: Promise<AccessToken> | undefined
  #lastStartMs = NEVER
  #timer: unknown
  /** For the log. */
  hasFailed = false

  constructor(key: string, context: AccountContext<Account>) {
    this.key = key
    this.#context = context
    this.#pauses = new Pauses(context.gateOfAccount(), key, context.pauseWatch)
  }

  get hasToken(): boolean {
    return this.#cached !== undefined
  }

  /** Whether the account has a token that may still be handed out. */
  get serves(): boolean {
    return this.#cached !== undefined && usableMs(this.#cached, this.#now()) >= 0
  }

  get isAcquiring(): boolean {
    return this.#acquisition !== undefined
  }

  /** The hot path: the same promise for every caller, from the token's first use until its refresh instant. */
  hot(wallMs: number): Promise<AccessToken> | undefined {
    return wallMs < this.#hotUntilMs ? this.#hotToken : undefined
  }

  /**
   * The short way of `getToken()` while the first token is being fetched, for callers who ask for nothing else: ten
   * thousand may come at once. `undefined` if there is a token, or nothing is in flight.
   */
  join(): Promise<AccessToken> | undefined {
    if (this.#cached !== undefined || this.#acquisition === undefined) return undefined
    const sinceMs = startOfWaitMs(this.#context.clock)
    // The token is the same for all of them. What each has of its own is the error.
    const result = this.#acquisition.wait()
    this.#first ??= result.then((it) => (isFailure(it) ? Promise.reject(it) : this.#useNew(it)))
    return this.#first.then(undefined, (reason) => this.#use(this.#orThrow(toFailure(reason), sinceMs)))
  }

  async getToken(
    minimumLifetimeMs = 0,
    rejected?: RejectedToken,
    signal?: AbortSignal
  ): Promise<AccessToken> {
    const now = this.#now()
    const cached = this.#checkCached(now)
    if (cached === undefined) {
      const acquisition = this.#startedOrThrow(this.#request(now), now)
      acquisition.minimumLifetimeMs = Math.max(acquisition.minimumLifetimeMs, minimumLifetimeMs)
      const token = this.#useNew(this.#orThrow(await acquisition.wait(signal), now.monotonicMs))
      // The store may return the very token that this caller rejects.
      const isRejected = isNamedBy(rejected, { token }) && this.#checkCached(this.#now()) !== undefined
      return isRejected ? this.getToken(minimumLifetimeMs, rejected, signal) : token
    }

    const wasIdle = !cached.isUsed
    this.#use(cached)
    // While the token was idle, the timer waited for its hard line alone.
    if (wasIdle) this.#context.inOwnContext(() => this.#armTimer(now))
    if (isNamedBy(rejected, cached)) {
      const request = this.#pauses.isPointless(now) ? undefined : () => this.#request(now)
      const replacement = this.#rejections.replace(cached, now, this.#acquisition, request)
      if (replacement === undefined) return cached.token
      return this.#use(
        this.#orThrow(await this.#startedOrThrow(replacement, now).wait(signal), now.monotonicMs)
      )
    }
    if (minimumLifetimeMs > leftMs(cached, now)) {
      return this.#renew(cached, minimumLifetimeMs, now, signal)
    }
    this.#refreshIfDue(cached, now)
    return cached.token
  }

  peek(): AccessToken | undefined {
    const cached = this.#checkCached(this.#now())
    return cached && this.#use(cached)
  }

  async warmUp(): Promise<void> {
    const now = this.#now()
    if (this.#checkCached(now) !== undefined) return
    this.#orThrow(await this.#startedOrThrow(this.#request(now), now).wait(), now.monotonicMs)
  }

  invalidate(rejected: RejectedToken): boolean {
    const now = this.#now()
    const cached = this.#checkCached(now)
    if (cached === undefined || !isNamedBy(rejected, cached)) return false
    const isDropped = this.#rejections.reject(cached, now)
    if (isDropped) this.#drop()
    this.#rejections.publish(cached, isDropped ? 'dropped' : undefined)
    return isDropped
  }

  status(): TokenStatus {
    const now = this.#now()
    return describeStatus(this.#checkCached(now), this.#pauses, this.isAcquiring, now)
  }

  /** Drops the token. The cache calls this on eviction, so it is not notified. */
  forget(): void {
    this.#cached = undefined
    this.#hotToken = undefined
    this.#timer = cancelTimeout(this.#context.clock, this.#timer)
  }

  /** Ends what is in flight. The cache drops the token. */
  close(): void {
    this.#acquisition?.close()
  }

  get #rejections(): Rejections {
    this.#madeRejections ??= new Rejections(this.#context, this.key)
    return this.#madeRejections
  }

  #now(): Instant {
    return readClock(this.#context.clock)
  }

  /** Returns the cached token if it is valid, and drops it if not: it must not come back when a clock is set back. */
  #checkCached(now: Instant): CachedToken | undefined {
    const cached = this.#cached
    if (cached !== undefined && usableMs(cached, now) < 0) {
      this.#drop()
      this.#pauses.lapsed((then) => usableMs(cached, then) >= 0, now)
    }
    return this.#cached
  }

  #pause(now: Instant): Pause | undefined {
    return this.#pauses.current(now, this.#cached && usableMs(this.#cached, now))
  }

  /** Every request starts here. Returns the acquisition in flight, else the pause that forbids one, else a new one. */
  #request(now: Instant): TokenAcquisition | Pause {
    return this.#acquisition ?? this.#pause(now) ?? this.#start(now)
  }

  #start(now: Instant): TokenAcquisition {
    const { inOwnContext } = this.#context
    this.#lastStartMs = now.monotonicMs
    const demand: Demand = {
      accepts: (shared) => this.#accepts(acquisition, shared),
      lastReplacementMs: () => this.#rejections.lastReplacementMs
    }
    const acquisition: TokenAcquisition = inOwnContext(
      () => new Acquisition(this.#context, this.key, this.#pauses.gate, this.#pauses.followsFailure, demand)
    )
    acquisition.cachedToken = this.#cached?.token.accessToken
    // Register it before it runs: a function that it calls may close the provider.
    this.#acquisition = acquisition
    this.#context.onChange(this)
    if (this.#context.isClosed()) acquisition.close()
    inOwnContext(() => acquisition.start((outcome) => this.#settle(acquisition, outcome)))
    return acquisition
  }

  /** Whether a token from the fleet's store meets the purpose of this acquisition. */
  #accepts(acquisition: TokenAcquisition, shared: Acquired): boolean {
    const now = this.#now()
    if (this.#rejections.isRejected(shared)) return false
    return isImprovement(shared, this.#checkCached(now), acquisition, this.#context.expiryMarginMs, now)
  }

  #refreshIfDue(cached: CachedToken, now: Instant): void {
    if (isDue(cached, now)) this.#request(now)
  }

  /** A token that lives longer, if a request may start. Otherwise the token that was valid when the caller asked. */
  async #renew(
    asked: CachedToken,
    minimumLifetimeMs: number,
    now: Instant,
    signal?: AbortSignal
  ): Promise<AccessToken> {
    const request = mayRenew(asked, this.#lastStartMs, now) ? this.#request(now) : this.#acquisition
    if (request === undefined || isPause(request)) return asked.token
    request.minimumLifetimeMs = Math.max(request.minimumLifetimeMs, minimumLifetimeMs)
    const result = await request.wait(signal)
    return this.#use(this.#checkCached(this.#now()) ?? this.#orThrow(result, now.monotonicMs))
  }

  #use(cached: CachedToken): AccessToken {
    cached.isUsed = true
    if (cached === this.#cached) this.#hotToken = cached.promise
    return cached.token
  }

  /** Hands out a token that has just come. One from the fleet's store may be due for its refresh already. */
  #useNew(cached: CachedToken): AccessToken {
    this.#use(cached)
    if (cached === this.#cached && isDue(cached, this.#now())) this.#context.inOwnContext(() => this.#wake())
    return cached.token
  }

  #orThrow(result: CachedToken | Failure, sinceMs: number | undefined): CachedToken {
    if (!isFailure(result)) return result
    // Trying again makes no sense at a closed provider.
    const pauseMs = result === CLOSED ? undefined : this.#pause(this.#now())?.leftMs
    throw this.#context.accountLog.errorFor(this, result, pauseMs ?? result.retryAfterMs, sinceMs)
  }

  /** The acquisition that a caller waits for. Throws the failure of the pause, if no request may start. */
  #startedOrThrow(request: TokenAcquisition | Pause, now: Instant): TokenAcquisition {
    if (!isPause(request)) return request
    throw this.#context.accountLog.errorFor(this, request.failure, request.leftMs, now.monotonicMs)
  }

  #settle(acquisition: TokenAcquisition, outcome: Acquired | Failure): CachedToken | Failure {
    const now = this.#now()
    // The cached token may have lapsed unnoticed. A subscriber that hears of it may close the provider, or ask for a token.
    this.#checkCached(now)
    this.#acquisition = this.#first = undefined
    // The provider may have been closed after the response arrived, or by a subscriber at the deadline.
    const result = this.#context.isClosed() ? CLOSED : this.#conclude(acquisition, outcome, now)
    const pause = this.#pause(now)
    this.#context.accountLog.ended(this, { acquisition, outcome, result, pause }, this.#pauses)
    this.#pauses.publish(now)
    // A logger or a subscriber may have closed the provider.
    return this.#context.isClosed() ? CLOSED : result
  }

  #conclude(acquisition: TokenAcquisition, outcome: Acquired | Failure, now: Instant): CachedToken | Failure {
    if (isFailure(outcome)) this.#pauses.failed(outcome, acquisition, now)
    const result = isFailure(outcome) ? outcome : this.#adopt(acquisition, outcome, now)
    this.#armTimer(now)
    this.#context.onChange(this)
    return result
  }

  #adopt(acquisition: TokenAcquisition, acquired: Acquired, now: Instant): CachedToken | Failure {
    const previous = this.#checkCached(now)
    const next = createCachedToken(acquired, this.#context, this.#context.clock)
    this.#cached = betterToken(next, previous, acquisition.isReplacement, now)
    const isAdopted = this.#cached === next
    if (acquired.replacedAtMs !== undefined) this.#rejections.learn(acquired.replacedAtMs)
    this.#pauses.succeeded(acquisition.admission, next.issuedAt, !isAdopted || isNearlyDead(next, now), now)
    if (this.#cached !== previous) {
      this.#hotToken = undefined
      this.#hotUntilMs = isAdopted ? hotUntilMs(next) : NEVER
    }
    return isAdopted ? next : { ...POINTLESS, attempts: acquisition.attempts }
  }

  /** Sets the timer to the next instant at which the account has something to do without a caller. */
  #armTimer(now: Instant): void {
    this.#timer = cancelTimeout(this.#context.clock, this.#timer)
    const cached = this.#cached
    if (cached === undefined) return
    // A token that nobody has used is not refreshed again.
    const mayRetry = cached.isUsed && this.#acquisition === undefined
    const retryInMs = mayRetry ? (this.#pause(now)?.leftMs ?? WAITED_IN_VAIN_RETRY_MS) : undefined
    const delayMs = nextWakeMs(cached, retryInMs, now)
    this.#timer = setBackgroundTimeout(this.#context.clock, this.#wake.bind(this), delayMs)
  }

  #wake(): void {
    const now = this.#now()
    const cached = this.#checkCached(now)
    if (cached === undefined) return
    // From now on every caller checks both clocks, because the wall clock may have been changed.
    this.#hotUntilMs = NEVER
    if (cached.isUsed) this.#refreshIfDue(cached, now)
    this.#armTimer(now)
  }

  #drop(): void {
    this.forget()
    this.#context.onChange(this)
  }
}
