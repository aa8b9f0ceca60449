import { type Acquired, Acquisition, type AcquisitionContext } from '../acquisition/acquisition.js'
import { ClientGate } from '../acquisition/client-gate.js'
import { CoolDown, type Pause } from '../acquisition/cool-down.js'
import type { Demand } from '../acquisition/fleet.js'
import type { BandwidthTokenError } from '../errors.js'
import { CLOSED, type Failure, isFailure, NEARLY_DEAD, toError } from '../failure.js'
import { type Instant, readClock, setBackgroundTimeout } from '../support/clock.js'
import type { AccessToken } from '../token/access-token.js'
import { ageMs, marginMs, REQUEST_INTERVAL_MS } from '../token/lifetime.js'
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
/** When a refresh is tried again that found no place or waited for a probe until its time was up. */
const WAITED_IN_VAIN_RETRY_MS = 1_000
const NEVER = Number.NEGATIVE_INFINITY

/** What the accounts of a provider share. */
export interface AccountContext extends AcquisitionContext {
  readonly refreshAheadMs: number
  /** The gate of all accounts, where they share their credentials; else each account has its own. */
  readonly gate: ClientGate | undefined
  readonly isClosed: () => boolean
  /** Runs what outlives a call in the async context of the provider, so that no caller's is kept alive. */
  readonly inOwnContext: <T>(work: () => T) => T
  /** Called when an account has won or lost its token or its acquisition. */
  readonly onChange: (account: Account) => void
}

type Flight = Acquisition<CachedToken | Failure>

/** The life of one account's token: when it is handed out, refreshed, replaced and refused. */
export class Account {
  readonly key: string
  readonly #context: AccountContext
  readonly #gate: ClientGate
  /** Of refreshes in the background that failed: they hold back this account alone. */
  readonly #coolDown = new CoolDown()
  #cached: CachedToken | undefined
  #flight: Flight | undefined
  #lastStartMs = NEVER
  #lastReplacementMs = NEVER
  /** The token that was last rejected or invalidated: not to be taken from the fleet's store again. */
  #rejected: string | undefined
  /** Until when no request is made because the endpoint hands out the same or a nearly dead token. */
  #pointlessUntilMs = NEVER
  #hotUntilMs = NEVER
  #timer: unknown

  constructor(key: string, context: AccountContext) {
    this.key = key
    this.#context = context
    this.#gate = context.gate ?? new ClientGate()
  }

  get hasToken(): boolean {
    return this.#cached !== undefined
  }

  /** Whether it has a token that may still be handed out. */
  get serves(): boolean {
    return this.#cached !== undefined && usableMs(this.#cached, this.#now()) >= 0
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

  async getToken(
    minimumLifetimeMs = 0,
    rejected?: RejectedToken,
    signal?: AbortSignal
  ): Promise<AccessToken> {
    const now = this.#now()
    const cached = this.#valid(now)
    if (cached === undefined) return this.#await(this.#acquire(now), signal)

    cached.isUsed = true
    if (isNamedBy(rejected, cached)) {
      const replacement = this.#replace(cached, now)
      return replacement === undefined ? cached.token : this.#await(replacement, signal)
    }
    if (minimumLifetimeMs > cached.lifetimeMs - ageMs(cached.issuedAt, now)) {
      return this.#renew(cached, minimumLifetimeMs, now, signal)
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
    this.#rejected = cached.token.accessToken
    this.#context.inOwnContext(() => cached.withdraw?.())
    this.#drop()
    return true
  }

  status(): TokenStatus {
    const now = this.#now()
    const cached = this.#valid(now)
    const pause = this.#pause(now)
    const { coolDown } = this.#gate
    const { failure, consecutiveFailures } =
      this.#coolDown.untilMs > coolDown.untilMs ? this.#coolDown : coolDown
    // A token that is merely short is no failure as long as it serves.
    const { code } = failure ?? (cached === undefined ? pause?.failure : undefined) ?? {}
    return describeStatus({
      expiresInMs: cached && cached.lifetimeMs - ageMs(cached.issuedAt, now),
      lastErrorCode: code,
      consecutiveFailures,
      retryInMs: pause?.leftMs,
      isAcquiring: this.isAcquiring
    })
  }

  /** Drops the token. The cache calls this on eviction, so it is not notified. */
  forget(): void {
    this.#cached = undefined
    this.#hotUntilMs = NEVER
    this.#clearTimer()
  }

  close(): void {
    this.forget()
    this.#flight?.close()
  }

  #now(): Instant {
    return readClock(this.#context.clock)
  }

  /** The cached token. One that was seen to have lapsed does not come back when a clock is set back. */
  #valid(now: Instant): CachedToken | undefined {
    if (this.#cached !== undefined && usableMs(this.#cached, now) < 0) {
      this.#drop()
      this.#coolDown.shorten(now)
      this.#gate.coolDown.shorten(now)
    }
    return this.#cached
  }

  /** Why no request may start now, and for how long: the longest of the reasons. */
  #pause(now: Instant): Pause | undefined {
    const servesForMs = this.#cached && usableMs(this.#cached, now)
    const pointlessMs = this.#pointlessUntilMs - now.monotonicMs
    return [
      this.#coolDown.pause(now, servesForMs),
      this.#gate.coolDown.pause(now, servesForMs),
      pointlessMs > 0 ? { failure: NEARLY_DEAD, leftMs: pointlessMs } : undefined
    ].reduce((longest, pause) => ((pause?.leftMs ?? 0) > (longest?.leftMs ?? 0) ? pause : longest))
  }

  /** The one way to a request: the acquisition in flight, a new one, or what forbids it. */
  #request(now: Instant): Flight | Pause {
    return this.#flight ?? this.#pause(now) ?? this.#start(now)
  }

  #start(now: Instant): Flight {
    const { inOwnContext } = this.#context
    const mayRetry = this.#coolDown.consecutiveFailures === 0
    this.#lastStartMs = now.monotonicMs
    const demand: Demand = {
      accepts: (shared) => this.#accepts(flight, shared),
      lastReplacementMs: () => this.#lastReplacementMs
    }
    const flight: Flight = inOwnContext(
      () => new Acquisition(this.#context, this.key, this.#gate, mayRetry, demand)
    )
    // In its place before it runs: what it calls may close the provider.
    this.#flight = flight
    this.#context.onChange(this)
    inOwnContext(() => flight.start((outcome) => this.#settle(flight, outcome)))
    return flight
  }

  /** Whether a token of the fleet is what this acquisition is for. */
  #accepts(flight: Flight, { accessToken, expiresIn, issuedAt }: Acquired): boolean {
    const now = this.#now()
    const lifetimeMs = expiresIn * 1000
    const leftMs = lifetimeMs - ageMs(issuedAt, now)
    const cached = this.#valid(now)
    const isUsable = leftMs >= marginMs(lifetimeMs, this.#context.expiryMarginMs)
    if (!isUsable || accessToken === this.#rejected || leftMs < flight.minimumLifetimeMs) return false
    if (cached === undefined) return true
    const isNewer =
      accessToken !== cached.token.accessToken && leftMs > cached.lifetimeMs - ageMs(cached.issuedAt, now)
    // One that ends soon itself would be refreshed before anybody has used it, and lapse as an idle token does.
    const isRefresh = !flight.isReplacement && flight.minimumLifetimeMs === 0
    return isNewer && (!isRefresh || leftMs >= lifetimeMs / 2)
  }

  /** What a caller without a valid token waits for. */
  #acquire(now: Instant): Flight {
    const request = this.#request(now)
    if ('failure' in request) throw toError(request.failure, request.leftMs)
    return request
  }

  #refreshIfDue(cached: CachedToken, now: Instant): void {
    if (ageMs(cached.issuedAt, now) >= cached.refreshAgeMs) this.#request(now)
  }

  /** What replaces a rejected token: nothing if it is too young or one was replaced too lately. */
  #replace(cached: CachedToken, now: Instant): Flight | undefined {
    if (this.#flight?.isReplacement) return this.#flight
    if (isYoung(cached, now)) {
      this.#warnOfYoung(cached)
      return undefined
    }
    const isPointless = this.#pointlessUntilMs > now.monotonicMs
    if (isPointless || now.monotonicMs - this.#lastReplacementMs < REPLACEMENT_INTERVAL_MS) return undefined
    const flight = this.#acquire(now)
    this.#rejected = cached.token.accessToken
    flight.isReplacement = true
    this.#lastReplacementMs = flight.startedAtMs
    return flight
  }

  #warnOfYoung(cached: CachedToken): void {
    if (cached.wasRejectedYoung) return
    cached.wasRejectedYoung = true
    this.#context.log.warn(
      { account: this.key },
      'The gateway rejected a token less than 5 s old; keeping it. Are gateway and `network` of the same region?'
    )
  }

  /** A token that lives longer, if one may be had; else the one that was valid when it was asked for. */
  async #renew(
    asked: CachedToken,
    minimumLifetimeMs: number,
    now: Instant,
    signal?: AbortSignal
  ): Promise<AccessToken> {
    const isTooSoon = now.monotonicMs - this.#lastStartMs < REQUEST_INTERVAL_MS
    const request = isTooSoon ? this.#flight : this.#request(now)
    if (request === undefined || 'failure' in request) return asked.token
    request.minimumLifetimeMs = Math.max(request.minimumLifetimeMs, minimumLifetimeMs)
    const result = await request.wait(signal)
    const cached = this.#valid(this.#now()) ?? this.#orThrow(result)
    cached.isUsed = true
    return cached.token
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
    if (failure === CLOSED) return toError(failure)
    return toError(failure, this.#pause(this.#now())?.leftMs ?? failure.retryAfterMs)
  }

  #settle(flight: Flight, outcome: Acquired | Failure): CachedToken | Failure {
    this.#flight = undefined
    if (this.#context.isClosed()) return isFailure(outcome) ? outcome : CLOSED
    const now = this.#now()
    const result = isFailure(outcome) ? this.#fail(flight, outcome, now) : this.#adopt(flight, outcome, now)
    this.#armTimer(now)
    this.#context.onChange(this)
    this.#report(outcome, now)
    // A logger may have closed the provider.
    return this.#context.isClosed() ? CLOSED : result
  }

  /** Records whom a failure holds back: the whole client, unless nobody has waited and nothing was said to it. */
  #fail(flight: Flight, failure: Failure, now: Instant): Failure {
    if (failure.isVerdict === false) return failure
    const isOwn =
      !flight.isAwaited &&
      !flight.admission?.isProbe &&
      failure.remedy !== 'reload' &&
      failure.retryAfterMs === undefined
    if (isOwn) this.#coolDown.add(failure, now)
    else this.#gate.failed(failure, flight.admission, now)
    return failure
  }

  #adopt(flight: Flight, grant: Acquired, now: Instant): CachedToken | Failure {
    const previous = this.#valid(now)
    const next = createCachedToken(grant, this.#context, this.#context.clock)
    this.#cached = chooseToken(next, previous, flight.isReplacement, now)
    const isAdopted = this.#cached === next
    this.#lastReplacementMs = Math.max(this.#lastReplacementMs, grant.replacedAtMs ?? NEVER)
    this.#coolDown.end()
    if (flight.admission !== undefined) this.#gate.succeeded(flight.admission)
    this.#pointlessUntilMs =
      isAdopted && !isNearlyDead(next, now) ? NEVER : next.issuedAt.monotonicMs + REQUEST_INTERVAL_MS
    this.#hotUntilMs = isAdopted
      ? next.issuedAt.wallMs + Math.min(next.refreshAgeMs, next.lifetimeMs - next.marginMs)
      : NEVER
    return isAdopted ? next : NEARLY_DEAD
  }

  #report(outcome: Acquired | Failure, now: Instant): void {
    const { log } = this.#context
    if (!isFailure(outcome)) {
      if (!outcome.hasExpiresIn) log.warnOnce('the token endpoint sent no "expires_in"; 60 s are assumed')
      log.debug({ account: this.key, expiresIn: outcome.expiresIn }, 'a token was obtained')
      return
    }
    const { code, attempts, upstreamStatus, oauthError } = outcome
    const retryInMs = Math.round(this.#pause(now)?.leftMs ?? 0)
    log.warn(
      { account: this.key, code, attempts, upstreamStatus, oauthError, retryInMs },
      this.hasToken ? 'the token could not be refreshed; the cached one serves' : 'no token could be obtained'
    )
  }

  /** Wakes the account at the next instant at which something is to be done without a caller. */
  #armTimer(now: Instant): void {
    this.#clearTimer()
    const cached = this.#cached
    if (cached === undefined || this.#context.isClosed()) return
    const retryInMs = this.#flight ? undefined : (this.#pause(now)?.leftMs ?? WAITED_IN_VAIN_RETRY_MS)
    const wakeInMs = nextWakeMs(cached, retryInMs, now)
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
