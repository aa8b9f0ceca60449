import { type AccessToken, TokenProvider } from '@bandwidth-token/core'
import { turns, VirtualClock } from '../support/virtual-clock.js'
import { currentFlight, type Witness, witnessed } from './acquisitions.js'
import { type EndpointContext, MemoryEndpoint } from './endpoint.js'
import {
  AccountRules,
  type Certainty,
  ClientRules,
  Flight,
  type Instant,
  type Settings,
  type Surroundings
} from './rules.js'

export interface WorldOptions {
  readonly refreshAheadMs: number
  readonly expiryMarginMs: number
  /** Whether the credentials come from a function; else they are fixed. */
  readonly hasFunction: boolean
  readonly maxTokens: number
}

/** Where the provider calls the app. */
export type Callback = 'credentials' | 'logger' | 'endpoint'

/** A call of `getToken()` or `warmUp()` and what became of it. */
export interface Call {
  readonly account: string
  readonly startedMs: number
  readonly turn: number
  readonly rejected: string | undefined
  readonly abort: AbortController | undefined
  state: 'pending' | 'resolved' | 'rejected'
  endedMs?: number
  token?: string
  error?: unknown
}

interface CodedError {
  readonly code?: string
  readonly retryAfter?: number
  readonly attempts?: number
}

const CODES = /^ERR_BANDWIDTH_TOKEN_(CREDENTIALS_REJECTED|UNAVAILABLE|TIMEOUT|RESPONSE_INVALID|CLOSED)$/
const MAX_REQUESTS = 64
/** The defaults of a provider. */
const TIMEOUT_MS = 4_000
const DEADLINE_MS = 10_000

/** A real provider between an endpoint in memory and callers, in virtual time. Every promise it breaks is a problem. */
export class World implements Witness, Surroundings, EndpointContext {
  readonly clock = new VirtualClock()
  readonly endpoint = new MemoryEndpoint(this)
  readonly settings: Settings
  readonly provider: TokenProvider
  readonly problems: string[] = []
  readonly calls: Call[] = []
  readonly #pending = new Set<Call>()
  readonly #callsOf = new Map<string, Call[]>()
  /** What the app's function of credentials does. */
  credentials: 'given' | 'throw' | 'hang' = 'given'
  isClosed = false
  turn = 0
  freezes = 0
  #closedInTurn = -1
  #trap: { readonly where: Callback; readonly spring: () => void } | undefined
  /** The monotonic instant until which something stood in the way of a token's refresh. */
  #troubleMs = 0
  #thawMs = Number.NEGATIVE_INFINITY
  #wallStepMs = Number.NEGATIVE_INFINITY
  #knownSecretVersion = 1
  #touches = 0
  readonly #maxTokens: number
  readonly #rules = new Map<string, AccountRules>()
  readonly #sharedClient: ClientRules | undefined
  readonly #used = new Set<string>()
  /** When the cache has surely used an account, and when it may have. */
  readonly #touched = new Map<string, { surely: number; maybe: number; isEvicted: boolean }>()

  constructor({ hasFunction, maxTokens, ...margins }: WorldOptions) {
    this.settings = { ...margins, timeoutMs: TIMEOUT_MS, deadlineMs: DEADLINE_MS, mayReload: hasFunction }
    this.#sharedClient = hasFunction ? undefined : new ClientRules(this)
    this.#maxTokens = maxTokens
    this.clock.settle = () => this.settle()
    const log = () => this.#springs('logger')
    this.provider = witnessed(
      this,
      () =>
        new TokenProvider({
          ...margins,
          ...(hasFunction
            ? { credentials: (account) => this.#credentials(account) }
            : { clientId: 'client', clientSecret: 'secret-1' }),
          maxTokens,
          tokenUrl: 'http://localhost/token',
          dispatcher: this.endpoint,
          logger: { debug: log, info: log, warn: log, error: log },
          clock: this.clock
        })
    )
  }

  get now(): Instant {
    return this.endpoint.now()
  }

  async settle(): Promise<void> {
    await turns(1)
    this.turn++
  }

  complain(problem: string): void {
    this.problems.push(problem)
  }

  rules(account: string): AccountRules {
    const known = this.#rules.get(account)
    if (known !== undefined) return known
    const rules = new AccountRules(account, this.#sharedClient ?? new ClientRules(this), this)
    this.#rules.set(account, rules)
    return rules
  }

  acquisitionStarts(account: string): Flight {
    const flight = new Flight(account, this.now)
    this.#touch(account, false)
    this.rules(account).acquisitionStarts(flight, this.now)
    return flight
  }

  acquisitionEnds(flight: Flight): void {
    const rules = this.rules(flight.account)
    rules.acquisitionEnds(flight, this.now)
    const { granted } = flight
    this.#touch(flight.account, true, granted !== undefined && rules.held.includes(granted))
  }

  requestArrives(): void {
    if (this.endpoint.openRequests > MAX_REQUESTS) this.complain('more than 64 requests are in flight')
    this.#springs('endpoint')
  }

  isAwaited({ account, startedMs }: Flight): Certainty {
    const calls = this.#callsOf.get(account) ?? []
    if (calls.some(({ state, turn }) => state === 'pending' && turn < this.turn)) return 'yes'
    return calls.some(({ endedMs = Number.POSITIVE_INFINITY }) => endedMs >= startedMs) ? 'maybe' : 'no'
  }

  wasCalledNow(account: string): boolean {
    return this.#callsOf.get(account)?.at(-1)?.turn === this.turn
  }

  mayHaveForgotten(): boolean {
    return this.#rules.size > this.#maxTokens
  }

  mayHaveEvicted(account: string): boolean {
    const touched = this.#touched.get(account)
    if (touched === undefined || this.#rules.size <= this.#maxTokens) return false
    const rivals = [...this.#touched].filter(
      ([name, { maybe }]) => name !== account && (maybe > touched.surely || this.#isDue(name))
    )
    touched.isEvicted ||= rivals.length >= this.#maxTokens
    return touched.isEvicted
  }

  troubled(): void {
    this.#troubleMs = this.clock.monotonic()
  }

  /** The next time that the provider calls the app there, something happens. */
  setTrap(where: Callback, spring: () => void): void {
    this.#trap = { where, spring }
  }

  /** The token of that age among those granted to the account: 0 is the newest. */
  tokenOf(account: string, age: number): { token: string; id: string } {
    return this.endpoint.granted.get(account)?.at(-1 - age) ?? { token: 'unknown-token', id: 'unknown-id' }
  }

  call(
    account: string,
    options: { minimumLifetimeMs?: number; rejected?: string; canAbort?: boolean } = {}
  ): Call {
    const { canAbort, ...request } = options
    const abort = canAbort === true ? new AbortController() : undefined
    const isPlain = account === '' && abort === undefined && Object.keys(request).length === 0
    return this.#follow({ account, rejected: request.rejected, abort }, () =>
      isPlain
        ? this.provider.getToken()
        : this.provider.getToken({ account, ...request, ...(abort && { signal: abort.signal }) })
    )
  }

  warmUp(account: string): void {
    this.#follow({ account, rejected: undefined, abort: undefined }, () => this.provider.warmUp(account))
  }

  /** Drops the token that is named, if the rules allow it. */
  invalidate(account: string, rejected: string): void {
    const rules = this.rules(account)
    const mustServe = !this.isClosed && rules.mustServe(this.now)
    const mayDrop = rules.names(rejected) && !rules.isYoung(this.now)
    const hasDropped = this.provider.invalidate(rejected, account)
    if (hasDropped && !mayDrop) this.complain('a token is dropped that was not named, or too young')
    if (!hasDropped && mustServe && mayDrop && rules.held.length === 1) {
      this.complain('a named token is not dropped')
    }
    if (hasDropped) rules.invalidated()
    this.#touch(account, false)
  }

  abortAll(): readonly Call[] {
    const pending = [...this.#pending].filter(({ abort }) => abort !== undefined)
    for (const { abort } of pending) abort?.abort(new Error('patience is lost'))
    return pending
  }

  /** Looks at what the provider says of an account. */
  look(account: string): void {
    const rules = this.rules(account)
    const token = this.provider.peek(account)
    const mustServe = !this.isClosed && rules.mustServe(this.now)
    if (token !== undefined) this.#handedOut(account, token)
    else if (mustServe) this.complain('peek() sees no token')
    const { state, expiresInMs, lastErrorCode, consecutiveFailures, retryInMs } =
      this.provider.status(account)
    if (!this.isClosed) this.#touch(account, false)
    if ((state === 'empty' || state === 'cooling') !== (token === undefined)) {
      this.complain(`the status is "${state}" though there is ${token === undefined ? 'no' : 'a'} token`)
    }
    if ((expiresInMs ?? 1) <= 0 || (retryInMs ?? 1) <= 0) this.complain('a status counts down past zero')
    if (state === 'fresh' && lastErrorCode !== undefined) {
      this.complain(`the status is "fresh" with the error ${lastErrorCode}`)
    }
    if (this.isClosed) return
    if (lastErrorCode !== undefined && state !== 'cooling' && rules.mostFailures === 0) {
      this.complain(`the status tells of ${lastErrorCode} though nothing has failed`)
    }
    if (consecutiveFailures > rules.mostFailures) {
      this.complain(`the status counts ${consecutiveFailures} failures instead of ${rules.mostFailures}`)
    }
    const mostMs = Math.max(0, rules.mayRefuseUntilMs(this.now) - this.clock.monotonic())
    if (retryInMs !== undefined && retryInMs > mostMs + 1) {
      this.complain(`account "${account}" is held back for ${retryInMs} ms instead of ${mostMs} at most`)
    }
    if (state === 'empty' && rules.mustRefuse(this.now)) {
      this.complain(`the status of account "${account}" tells of no cool-down`)
    }
  }

  /** Sets the clock on the wall, or lets the machine sleep. What has lapsed by then is seen to have lapsed. */
  stepWall(ms: number): void {
    for (const [account, rules] of this.#rules) {
      this.provider.status(account)
      this.#touch(account, false)
      rules.clockStepped(this.now)
    }
    this.clock.stepWall(ms)
    this.freezes++
    this.#wallStepMs = this.clock.monotonic()
    this.troubled()
  }

  /**
   * The process stands still. On the thaw timers fire before answers are read that arrived meanwhile; now and then
   * the news of a broken connection comes first.
   */
  async freeze(ms: number, socketsFirst: boolean): Promise<void> {
    this.freezes++
    const arrivals = this.endpoint.takeArrivals(ms)
    const arrive = () => {
      for (const arrival of arrivals) arrival()
    }
    this.#thawMs = this.clock.monotonic() + ms
    this.troubled()
    const timers = socketsFirst ? [...this.clock.timers] : []
    for (const timer of timers) this.clock.timers.delete(timer)
    const clear = this.clock.clearTimeout
    this.clock.clearTimeout = (timer) => {
      const index = timers.indexOf(timer as (typeof timers)[number])
      if (index >= 0) timers.splice(index, 1)
      clear.call(this.clock, timer)
    }
    await this.clock.freeze(ms, arrive)
    this.clock.clearTimeout = clear
    for (const timer of timers) this.clock.timers.add(timer)
    await this.clock.advance(0)
    this.troubled()
  }

  /** Looks at everything that must hold whatever has happened. */
  async check(): Promise<void> {
    await this.settle()
    const nowMs = this.clock.monotonic()
    // A wall clock that was set is noticed when a time limit comes due.
    const patienceMs = nowMs - this.#wallStepMs <= 2 * DEADLINE_MS ? 3 * DEADLINE_MS : DEADLINE_MS
    for (const { startedMs, account } of this.#pending) {
      if (nowMs - Math.max(startedMs, this.#thawMs) > patienceMs) {
        this.complain(`account "${account}": a call waits for too long`)
      }
    }
    if (this.#pending.size === 0 && [...this.clock.timers].some(({ held }) => held)) {
      this.complain('a timer holds the process though nobody waits')
    }
    for (const [account, rules] of this.#rules) {
      this.#checkWarmth(account, rules)
      rules.excuses.clear()
      if (rules.flight === undefined) rules.mayBeReplacement = false
    }
    if (this.problems.length > 0) throw new Error(this.problems.join('\n'))
  }

  /** Closes the provider, be it from within a callback. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#closedInTurn = this.turn
    void this.provider.close()
  }

  /** Looks whether anything is left of a provider that was closed in this step. */
  async checkClosed(): Promise<void> {
    await this.settle()
    await this.clock.advance(0)
    if (this.clock.timers.size > 0) this.complain(`${this.clock.timers.size} timers are left`)
    if (this.endpoint.openRequests > 0) this.complain('a request is left')
    this.call('')
    this.call('a')
    this.call('a', { minimumLifetimeMs: 599_000 })
    this.call('', { rejected: this.tokenOf('', 0).token })
    await this.clock.advance(3_600_000)
    if (this.#pending.size > 0) this.complain('a call is left')
    for (const { error } of this.calls.slice(-4)) {
      const { code } = (error ?? {}) as CodedError
      if (code !== 'ERR_BANDWIDTH_TOKEN_CLOSED') this.complain('a call after close() is not refused')
    }
    if (this.problems.length > 0) throw new Error(this.problems.join('\n'))
  }

  async #credentials(account: string): Promise<{ clientId: string; clientSecret: string }> {
    const flight = currentFlight()
    if (flight.account !== account) this.complain(`credentials of "${account}" for "${flight.account}"`)
    this.#springs('credentials')
    if (this.credentials === 'throw') {
      this.rules(account).credentialsFail(flight)
      throw new Error('no credentials')
    }
    if (this.credentials === 'hang') {
      flight.hasHung = true
      await new Promise(() => {})
    }
    // A secret that was rotated is known only from the second call on.
    const version = this.#knownSecretVersion
    this.#knownSecretVersion = this.endpoint.secretVersion
    return { clientId: `client-${account}`, clientSecret: `secret-${version}` }
  }

  #springs(where: Callback): void {
    if (this.#trap?.where !== where) return
    const { spring } = this.#trap
    this.#trap = undefined
    spring()
  }

  #follow(about: Pick<Call, 'account' | 'rejected' | 'abort'>, ask: () => Promise<unknown>): Call {
    const { account } = about
    this.rules(account).mustServe(this.now)
    const call: Call = {
      ...about,
      startedMs: this.clock.monotonic(),
      turn: this.turn,
      state: 'pending'
    }
    const mayBeLost = this.mayHaveEvicted(account)
    // Before it asks: it may be what an acquisition is started for.
    this.calls.push(call)
    this.#pending.add(call)
    const callsOf = this.#callsOf.get(account) ?? []
    callsOf.push(call)
    this.#callsOf.set(account, callsOf)
    ask().then(
      (token) => this.#resolved(call, token as AccessToken | undefined),
      (error: unknown) => this.#rejected(call, error)
    )
    this.#touch(account, !mayBeLost)
    return call
  }

  #resolved(call: Call, token: AccessToken | undefined): void {
    call.state = 'resolved'
    this.#pending.delete(call)
    call.endedMs = this.clock.monotonic()
    if (token === undefined) return
    call.token = token.accessToken
    this.#used.add(token.accessToken)
    this.#handedOut(call.account, token)
    if (this.isClosed && this.turn > this.#closedInTurn) {
      this.complain('a call that waited is given a token after close()')
    }
  }

  /** A token is in somebody's hands: it must be the account's, and have more than the margin left by both clocks. */
  #handedOut(account: string, { accessToken, expiresIn }: AccessToken): void {
    const rules = this.rules(account)
    const grants = (this.endpoint.granted.get(account) ?? []).filter(({ token }) => token === accessToken)
    const leftMs = Math.max(...grants.map((granted) => rules.usableMs(granted, this.now)))
    if (grants.length === 0) this.complain(`account "${account}" is given a token that is not its own`)
    else if (leftMs < 0) this.complain(`account "${account}" is given a token ${-leftMs} ms too late`)
    if (expiresIn < 0) this.complain('a token says that it has less than nothing left')
  }

  #rejected(call: Call, error: unknown): void {
    call.state = 'rejected'
    this.#pending.delete(call)
    call.endedMs = this.clock.monotonic()
    call.error = error
    if (call.abort?.signal.aborted && error === call.abort.signal.reason) return
    const { code, retryAfter, attempts } = (error ?? {}) as CodedError
    if (code === undefined || !CODES.test(code)) {
      this.complain(`a call fails with ${error}`)
      return
    }
    if (retryAfter !== undefined && !(Number.isInteger(retryAfter) && retryAfter >= 1)) {
      this.complain(`an error has the retryAfter ${retryAfter}`)
    }
    if (attempts !== undefined && attempts < 1) this.complain(`an error tells of ${attempts} attempts`)
    // What was decided in the turn of close() may still be told in it.
    const isOfClosing = code === 'ERR_BANDWIDTH_TOKEN_CLOSED'
    if (isOfClosing ? !this.isClosed : this.isClosed && this.turn > this.#closedInTurn) {
      this.complain(`a call fails with ${code} ${this.isClosed ? 'after' : 'before'} close()`)
    }
    if (this.isClosed) return
    const rules = this.rules(call.account)
    if (call.rejected === undefined && rules.mustServe(this.now)) {
      this.complain(`account "${call.account}": a call fails (${code}) though there is a valid token`)
    }
    this.#checkRefusal(rules, code, retryAfter)
  }

  /** Whoever is refused is so by a pause, or ran out of time. A freeze is no reason. */
  #checkRefusal(rules: AccountRules, code: string, retryAfter = 0): void {
    const mostMs = Math.max(0, rules.mayRefuseUntilMs(this.now) - this.clock.monotonic())
    // It is at least 1, also where the endpoint asked for 0 and nothing holds back the next request.
    if (retryAfter > Math.max(1, Math.ceil(mostMs / 1000))) {
      this.complain(`account "${rules.name}": retryAfter is ${retryAfter}, though ${mostMs} ms are left`)
    }
    const hasWaitedInVain =
      code === 'ERR_BANDWIDTH_TOKEN_TIMEOUT' && rules.waitedInVainInTurn >= this.turn - 1
    // What was in flight when a cool-down began may fail after its end, and begins none.
    const hasFailed = rules.failedInTurn >= this.turn - 1
    if (mostMs === 0 && !hasWaitedInVain && !hasFailed) {
      this.complain(`account "${rules.name}": a call is refused (${code}) though nothing holds it back`)
    }
  }

  /** A token in use is refreshed in time, if nothing stands in the way. */
  #checkWarmth(account: string, rules: AccountRules): void {
    const newest = this.endpoint.granted.get(account)?.at(-1)
    if (newest === undefined || !this.#used.has(newest.token) || !rules.held.includes(newest)) return
    if (newest.issuedAt.monotonicMs <= this.#troubleMs || newest.lifetimeMs < 30_000) return
    if (this.isClosed || this.mayHaveEvicted(account)) return
    if (rules.usableMs(newest, this.now) < 0) {
      this.complain(`account "${account}": a token in use lapses though the endpoint is healthy`)
    }
  }

  /** Notes that the cache has used an account, which it then evicts last. A new token brings an account back. */
  #touch(account: string, isSure: boolean, hasNewToken = false): void {
    const isEvicted = this.mayHaveEvicted(account) && !hasNewToken
    const surely = isSure ? ++this.#touches : (this.#touched.get(account)?.surely ?? 0)
    this.#touched.set(account, { surely, maybe: ++this.#touches, isEvicted })
  }

  #isDue(account: string): boolean {
    const rules = this.rules(account)
    const newest = this.endpoint.granted.get(account)?.at(-1)
    if (newest === undefined) return false
    return rules.usableMs(newest, this.now) < Math.max(rules.softMs(newest), 1)
  }
}
