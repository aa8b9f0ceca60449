import { type Destination, failureFields } from '../acquisition/failure-log.js'
import type { Failure } from '../failure.js'
import type { Log } from '../support/logger.js'

/** What is known at one failure. */
export interface Incident {
  readonly account: string
  readonly failure: Failure
  /** Whether callers still get a token. */
  readonly isServing: boolean
  /** Milliseconds until the next attempt, if there is a wait. */
  readonly retryInMs: number | undefined
  readonly nowMs: number
}

/** From the first failure to the first token after it. */
interface Trouble {
  readonly beganAtMs: number
  lastAtMs: number
  refusedCalls: number
  /** What its last line said. */
  level?: 'warn' | 'error'
  cause?: string
}

/** So many accounts have lines of their own. If more fail, one line stands for all of them. */
const MAX_NAMED = 5
/** So many lines may be written at once, and then one more each minute: an hour has 70 of them at most. */
const MAX_LINES = 10
const LINE_INTERVAL_MS = 60_000
/** An account in use fails again sooner than that. Later it is another trouble. */
const FORGOTTEN_AFTER_MS = 600_000
/** The key of a trouble that is not that of a single account. */
const ALL = Symbol('all')

/**
 * The log of failures: one line if something changes, however many callers and accounts it concerns. `warn` while callers
 * still get a token, `error` if they are refused, and one `info` when it is over.
 */
export class TroubleLog {
  readonly #log: Log
  readonly #destination: Destination
  readonly #isPerAccount: boolean
  readonly #troubles = new Map<string | typeof ALL, Trouble>()
  /** The causes whose hint has been written. */
  readonly #hinted = new Set<string>()
  #lines = MAX_LINES
  #filledAtMs = 0

  /** `isPerAccount` says whether each account has credentials of its own, and so troubles of its own. */
  constructor(log: Log, destination: Destination, isPerAccount: boolean) {
    this.#log = log
    this.#destination = destination
    this.#isPerAccount = isPerAccount
  }

  /** A caller got no token, or an acquisition ended without one. */
  note(incident: Incident, isCaller: boolean): void {
    const { account, failure, isServing, nowMs } = incident
    const key = this.#keyOf(account)
    let trouble = this.#troubles.get(key)
    if (trouble === undefined || nowMs - trouble.lastAtMs > FORGOTTEN_AFTER_MS) {
      // Only a failed acquisition begins a trouble: a pause can outlast one that is over.
      if (isCaller) return
      trouble = { beganAtMs: nowMs, lastAtMs: nowMs, refusedCalls: 0 }
      if (key === ALL) this.#troubles.clear()
      this.#troubles.set(key, trouble)
    }
    trouble.lastAtMs = nowMs
    if (isCaller) trouble.refusedCalls++
    if (isCaller && trouble.level === 'error') return
    const level = isServing && trouble.level !== 'error' ? 'warn' : 'error'
    const cause = [failure.code, failure.upstreamStatus, failure.oauthError, failure.cause?.code].join()
    if ((level !== trouble.level || cause !== trouble.cause) && this.#takeLine(nowMs)) {
      Object.assign(trouble, { level, cause })
      this.#write(level, cause, incident)
    }
  }

  /** An account that failed has a token again. Returns whether this is the end of a trouble, and in the log. */
  over(account: string, expiresIn: number, nowMs: number): boolean {
    const key = this.#troubles.has(account) ? account : ALL
    const trouble = this.#troubles.get(key)
    this.#troubles.delete(key)
    if (this.#troubles.size === 0) this.#hinted.clear()
    if (trouble?.level === undefined) return false
    const { beganAtMs, refusedCalls } = trouble
    const fields = { account, expiresIn, refusedCalls, failedForMs: Math.round(nowMs - beganAtMs) }
    this.#log.info(fields, 'A token was obtained again.')
    return true
  }

  #keyOf(account: string): string | typeof ALL {
    if (!this.#isPerAccount || this.#troubles.has(ALL)) return ALL
    return this.#troubles.has(account) || this.#troubles.size < MAX_NAMED ? account : ALL
  }

  #write(level: 'warn' | 'error', cause: string, { account, failure, retryInMs }: Incident): void {
    const { hint, ...fields } = failureFields(failure, this.#destination)
    const isNewCause = hint !== undefined && !this.#hinted.has(cause)
    this.#hinted.add(cause)
    this.#log[level](
      { account, ...fields, ...(isNewCause && { hint }), retryInMs: Math.round(retryInMs ?? 0) },
      level === 'warn'
        ? 'The token could not be refreshed. Callers still get the cached one.'
        : 'No token could be obtained.'
    )
  }

  /** Takes one of the lines that may be written now. Returns whether there was one. */
  #takeLine(nowMs: number): boolean {
    const minutes = Math.floor((nowMs - this.#filledAtMs) / LINE_INTERVAL_MS)
    if (minutes > 0) {
      this.#lines = Math.min(MAX_LINES, this.#lines + minutes)
      this.#filledAtMs += minutes * LINE_INTERVAL_MS
    }
    if (this.#lines === 0) return false
    this.#lines--
    return true
  }
}
