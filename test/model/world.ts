import { type AccessToken, TokenProvider } from '@bandwidth-token/core'
import { turns, VirtualClock } from '../support/virtual-clock.js'
import { MemoryEndpoint } from './endpoint.js'
import { AccountRules, type Instant, type Settings } from './rules.js'

export interface WorldOptions {
  readonly refreshAheadMs: number
  readonly expiryMarginMs: number
  /** Whether the credentials come from a function; else they are fixed, and there is one account. */
  readonly hasFunction: boolean
}

/** A call of `getToken()` or `warmUp()` and what became of it. */
interface Call {
  readonly account: string
  readonly startedMs: number
  readonly rejected: string | undefined
  readonly abort: AbortController | undefined
  state: 'pending' | 'resolved' | 'rejected'
  token?: string
  error?: unknown
}

const CODES = /^ERR_BANDWIDTH_TOKEN_(CREDENTIALS_REJECTED|UNAVAILABLE|TIMEOUT|RESPONSE_INVALID|CLOSED)$/
/** The defaults of a provider. */
const TIMEOUT_MS = 4_000
const DEADLINE_MS = 10_000

/** A real provider between an endpoint in memory and callers, in virtual time. Every promise it breaks is a problem. */
export class World {
  readonly clock = new VirtualClock()
  readonly endpoint = new MemoryEndpoint(this.clock, (account) => this.rules(account))
  readonly provider: TokenProvider
  readonly problems: string[] = []
  readonly calls: Call[] = []
  /** What the app's function of credentials does. */
  credentials: 'given' | 'throw' | 'hang' = 'given'
  isClosed = false
  /** The monotonic instant until which something stood in the way of a token's refresh. */
  #troubleMs = 0
  #knownSecretVersion = 1
  readonly #rules = new Map<string, AccountRules>()
  readonly #settings: Settings
  readonly #used = new Set<string>()

  constructor({ hasFunction, ...margins }: WorldOptions) {
    this.#settings = { ...margins, timeoutMs: TIMEOUT_MS, deadlineMs: DEADLINE_MS, mayReload: hasFunction }
    this.clock.settle = () => turns(1)
    this.provider = new TokenProvider({
      ...margins,
      ...(hasFunction
        ? { credentials: (account) => this.#credentials(account) }
        : { clientId: 'client-', clientSecret: 'secret-1' }),
      tokenUrl: 'http://localhost/token',
      dispatcher: this.endpoint,
      clock: this.clock
    })
  }

  get now(): Instant {
    return this.endpoint.now()
  }

  rules(account: string): AccountRules {
    const complain = (problem: string) => this.problems.push(`account "${account}": ${problem}`)
    const rules = this.#rules.get(account) ?? new AccountRules(this.#settings, complain)
    this.#rules.set(account, rules)
    return rules
  }

  troubled(): void {
    this.#troubleMs = this.clock.monotonic()
  }

  /** The token of that age among those granted to the account: 0 is the newest. */
  tokenOf(account: string, age: number): { token: string; id: string } {
    return this.endpoint.granted.get(account)?.at(-1 - age) ?? { token: 'unknown-token', id: 'unknown-id' }
  }

  call(
    account: string,
    options: { minimumLifetimeMs?: number; rejected?: string; canAbort?: boolean } = {}
  ): void {
    const { canAbort, ...request } = options
    const abort = canAbort === true ? new AbortController() : undefined
    const isPlain = account === '' && abort === undefined && Object.keys(request).length === 0
    this.#follow(
      isPlain
        ? this.provider.getToken()
        : this.provider.getToken({ account, ...request, ...(abort && { signal: abort.signal }) }),
      { account, rejected: request.rejected, abort }
    )
  }

  warmUp(account: string): void {
    this.#follow(this.provider.warmUp(account), { account, rejected: undefined, abort: undefined })
  }

  /** Sets the clock on the wall, or lets the machine sleep. What has lapsed by then is seen to have lapsed. */
  stepWall(ms: number): void {
    for (const [account, rules] of this.#rules) {
      this.provider.status(account)
      rules.mustServe(this.now)
      rules.clockStepped()
    }
    this.clock.stepWall(ms)
    this.troubled()
  }

  /** Looks at everything that must hold whatever has happened. */
  async check(): Promise<void> {
    await turns(1)
    const nowMs = this.clock.monotonic()
    const pending = this.calls.filter(({ state }) => state === 'pending')
    for (const { startedMs, account } of pending) {
      if (nowMs - startedMs > DEADLINE_MS)
        this.problems.push(`account "${account}": a call waits for too long`)
    }
    if (pending.length === 0 && [...this.clock.timers].some(({ held }) => held)) {
      this.problems.push('a timer holds the process though nobody waits')
    }
    for (const [account, rules] of this.#rules) this.#checkWarmth(account, rules)
    for (const rules of this.#rules.values()) {
      rules.excuses.clear()
      if (!rules.mayBeAcquiring(this.now)) rules.mayBeReplacement = false
    }
    if (this.problems.length > 0) throw new Error(this.problems.join('\n'))
  }

  /** Closes the provider; nothing of it may be left. */
  async close(): Promise<void> {
    this.isClosed = true
    await this.provider.close()
    await turns(1)
    if (this.clock.timers.size > 0) this.problems.push(`${this.clock.timers.size} timers are left`)
    for (const { openRequests } of this.#rules.values()) {
      if (openRequests > 0) this.problems.push('a request is left')
    }
    this.call('')
    this.call('a')
    await turns(1)
    if (this.calls.some(({ state }) => state === 'pending')) this.problems.push('a call is left')
    for (const call of this.calls.slice(-2)) {
      const { code } = (call.error ?? {}) as { code?: string }
      if (code !== 'ERR_BANDWIDTH_TOKEN_CLOSED') this.problems.push('a call after close() is not refused')
    }
    if (this.problems.length > 0) throw new Error(this.problems.join('\n'))
  }

  async #credentials(account: string): Promise<{ clientId: string; clientSecret: string }> {
    this.rules(account).credentialsAsked(this.now)
    if (this.credentials === 'throw') throw new Error('no credentials')
    if (this.credentials === 'hang') await new Promise(() => {})
    // A secret that was rotated is known only from the second call on.
    const version = this.#knownSecretVersion
    this.#knownSecretVersion = this.endpoint.secretVersion
    return { clientId: `client-${account}`, clientSecret: `secret-${version}` }
  }

  #follow(promise: Promise<unknown>, about: Pick<Call, 'account' | 'rejected' | 'abort'>): void {
    this.rules(about.account).mustServe(this.now)
    const call: Call = { ...about, startedMs: this.clock.monotonic(), state: 'pending' }
    this.calls.push(call)
    promise.then(
      (token) => this.#resolved(call, token as AccessToken | undefined),
      (error: unknown) => this.#rejected(call, error)
    )
  }

  #resolved(call: Call, token: AccessToken | undefined): void {
    call.state = 'resolved'
    if (token === undefined) return
    call.token = token.accessToken
    this.#used.add(token.accessToken)
    this.handedOut(call.account, token)
  }

  /** A token is in somebody's hands: it must be the account's, and have more than the margin left by both clocks. */
  handedOut(account: string, { accessToken, expiresIn }: AccessToken): void {
    const rules = this.rules(account)
    const grants = (this.endpoint.granted.get(account) ?? []).filter(({ token }) => token === accessToken)
    const leftMs = Math.max(...grants.map((granted) => rules.usableMs(granted, this.now)))
    if (grants.length === 0) this.problems.push(`account "${account}" is given a token that is not its own`)
    else if (leftMs < 0) this.problems.push(`account "${account}" is given a token ${-leftMs} ms too late`)
    if (expiresIn < 0) this.problems.push('a token says that it has less than nothing left')
  }

  #rejected(call: Call, error: unknown): void {
    call.state = 'rejected'
    call.error = error
    if (call.abort?.signal.aborted && error === call.abort.signal.reason) return
    const { code, retryAfter } = (error ?? {}) as { code?: string; retryAfter?: number }
    if (code === undefined || !CODES.test(code)) this.problems.push(`a call fails with ${error}`)
    if (retryAfter !== undefined && !(Number.isInteger(retryAfter) && retryAfter >= 1)) {
      this.problems.push(`an error has the retryAfter ${retryAfter}`)
    }
    const mustServe = !this.isClosed && this.rules(call.account).mustServe(this.now)
    if (mustServe && call.rejected === undefined) {
      this.problems.push(`account "${call.account}": a call fails (${code}) though there is a valid token`)
    }
  }

  /** A token in use is refreshed in time, if nothing stands in the way. */
  #checkWarmth(account: string, rules: AccountRules): void {
    const newest = this.endpoint.granted.get(account)?.at(-1)
    if (newest === undefined || !this.#used.has(newest.token) || !rules.held.includes(newest)) return
    if (newest.issuedAt.monotonicMs <= this.#troubleMs || newest.lifetimeMs < 30_000) return
    if (rules.usableMs(newest, this.now) < 0) {
      this.problems.push(`account "${account}": a token in use lapses though the endpoint is healthy`)
    }
  }
}
