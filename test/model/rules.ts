import { type Failed, PauseRules } from './pause.js'

/** One moment by both clocks. */
export interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** What the endpoint granted, with the instant of its request. */
export interface Granted {
  readonly token: string
  readonly id: string
  readonly lifetimeMs: number
  readonly issuedAt: Instant
}

export interface Settings {
  readonly refreshAheadMs: number
  readonly expiryMarginMs: number
  readonly timeoutMs: number
  readonly deadlineMs: number
  readonly mayReload: boolean
}

/** Why a caller may make the provider ask for a token before the cached one is due. */
export type Excuse = 'rejected' | 'lifetime'

/** Where only the inside knows, the rules demand what holds either way. */
export type Certainty = 'yes' | 'no' | 'maybe'

/** What an account's rules ask the world. */
export interface Surroundings {
  readonly settings: Settings
  /** Counts the turns of the event loop. */
  readonly turn: number
  /** Counts the times that the process stood still, or seems to have, because a clock was set. */
  readonly freezes: number
  readonly isClosed: boolean
  /** Whether the cache may have forgotten what it knew of the account. */
  mayHaveForgotten(account: string): boolean
  /** Whether the cache may have evicted the account's token. */
  mayHaveEvicted(account: string): boolean
  /** Whether a caller waits for this acquisition. */
  isAwaited(flight: Flight): Certainty
  /** Whether the account was called in this very turn: its request may be on its last steps to the endpoint. */
  wasCalledNow(account: string): boolean
  complain(problem: string): void
}

const REPLACEMENT_INTERVAL_MS = 30_000
const REQUEST_INTERVAL_MS = 5_000
const MAX_ATTEMPTS = 3
const MAX_RESTARTS = 3
const LATE_MS = 1_000
/** So many of the tokens that were granted may still serve, or have just served. */
const RECENT = 30
const NEVER = Number.NEGATIVE_INFINITY

/** An acquisition as the endpoint sees it. */
export class Flight {
  readonly startedMs: number
  /** From when on its deadline counts. */
  limitsFrom: Instant
  attempts = 0
  hasReloaded = false
  isProbe = false
  isOpen = false
  mustEnd = false
  requestedAt: Instant | undefined
  /** How many cool-downs of its client had begun when its first request started. */
  admission: { least: number; most: number } | undefined
  granted: Granted | undefined
  failure: (Failed & { readonly turn: number; readonly isCertain: boolean }) | undefined
  /** How often the process had stood still before it started. */
  freezesBefore = 0
  /** Whether the function of credentials has hung. */
  hasHung = false
  /** How often a freeze made it begin anew while somebody waited: this often at least, and at most. */
  readonly restarts = { least: 0, most: 0 }

  constructor(
    readonly account: string,
    now: Instant
  ) {
    this.startedMs = now.monotonicMs
    this.limitsFrom = now
  }

  /** Attempts and deadline begin anew. */
  restart(now: Instant, isAwaited: Certainty): void {
    this.limitsFrom = now
    this.attempts = 0
    this.hasReloaded = false
    this.failure = undefined
    if (isAwaited !== 'no') this.restarts.most++
    if (isAwaited === 'yes') this.restarts.least++
  }
}

/**
 * What all requests of one client keep to: the cool-down, the single probe after it, and `Retry-After`. With fixed
 * credentials that is the whole provider, with a function each account.
 */
export class ClientRules {
  readonly pause = new PauseRules()
  readonly accounts = new Set<AccountRules>()
  readonly #open = new Set<Flight>()
  #askedInTurn = -1

  constructor(readonly surroundings: Surroundings) {}

  requestStarts(flight: Flight, now: Instant): void {
    const { pause, surroundings } = this
    const isCalledNow = surroundings.wasCalledNow(flight.account)
    const askedMs = pause.askedUntilMs - now.monotonicMs
    // An account of a function's that was evicted has forgotten how its client fares.
    const isForgotten = surroundings.settings.mayReload && surroundings.mayHaveForgotten(flight.account)
    // On a thaw, attempts begin anew in the turn in which the answers that arrived meanwhile are read.
    const beginsAnew = flight.restarts.most > 0 && flight.limitsFrom.monotonicMs === now.monotonicMs
    const isOfThisTurn = this.#askedInTurn === surroundings.turn && (isCalledNow || beginsAnew)
    if (!isForgotten && askedMs > 0 && !isOfThisTurn) {
      surroundings.complain(`a request ${askedMs} ms before the end of Retry-After`)
    }
    const { admission } = flight
    if (admission === undefined) {
      const leftMs = this.leastUntilMs(now) - now.monotonicMs
      if (!isForgotten && leftMs > 0 && !isCalledNow)
        surroundings.complain(`a request ${leftMs} ms too early in a cool-down`)
    }
    // Whoever comes back after a cool-down that it did not begin is as new.
    if (admission === undefined || pause.begun.least > admission.least) {
      flight.isProbe = !isForgotten && pause.failures.least > 0
      const probe = [...this.#open].find(({ admission }) => admission?.most === pause.begun.most)
      if (flight.isProbe && probe !== undefined) surroundings.complain('a request while a probe decides')
      flight.admission = { ...pause.begun }
    }
    this.#open.add(flight)
  }

  requestEnds(flight: Flight): void {
    this.#open.delete(flight)
  }

  asked(failure: Failed, now: Instant): void {
    this.#askedInTurn = this.surroundings.turn
    this.pause.asked(failure, now)
  }

  failed({ admission }: Flight, failure: Failed, now: Instant, isCertain: boolean): void {
    const { begun, failures } = this.pause
    // A request that was in flight when the cool-down began adds no step to it.
    const isOld = admission !== undefined && begun.least > admission.least
    if (isOld && failures.least > 0) return
    const isNew = admission === undefined || begun.most === admission.most
    this.pause.begin(failure, now, isCertain && isNew)
  }

  succeeded({ admission }: Flight): void {
    const { begun } = this.pause
    // A success that began before a cool-down does not end it.
    if (admission === undefined || begun.least > admission.least) return
    this.pause.end(begun.most === admission.most)
  }

  /** Until when no request may start. */
  leastUntilMs(now: Instant): number {
    return Math.max(this.coolingUntilMs(now), this.pause.askedUntilMs)
  }

  /** Until when a cool-down lasts. That of a refusal ends with a token that served. */
  coolingUntilMs(now: Instant): number {
    const { refusedAt, leastUntilMs } = this.pause
    const isShortened =
      refusedAt !== undefined && [...this.accounts].some((rules) => rules.hasLapsedSince(refusedAt, now))
    return isShortened ? NEVER : leastUntilMs
  }
}

/**
 * What the rules of a token's life (windows, single-flight, replacement, retries, freezes) allow for one account, told
 * from outside: only acquisitions, their requests, and calls are known here. Where that leaves open which of two
 * tokens the provider holds, both are kept and only what holds for both is demanded.
 */
export class AccountRules {
  /** One of these is cached, if the provider holds any. */
  held: Granted[] = []
  readonly excuses = new Set<Excuse>()
  /** The pause after refreshes in the background that failed. */
  readonly own = new PauseRules()
  /** Whether the acquisition in flight may have become a replacement. */
  mayBeReplacement = false
  flight: Flight | undefined
  /** Until when nobody gets a token because the endpoint hands out the same or a nearly dead one. */
  pointlessUntilMs = NEVER
  /** How often the token was invalidated. */
  invalidations = 0
  /** The turn in which an acquisition failed by a verdict. */
  failedInTurn = -1
  /** The turn in which an acquisition ran out of time before it could send a request. */
  waitedInVainInTurn = -1
  /** Whether one of two lapsed of which the provider held one. */
  #mayHoldNone = false
  readonly #granted: Granted[] = []
  /** A wall clock that is set back afterwards does not bring them back. */
  readonly #seenToLapse = new Set<Granted>()
  #lapsed: Granted | undefined
  #lapsedMs = NEVER
  #lastStartMs = NEVER
  #lastReplacementMs = NEVER
  #mustPauseUntilMs = NEVER

  constructor(
    readonly name: string,
    readonly client: ClientRules,
    readonly surroundings: Surroundings
  ) {
    client.accounts.add(this)
  }

  hardMs({ lifetimeMs }: Granted): number {
    // A token is not handed out at the very instant at which it expires.
    return Math.max(1, Math.min(this.surroundings.settings.expiryMarginMs, lifetimeMs / 10))
  }

  softMs({ lifetimeMs }: Granted): number {
    return Math.min(this.surroundings.settings.refreshAheadMs, lifetimeMs / 4)
  }

  /** Milliseconds for which it may be handed out; by the clock that says less. */
  usableMs(granted: Granted, now: Instant): number {
    return granted.lifetimeMs - this.hardMs(granted) - ageMs(granted.issuedAt, now)
  }

  /** Whether the provider must have a token to hand out. One that was seen to have lapsed is lost. */
  mustServe(now: Instant): boolean {
    const isEvicted = this.surroundings.mayHaveEvicted(this.name)
    const lapsed = this.held.find((granted) => this.usableMs(granted, now) < 0)
    if (lapsed !== undefined) {
      this.held = this.held.filter((granted) => this.usableMs(granted, now) >= 0)
      this.#mayHoldNone = this.held.length > 0
      // Of one that was evicted the provider does not notice the end.
      if (!isEvicted && !this.#mayHoldNone) {
        this.#lapsed = lapsed
        this.#lapsedMs = now.monotonicMs
      }
    }
    return this.held.length > 0 && !this.#mayHoldNone && !isEvicted
  }

  names(rejected: string): boolean {
    return this.held.some(({ token, id }) => rejected === token || rejected === id)
  }

  /** Whether the cached token was issued less than 5 s ago, so that nobody can have it replaced. */
  isYoung(now: Instant): boolean {
    return this.held.every(({ issuedAt }) => ageMs(issuedAt, now) < REQUEST_INTERVAL_MS)
  }

  /** Whether a replacement started so lately that none may follow. */
  hasJustReplaced(now: Instant): boolean {
    return now.monotonicMs - this.#lastReplacementMs < REPLACEMENT_INTERVAL_MS
  }

  /** Whether a token served at that moment that does no more. */
  hasLapsedSince(then: Instant, now: Instant): boolean {
    return this.#granted.some(
      (granted) =>
        this.usableMs(granted, then) >= 0 &&
        (this.usableMs(granted, now) < 0 || this.#seenToLapse.has(granted))
    )
  }

  /** Whether callers without a token must be refused now. */
  mustRefuse(now: Instant): boolean {
    // A wall clock that was set back may have brought a token back that nobody had seen to lapse.
    const mayServe = (granted: Granted) =>
      now.monotonicMs - granted.issuedAt.monotonicMs <= granted.lifetimeMs - this.hardMs(granted)
    if (this.flight !== undefined || this.#granted.some(mayServe)) return false
    const ownMs = this.own.refusedAt === undefined ? this.own.leastUntilMs : NEVER
    const isForgotten = this.surroundings.mayHaveForgotten(this.name)
    // With fixed credentials the client's is kept whatever is evicted.
    const isShared = !this.surroundings.settings.mayReload
    const clientMs = isForgotten && !isShared ? NEVER : this.client.coolingUntilMs(now)
    return Math.max(isForgotten ? NEVER : ownMs, clientMs) > now.monotonicMs
  }

  /** Until when callers without a token may be refused. */
  mayRefuseUntilMs(now: Instant): number {
    this.mustServe(now)
    const untilMs = [this.own, this.client.pause].map((pause) => {
      const { refusedAt } = pause
      const lapsed = this.#lapsed
      const isShortened =
        refusedAt !== undefined &&
        pause.failures.least === pause.failures.most &&
        lapsed !== undefined &&
        this.#lapsedMs > refusedAt.monotonicMs &&
        this.usableMs(lapsed, refusedAt) >= 0
      return isShortened ? pause.askedUntilMs : pause.mostUntilMs
    })
    return Math.max(...untilMs, this.pointlessUntilMs)
  }

  get mostFailures(): number {
    return Math.max(this.own.failures.most, this.client.pause.failures.most)
  }

  acquisitionStarts(flight: Flight, now: Instant): void {
    if (this.flight !== undefined) this.#complain('two acquisitions at once')
    if (this.surroundings.isClosed) this.#complain('an acquisition after close()')
    if (this.mustServe(now) && this.held.every((granted) => !this.#isDue(granted, now))) {
      this.#checkExcuse(now)
    }
    this.flight = flight
    flight.freezesBefore = this.surroundings.freezes
    this.#lastStartMs = now.monotonicMs
  }

  requestStarts(flight: Flight, now: Instant): void {
    if (this.surroundings.isClosed) this.#complain('a request after close()')
    if (flight.mustEnd) this.#complain('an acquisition that begins anew for the fourth time')
    flight.granted = undefined
    if (flight.isOpen) this.#complain('two requests are in flight')
    if (!this.surroundings.mayHaveForgotten(this.name)) {
      const earlyMs = this.#mustPauseUntilMs - now.monotonicMs
      if (earlyMs > 0 && flight.attempts === 0) {
        this.#complain(`a request ${earlyMs} ms too early after one that brought the same or a dying token`)
      }
      const leftMs = this.own.leastUntilMs - now.monotonicMs
      if (leftMs > 0 && flight.admission === undefined && this.own.refusedAt === undefined) {
        this.#complain(`a request ${leftMs} ms too early after a refresh that failed`)
      }
    }
    const { deadlineMs } = this.surroundings.settings
    // A time limit comes due by the monotonic clock, whatever the one on the wall says.
    const overMs = now.monotonicMs - flight.limitsFrom.monotonicMs - deadlineMs
    const wasLate = isLate(this.#lateMs(flight.limitsFrom, deadlineMs, now))
    if (overMs > 0 && wasLate === 'no') this.#complain('a request after the deadline')
    if (overMs > 0 || (overMs === 0 && wasLate !== 'no')) {
      flight.restart(now, this.surroundings.isAwaited(flight))
    }
    if (flight.attempts > 0) this.#checkFurther(flight)
    this.client.requestStarts(flight, now)
    flight.attempts++
    flight.isOpen = true
    flight.requestedAt = now
  }

  /** The request came to a token, which is not adopted if it is dead because the process stood still. */
  requestSucceeds(flight: Flight, granted: Granted, now: Instant): void {
    this.#requestEnds(flight)
    this.#granted.push(granted)
    if (this.#granted.length > RECENT) this.#granted.shift()
    const wasLate = this.usableMs(granted, now) < 0 ? this.#wasLate(flight, now) : 'no'
    if (wasLate !== 'no') this.#stoodStill(flight, now)
    if (wasLate !== 'yes') flight.granted = granted
  }

  /** A status is a verdict, however late it comes. */
  requestFails(flight: Flight, failure: Failed, now: Instant): void {
    this.#requestEnds(flight)
    if (failure.retryAfterMs !== undefined) this.client.asked(failure, now)
    flight.failure = { ...failure, turn: this.surroundings.turn, isCertain: true }
  }

  /** The request was given up, or its connection broke: no verdict if that came to light late. */
  requestBreaks(flight: Flight, now: Instant): void {
    this.#requestEnds(flight)
    const wasLate = this.#wasLate(flight, now)
    if (wasLate === 'yes') {
      this.#stoodStill(flight, now)
    } else {
      const { turn } = this.surroundings
      flight.failure = { remedy: 'retry', turn, isCertain: wasLate === 'no' }
    }
  }

  credentialsFail(flight: Flight): void {
    flight.failure = { remedy: 'wait', turn: this.surroundings.turn, isCertain: true }
  }

  acquisitionEnds(flight: Flight, now: Instant): void {
    this.flight = undefined
    const { surroundings } = this
    if (surroundings.isClosed) return
    if (flight.granted !== undefined) {
      this.#adopt(flight.granted, now)
      // Whoever waited for a token that is dead when it comes is refused.
      if (this.held.length === 0) this.failedInTurn = surroundings.turn
      this.own.end(true)
      this.client.succeeded(flight)
      return
    }
    if (this.#lateMs(flight.limitsFrom, surroundings.settings.deadlineMs, now) >= -LATE_MS) {
      this.waitedInVainInTurn = surroundings.turn
    }
    const failure = flight.failure ?? (flight.hasHung ? HUNG : undefined)
    if (failure === undefined) return
    this.failedInTurn = surroundings.turn
    this.#failed(flight, failure, now)
  }

  invalidated(): void {
    this.invalidations++
    this.held = []
  }

  /** A step of the wall clock is not the endpoint's fault: one more request is allowed for it. */
  clockStepped(now: Instant): void {
    this.mustServe(now)
    this.#mustPauseUntilMs = NEVER
    for (const granted of this.#granted) if (this.usableMs(granted, now) < 0) this.#seenToLapse.add(granted)
  }

  /** How long after its time limit somebody comes back to a request. */
  #lateMs(from: Instant, limitMs: number, now: Instant): number {
    return ageMs(from, now) - limitMs - LATE_MS
  }

  #wasLate(flight: Flight, now: Instant): Certainty {
    const { timeoutMs, deadlineMs } = this.surroundings.settings
    const { requestedAt = flight.limitsFrom } = flight
    return isLate(
      Math.max(this.#lateMs(requestedAt, timeoutMs, now), this.#lateMs(flight.limitsFrom, deadlineMs, now))
    )
  }

  #stoodStill(flight: Flight, now: Instant): void {
    flight.restart(now, this.surroundings.isAwaited(flight))
    const { turn, freezes } = this.surroundings
    // It may also have begun anew while it waited for a place, which nobody sees.
    if (Math.max(flight.restarts.most, freezes - flight.freezesBefore) <= MAX_RESTARTS) return
    const isCertain = flight.restarts.least > MAX_RESTARTS
    flight.failure = { remedy: 'retry', turn, isCertain }
    flight.mustEnd = isCertain
  }

  #requestEnds(flight: Flight): void {
    flight.isOpen = false
    this.client.requestEnds(flight)
  }

  /** Whether one more attempt may be made in an acquisition. */
  #checkFurther(flight: Flight): void {
    const { failure } = flight
    if (failure?.remedy === 'retry') {
      if (flight.attempts >= MAX_ATTEMPTS) this.#complain(`attempt ${flight.attempts + 1}`)
      if (flight.isProbe) this.#complain('a further attempt of a probe')
      if (this.surroundings.isAwaited(flight) === 'no') {
        this.#complain('a further attempt of a refresh in the background')
      }
    } else if (failure?.remedy === 'reload') {
      if (!this.surroundings.settings.mayReload) this.#complain('a blind attempt after a refusal')
      if (flight.hasReloaded) this.#complain('credentials are loaded twice')
      flight.hasReloaded = true
    } else if (failure !== undefined) {
      this.#complain('an attempt after what no attempt can mend')
    }
  }

  /** Whom a failed acquisition holds back. */
  #failed(
    flight: Flight,
    failure: Failed & { readonly turn?: number; readonly isCertain?: boolean },
    now: Instant
  ): void {
    const isCertain = failure.isCertain === true && failure.turn === this.surroundings.turn
    const isAwaited = this.surroundings.isAwaited(flight)
    const isOfClient =
      isAwaited === 'yes' ||
      flight.isProbe ||
      failure.remedy === 'reload' ||
      failure.retryAfterMs !== undefined
    if (isOfClient) this.client.failed(flight, failure, now, isCertain)
    else if (isAwaited === 'no' && this.client.pause.failures.most === 0) {
      this.own.begin(failure, now, isCertain)
    } else {
      this.own.begin(failure, now, false)
      this.client.failed(flight, failure, now, false)
    }
  }

  #adopt(granted: Granted, now: Instant): void {
    const isRepeated = this.held.some(({ token }) => token === granted.token)
    const afterIntervalMs = granted.issuedAt.monotonicMs + REQUEST_INTERVAL_MS
    if (isRepeated || granted.lifetimeMs * 0.9 <= REQUEST_INTERVAL_MS)
      this.#mustPauseUntilMs = afterIntervalMs
    const mayHoldNone = this.#mayHoldNone || this.surroundings.mayHaveEvicted(this.name)
    const candidates = this.held.flatMap((held) => this.#chosen(granted, held, now))
    this.held = candidates.length === 0 || mayHoldNone ? [granted, ...candidates] : candidates
    this.#mayHoldNone = false
    this.held = [...new Set(this.held)].filter((held) => this.usableMs(held, now) >= 0)
    const isSound = this.held.length === 1 && this.held[0] === granted && !isRepeated
    this.pointlessUntilMs =
      isSound && this.usableMs(granted, now) > REQUEST_INTERVAL_MS ? NEVER : afterIntervalMs
    this.mayBeReplacement = false
  }

  /** The new token, unless the old one would outlive it; both where it may be the replacement of a rejected one. */
  #chosen(granted: Granted, held: Granted, now: Instant): Granted[] {
    if (granted.token === held.token || this.usableMs(held, now) < 0) return [granted]
    if (this.usableMs(granted, now) < 0) return [held]
    if (this.usableMs(granted, now) >= this.usableMs(held, now)) return [granted]
    return this.mayBeReplacement ? [granted, held] : [held]
  }

  #isDue(granted: Granted, now: Instant): boolean {
    return ageMs(granted.issuedAt, now) >= granted.lifetimeMs - this.softMs(granted)
  }

  #checkExcuse(now: Instant): void {
    if (this.surroundings.mayHaveForgotten(this.name)) return
    const mayReplace = this.excuses.has('rejected') && !this.hasJustReplaced(now)
    const mayRenew =
      this.excuses.has('lifetime') && now.monotonicMs - this.#lastStartMs >= REQUEST_INTERVAL_MS
    if (!mayReplace && !mayRenew) this.#complain('an acquisition before the cached token is due')
    if (mayReplace && !mayRenew) this.#lastReplacementMs = now.monotonicMs
  }

  #complain(problem: string): void {
    this.surroundings.complain(`account "${this.name}": ${problem}`)
  }
}

/** What becomes of an acquisition whose credentials never come. */
const HUNG: Failed = { remedy: 'retry' }

/** Whether something came to light more than a second after its limit. */
function isLate(lateMs: number): Certainty {
  if (Math.abs(lateMs) < 2) return 'maybe'
  return lateMs > 0 ? 'yes' : 'no'
}

export function ageMs(from: Instant, now: Instant): number {
  return Math.max(0, now.wallMs - from.wallMs, now.monotonicMs - from.monotonicMs)
}
