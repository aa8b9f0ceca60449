import type { Acquired } from '../acquisition/acquired.js'
import { isPause, type Pause } from '../acquisition/cool-down.js'
import { ageMs, type Instant, NEVER } from '../support/clock.js'
import { publishNamed, type ReportContext, type ReportedAcquisition } from './account-events.js'
import type { AccountLog } from './account-log.js'
import type { CachedToken } from './cached-token.js'

/** A token younger than this is not replaced if a peer rejects it: the next one most likely would be, too (rule 9). */
const YOUNG_MS = 5_000
/** The time from the start of one replacement to the next one (rule 9). */
const REPLACEMENT_INTERVAL_MS = 30_000

/** What the rejections of a token work with. */
export interface RejectionContext extends ReportContext {
  readonly accountLog: AccountLog
}

/** An acquisition that can replace a rejected token. */
interface ReplacementCandidate extends ReportedAcquisition {
  isReplacement: boolean
}

/** The tokens of one account that a peer rejected: each is replaced once, and not too often. */
export class Rejections {
  readonly #context: RejectionContext
  readonly #account: string
  /** The token that was rejected or invalidated last. It is not taken from the fleet's store again. */
  #rejected: CachedToken | undefined
  #lastReplacementMs = NEVER

  constructor(context: RejectionContext, account: string) {
    this.#context = context
    this.#account = account
  }

  /** When the last replacement in the fleet began, in monotonic milliseconds. */
  get lastReplacementMs(): number {
    return this.#lastReplacementMs
  }

  /**
   * Whether a token from the fleet's store is the one that was rejected. If the endpoint replaced it by the same token, it
   * is not. A replacement begins at least 5 s after the issue. Half of that is enough to tell, as clocks differ.
   */
  isRejected({ accessToken, replacedAtMs = NEVER }: Acquired): boolean {
    const rejected = this.#rejected
    if (accessToken !== rejected?.token.accessToken) return false
    return replacedAtMs - rejected.issuedAt.monotonicMs < YOUNG_MS / 2
  }

  /** Takes note of a replacement that another member of the fleet made. */
  learn(replacedAtMs: number): void {
    this.#lastReplacementMs = Math.max(this.#lastReplacementMs, replacedAtMs)
  }

  /**
   * Takes note of the cached token that `invalidate()` names, and deletes it from the fleet's store. Returns whether it
   * is to be dropped.
   */
  reject(cached: CachedToken, now: Instant): boolean {
    if (isYoung(cached, now)) return false
    this.#rejected = cached
    this.#context.inOwnContext(() => cached.withdraw?.())
    return true
  }

  /**
   * The acquisition that replaces the cached token, or the pause that forbids one. `undefined` if the token is kept.
   * Pass no `request` while a new token would be no better (rule 11).
   */
  replace<A extends ReplacementCandidate>(
    cached: CachedToken,
    now: Instant,
    inFlight: A | undefined,
    request: (() => A | Pause) | undefined
  ): A | Pause | undefined {
    const fate = this.#decide(cached, now, inFlight, request)
    this.publish(cached, fate)
    return fate
  }

  #decide<A extends ReplacementCandidate>(
    cached: CachedToken,
    now: Instant,
    inFlight: A | undefined,
    request: (() => A | Pause) | undefined
  ): A | Pause | undefined {
    if (inFlight?.isReplacement) return inFlight
    if (isYoung(cached, now)) {
      if (!cached.wasRejectedYoung) this.#context.accountLog.rejectedYoung(this.#account)
      cached.wasRejectedYoung = true
      return undefined
    }
    if (now.monotonicMs - this.#lastReplacementMs < REPLACEMENT_INTERVAL_MS) return undefined
    const started = request?.()
    if (started === undefined || isPause(started)) return started
    this.#rejected = cached
    started.isReplacement = true
    this.#lastReplacementMs = started.startedAtMs
    return started
  }

  /** Publishes what becomes of the cached token that was named. */
  publish({ token }: CachedToken, fate: 'dropped' | ReplacementCandidate | Pause | undefined): void {
    publishNamed(this.#context, this.#account, token, fate)
  }
}

/** Whether the token was issued just now. */
function isYoung(cached: CachedToken, now: Instant): boolean {
  return ageMs(cached.issuedAt, now) < YOUNG_MS
}
