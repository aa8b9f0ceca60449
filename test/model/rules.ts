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

/** How a request failed, as far as a further one depends on it. */
export interface Failed {
  readonly remedy: 'retry' | 'reload' | 'wait'
  readonly retryAfterMs: number
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

const REPLACEMENT_INTERVAL_MS = 30_000
const REQUEST_INTERVAL_MS = 5_000
const MAX_ATTEMPTS = 3

/**
 * What the rules of a token's life (windows, single-flight, cool-down, replacement) allow for one account, told from
 * outside: only requests, their outcomes and calls are known here. Where that leaves open which of two tokens the
 * provider holds, both are kept and only what holds for both is demanded.
 */
export class AccountRules {
  /** One of these is cached, if the provider holds any. */
  held: Granted[] = []
  readonly excuses = new Set<Excuse>()
  openRequests = 0
  /** Whether a flight that was under way may have become a replacement. */
  mayBeReplacement = false
  #flight: { startedMs: number; attempts: number; isProbe: boolean; hasReloaded: boolean } | undefined
  #failure: (Failed & { atMs: number }) | undefined
  #failures = 0
  #lastRequestMs = Number.NEGATIVE_INFINITY
  #lastStartMs = Number.NEGATIVE_INFINITY
  #lastCredentialsMs = Number.NEGATIVE_INFINITY
  #lastReplacementMs = Number.NEGATIVE_INFINITY
  #mustPause = false

  constructor(
    readonly settings: Settings,
    readonly complain: (problem: string) => void
  ) {}

  hardMs({ lifetimeMs }: Granted): number {
    // A token is not handed out at the very instant at which it expires.
    return Math.max(1, Math.min(this.settings.expiryMarginMs, lifetimeMs / 10))
  }

  softMs({ lifetimeMs }: Granted): number {
    return Math.min(this.settings.refreshAheadMs, lifetimeMs / 4)
  }

  /** Milliseconds for which it may be handed out; by the clock that says less. */
  usableMs(granted: Granted, now: Instant): number {
    return granted.lifetimeMs - this.hardMs(granted) - ageMs(granted, now)
  }

  /** Whether the provider must have a token to hand out. One that was seen to have lapsed is lost. */
  mustServe(now: Instant): boolean {
    if (this.held.some((granted) => this.usableMs(granted, now) < 0)) this.held = []
    return this.held.length > 0
  }

  names(rejected: string): boolean {
    return this.held.some(({ token, id }) => rejected === token || rejected === id)
  }

  /** Whether the cached token was issued less than 5 s ago, so that nobody can have it replaced. */
  isYoung(now: Instant): boolean {
    return this.held.every((granted) => ageMs(granted, now) < REQUEST_INTERVAL_MS)
  }

  /** Whether a replacement started so lately that none may follow. */
  hasJustReplaced(now: Instant): boolean {
    return now.monotonicMs - this.#lastReplacementMs < REPLACEMENT_INTERVAL_MS
  }

  /** Whether an acquisition may be under way, be it between two attempts or waiting for credentials. */
  mayBeAcquiring(now: Instant): boolean {
    const { deadlineMs } = this.settings
    const isFlying = this.#flight !== undefined && now.monotonicMs - this.#flight.startedMs < deadlineMs
    return isFlying || now.monotonicMs - this.#lastCredentialsMs < deadlineMs
  }

  credentialsAsked(now: Instant): void {
    this.#lastCredentialsMs = now.monotonicMs
  }

  requestStarts(now: Instant): void {
    if (this.openRequests++ > 0) this.complain('two requests are in flight')
    this.#lastRequestMs = now.monotonicMs
    if (this.#continues(now)) return
    this.#checkCoolDown(now)
    this.#checkInterval(now)
    if (this.mustServe(now) && this.held.every((granted) => !this.#isDue(granted, now)))
      this.#checkExcuse(now)
    this.#flight = {
      startedMs: now.monotonicMs,
      attempts: 1,
      isProbe: this.#failures > 0,
      hasReloaded: false
    }
    this.#lastStartMs = now.monotonicMs
  }

  requestFails(failure: Failed, now: Instant): void {
    this.openRequests--
    const tookMs = now.monotonicMs - this.#lastRequestMs
    if (tookMs > this.settings.timeoutMs) this.complain(`a request was given up after ${tookMs} ms`)
    this.#failure = { ...failure, atMs: now.monotonicMs }
  }

  requestSucceeds(granted: Granted, now: Instant): void {
    this.openRequests--
    this.#failure = undefined
    this.#failures = 0
    this.#flight = undefined
    const isRepeated = this.held.some(({ token }) => token === granted.token)
    this.#mustPause = isRepeated || granted.lifetimeMs * 0.9 <= REQUEST_INTERVAL_MS
    const candidates = this.held.flatMap((held) => this.#chosen(granted, held, now))
    this.held = candidates.length === 0 ? [granted] : [...new Set(candidates)]
    this.mayBeReplacement = false
  }

  invalidated(): void {
    this.held = []
  }

  /** A step of the wall clock is not the endpoint's fault: one more request is allowed for it. */
  clockStepped(): void {
    this.#mustPause = false
  }

  /** The new token, unless the old one would outlive it; both where it may be the replacement of a rejected one. */
  #chosen(granted: Granted, held: Granted, now: Instant): Granted[] {
    if (granted.token === held.token || this.usableMs(held, now) < 0) return [granted]
    if (this.usableMs(granted, now) < 0) return [held]
    if (this.usableMs(granted, now) >= this.usableMs(held, now)) return [granted]
    return this.mayBeReplacement ? [granted, held] : [held]
  }

  #isDue(granted: Granted, now: Instant): boolean {
    return ageMs(granted, now) >= granted.lifetimeMs - this.softMs(granted)
  }

  /** Whether a request that starts now can be a further attempt of the flight before it. */
  #continues(now: Instant): boolean {
    const [flight, failure] = [this.#flight, this.#failure]
    if (flight === undefined || failure === undefined) return false
    const backoffMs = failure.remedy === 'retry' ? 100 * 2 ** (flight.attempts - 1) : 0
    const delayMs = now.monotonicMs - failure.atMs
    const isInTime =
      delayMs >= failure.retryAfterMs &&
      delayMs <= Math.max(failure.retryAfterMs, backoffMs) + 1 &&
      now.monotonicMs - flight.startedMs < this.settings.deadlineMs
    const isAllowed =
      failure.remedy === 'retry'
        ? flight.attempts < MAX_ATTEMPTS && !flight.isProbe
        : failure.remedy === 'reload' && this.settings.mayReload && !flight.hasReloaded
    if (!isInTime || !isAllowed) return false
    flight.attempts++
    if (failure.remedy === 'reload') flight.hasReloaded = true
    return true
  }

  #checkCoolDown(now: Instant): void {
    if (this.#failure === undefined) return
    const ownMs =
      this.#failure.remedy === 'retry' ? Math.min(30_000, 1_000 * 2 ** this.#failures) / 2 : 60_000
    const forMs = Math.max(ownMs, this.#failure.retryAfterMs)
    const passedMs = now.monotonicMs - this.#failure.atMs
    if (passedMs < forMs) this.complain(`a request after ${passedMs} of ${forMs} ms of cool-down`)
    this.#failures++
    this.#failure = undefined
  }

  #checkInterval(now: Instant): void {
    const sinceMs = now.monotonicMs - this.#lastStartMs
    if (this.#mustPause && sinceMs < REQUEST_INTERVAL_MS) {
      this.complain(`a request ${sinceMs} ms after one that brought the same or a nearly dead token`)
    }
    this.#mustPause = false
  }

  #checkExcuse(now: Instant): void {
    const mayReplace = this.excuses.has('rejected') && !this.hasJustReplaced(now)
    const mayRenew =
      this.excuses.has('lifetime') && now.monotonicMs - this.#lastStartMs >= REQUEST_INTERVAL_MS
    if (!mayReplace && !mayRenew) this.complain('a request before the cached token is due')
    if (mayReplace && !mayRenew) this.#lastReplacementMs = now.monotonicMs
  }
}

export function ageMs({ issuedAt }: Granted, now: Instant): number {
  return Math.max(0, now.wallMs - issuedAt.wallMs, now.monotonicMs - issuedAt.monotonicMs)
}
