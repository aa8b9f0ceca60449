import type { Failure } from '../failure.js'
import { LineBudget } from '../support/line-budget.js'
import type { Log } from '../support/logger.js'
import { type Destination, failureFields } from './operator-hints.js'

/** What is known at one failure. */
interface NotedFailure {
  readonly account: string
  readonly failure: Failure
  /** Whether callers still get a token. */
  readonly isServing: boolean
  /** Milliseconds until the next attempt, if there is a wait. */
  readonly retryInMs: number | undefined
  readonly nowMs: number
}

/** From the first failure to the first token after it. */
interface Outage {
  readonly beganAtMs: number
  lastAtMs: number
  /** When it ended, if the log does not say so yet. */
  endedAtMs?: number | undefined
  refusedCalls: number
  /** Whether a line about it was written. */
  isInLog: boolean
  /** What its last line said. */
  level?: 'warn' | 'error'
  cause?: string
  /** The accounts that still fail, each with its last failure, the oldest first. Empty if all accounts are one client. */
  readonly failing: Map<string, number>
}

/** At most this many accounts have lines of their own. If more fail, one line stands for all of them. */
const MAX_NAMED = 5
/** At most this many lines are written at once, and then one more each minute: an hour has 70 of them at most. */
const MAX_LINES = 10
const LINE_INTERVAL_MS = 60_000
/** Failures do not take the last line: it says that an outage is over. */
const KEPT_FOR_END = 1
/** An account in use fails again sooner than this. Later it is another outage. */
const FORGOTTEN_AFTER_MS = 600_000
/** An outage of many accounts does not wait longer than this for one that nobody asks for any more. */
const UNUSED_AFTER_MS = 120_000
/** At most this many failing accounts are remembered, those that failed last. */
const MAX_FAILING = 1_000
/** The key of an outage that is not that of a single account. */
const ALL = Symbol('all')

/**
 * The log of failures: one line if something changes, however many callers and accounts it concerns. `warn` while callers
 * still get a token, `error` if they are refused, and one `info` when it is over.
 */
export class OutageLog {
  readonly #log: Log
  readonly #destination: Destination
  readonly #isPerAccount: boolean
  readonly #outages = new Map<string | typeof ALL, Outage>()
  /** The causes whose hint has been written. */
  readonly #hinted = new Set<string>()
  readonly #lines = new LineBudget(MAX_LINES, LINE_INTERVAL_MS)

  /** `isPerAccount` says whether each account has credentials of its own, and so outages of its own. */
  constructor(log: Log, destination: Destination, isPerAccount: boolean) {
    this.#log = log
    this.#destination = destination
    this.#isPerAccount = isPerAccount
  }

  /** A caller got no token, or an acquisition ended without one. */
  note(noted: NotedFailure, isCaller: boolean): void {
    const { account, failure, isServing, nowMs } = noted
    this.#forgetOld(nowMs)
    const key = this.#keyOf(account)
    const known = this.#outages.get(key)
    // Only a failed acquisition begins an outage or continues one: a pause can outlast one that is over.
    if (isCaller && (known === undefined || known.endedAtMs !== undefined)) return
    const outage = known ?? this.#begin(key, nowMs)
    outage.lastAtMs = nowMs
    outage.endedAtMs = undefined
    if (this.#isPerAccount) remember(outage.failing, account, nowMs)
    if (isCaller) outage.refusedCalls++
    if (isCaller && outage.level === 'error') return
    const level = isServing && outage.level !== 'error' ? 'warn' : 'error'
    const cause = [failure.code, failure.upstreamStatus, failure.oauthError, failure.cause?.code].join()
    if ((level !== outage.level || cause !== outage.cause) && this.#lines.take(nowMs, KEPT_FOR_END)) {
      Object.assign(outage, { level, cause, isInLog: true })
      this.#write(level, cause, noted)
    }
  }

  /**
   * An account has got a token. `hasRecovered` says whether it or its client failed before. Returns whether the log says
   * now that an outage is over.
   */
  obtained(account: string, expiresIn: number, hasRecovered: boolean, nowMs: number): boolean {
    const key = this.#outages.has(account) ? account : ALL
    const outage = this.#outages.get(key)
    if (outage === undefined) return false
    if (hasRecovered) outage.failing.delete(account)
    if (!this.#isOver(outage, hasRecovered, nowMs)) return false
    outage.endedAtMs ??= nowMs
    // If there is no line left, the next token has another chance.
    if (outage.isInLog && !this.#lines.take(nowMs)) return false
    this.#delete(key)
    if (!outage.isInLog) return false
    const { beganAtMs, endedAtMs, refusedCalls } = outage
    const fields = { account, expiresIn, refusedCalls, failedForMs: Math.round(endedAtMs - beganAtMs) }
    this.#log.info(fields, 'A token was obtained again.')
    return true
  }

  #keyOf(account: string): string | typeof ALL {
    if (!this.#isPerAccount || this.#outages.has(ALL)) return ALL
    return this.#outages.has(account) || this.#outages.size < MAX_NAMED ? account : ALL
  }

  /** Begins an outage. That of all accounts takes the place of those of single accounts. */
  #begin(key: string | typeof ALL, nowMs: number): Outage {
    const merged = key === ALL ? [...this.#outages.values()] : []
    const failing = merged.flatMap((each) => [...each.failing]).sort(([, one], [, other]) => one - other)
    const outage: Outage = {
      beganAtMs: Math.min(nowMs, ...merged.map(({ beganAtMs }) => beganAtMs)),
      lastAtMs: nowMs,
      refusedCalls: merged.reduce((sum, { refusedCalls }) => sum + refusedCalls, 0),
      isInLog: merged.some(({ isInLog }) => isInLog),
      failing: new Map(failing)
    }
    if (key === ALL) this.#outages.clear()
    this.#outages.set(key, outage)
    return outage
  }

  /** Whether an outage is over: with credentials of their own, all of its accounts must have a token again. */
  #isOver({ failing }: Outage, hasRecovered: boolean, nowMs: number): boolean {
    for (const failedAtMs of failing.values()) {
      if (nowMs - failedAtMs <= UNUSED_AFTER_MS) return false
    }
    return this.#isPerAccount || hasRecovered
  }

  #forgetOld(nowMs: number): void {
    for (const [key, { lastAtMs }] of this.#outages) {
      if (nowMs - lastAtMs > FORGOTTEN_AFTER_MS) this.#delete(key)
    }
  }

  #delete(key: string | typeof ALL): void {
    this.#outages.delete(key)
    if (this.#outages.size === 0) this.#hinted.clear()
  }

  #write(
    level: 'warn' | 'error',
    cause: string,
    { account, failure, isServing, retryInMs }: NotedFailure
  ): void {
    const { hint, ...fields } = failureFields(failure, this.#destination)
    const isNewCause = !this.#hinted.has(cause)
    this.#hinted.add(cause)
    this.#log[level](
      { account, ...fields, ...(isNewCause && { hint }), retryInMs: Math.round(retryInMs ?? 0) },
      isServing
        ? 'The token could not be refreshed. Callers still get the cached one.'
        : 'No token could be obtained.'
    )
  }
}

/** Notes the last failure of an account. Drops the one that failed longest ago if there are too many. */
function remember(failing: Map<string, number>, account: string, nowMs: number): void {
  failing.delete(account)
  failing.set(account, nowMs)
  const [oldest = account] = failing.keys()
  if (failing.size > MAX_FAILING) failing.delete(oldest)
}
