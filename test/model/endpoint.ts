import { Readable } from 'node:stream'
import type { TokenDispatcher } from '@bandwidth-token/core'
import type { VirtualClock } from '../support/virtual-clock.js'
import { currentFlight } from './acquisitions.js'
import type { Failed } from './pause.js'
import type { AccountRules, Flight, Granted, Instant } from './rules.js'

/** How the endpoint answers from now on. */
export type Behaviour =
  | { readonly kind: 'grants'; readonly lifetimeS: number; readonly delayMs: number }
  | { readonly kind: 'repeats'; readonly lifetimeS: number }
  | {
      readonly kind: 'answers'
      readonly status: number
      readonly retryAfterS?: number | undefined
      readonly delayMs: number
    }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'resets'; readonly delayMs: number }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'hangs in the body' }

export const HEALTHY: Behaviour = { kind: 'grants', lifetimeS: 600, delayMs: 0 }

type Answer = Awaited<ReturnType<TokenDispatcher['request']>>
type Timer = ReturnType<VirtualClock['setTimeout']>

/** What the endpoint tells of. */
export interface EndpointContext {
  readonly clock: VirtualClock
  rules(account: string): AccountRules
  requestArrives(): void
}

/**
 * A token endpoint in memory, in virtual time: over sockets, ten thousand sequences would take hours. It tells the
 * rules of the account what it sees.
 */
export class MemoryEndpoint implements TokenDispatcher {
  behaviour: Behaviour = HEALTHY
  /** The version of the secret that is accepted. */
  secretVersion = 1
  readonly granted = new Map<string, Granted[]>()
  /** Requests that wait for their end. */
  openRequests = 0
  /** Answers on their way. */
  readonly #arrivals = new Set<Timer>()
  #count = 0

  constructor(readonly context: EndpointContext) {}

  now(): Instant {
    const { clock } = this.context
    return { wallMs: clock.now(), monotonicMs: clock.monotonic() }
  }

  /** Takes out of the clock what arrives within that time, in order. */
  takeArrivals(withinMs: number): (() => void)[] {
    const { clock } = this.context
    const untilMs = clock.monotonic() + withinMs
    const arrivals = [...this.#arrivals].filter(
      (timer) => timer.atMs <= untilMs && clock.timers.delete(timer)
    )
    return arrivals.sort((a, b) => a.atMs - b.atMs).map(({ callback }) => callback)
  }

  async request({ headers, signal }: Parameters<TokenDispatcher['request']>[0]): Promise<Answer> {
    const flight = currentFlight()
    const rules = this.context.rules(flight.account)
    const issuedAt = this.now()
    const [clientId, secret] = readBasic(headers['Authorization'])
    if (clientId !== 'client' && clientId !== `client-${flight.account}`) {
      rules.surroundings.complain(`account "${flight.account}": a request in the name of ${clientId}`)
    }
    const behaviour: Behaviour =
      secret === `secret-${this.secretVersion}`
        ? this.behaviour
        : { kind: 'answers', status: 401, delayMs: 0 }
    this.openRequests++
    rules.requestStarts(flight, issuedAt)
    this.context.requestArrives()
    const breaks = () => this.#ends(() => rules.requestBreaks(flight, this.now()))

    if (behaviour.kind === 'hangs in the body') return endlessBody(signal, breaks)
    const delayMs = 'delayMs' in behaviour ? behaviour.delayMs : 0
    if (!(await this.#delay(behaviour.kind === 'hangs' ? undefined : delayMs, signal, breaks))) {
      throw Object.assign(new Error('aborted'), { name: 'RequestAbortedError', code: 'UND_ERR_ABORTED' })
    }
    return this.#answer(behaviour, flight, rules, issuedAt, breaks)
  }

  #answer(
    behaviour: Exclude<Behaviour, { kind: 'hangs in the body' }>,
    flight: Flight,
    rules: AccountRules,
    issuedAt: Instant,
    breaks: () => void
  ): Answer {
    const fails = (failure: Failed) => this.#ends(() => rules.requestFails(flight, failure, this.now()))
    switch (behaviour.kind) {
      case 'grants':
      case 'repeats': {
        const granted = this.#grant(flight.account, behaviour, issuedAt)
        this.#ends(() => rules.requestSucceeds(flight, granted, this.now()))
        return answer(200, {
          access_token: granted.token,
          access_token_id: granted.id,
          expires_in: granted.lifetimeMs / 1000
        })
      }
      case 'answers': {
        const { status, retryAfterS } = behaviour
        fails({
          remedy: remedyOf(status),
          retryAfterMs: retryAfterS === undefined ? undefined : 1000 * retryAfterS
        })
        return answer(status, { error: 'x' }, retryAfterS)
      }
      case 'resets':
        breaks()
        throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      default:
        fails({ remedy: 'retry' })
        return answer(200, '<html>')
    }
  }

  #ends(tell: () => void): void {
    this.openRequests--
    tell()
  }

  #grant(
    account: string,
    { kind, lifetimeS }: Extract<Behaviour, { lifetimeS: number }>,
    issuedAt: Instant
  ): Granted {
    const grants = this.granted.get(account) ?? []
    this.granted.set(account, grants)
    const last = kind === 'repeats' ? grants.at(-1) : undefined
    const count = ++this.#count
    const token = last?.token ?? `token-${account}-${count}`
    const granted = { token, id: last?.id ?? `id-${count}`, lifetimeMs: lifetimeS * 1000, issuedAt }
    grants.push(granted)
    return granted
  }

  /** Whether the time passed before the request was given up; without a time it never does. */
  #delay(ms: number | undefined, signal: AbortSignal, onAbort: () => void): Promise<boolean> {
    const { clock } = this.context
    if (ms === 0 && !signal.aborted) return Promise.resolve(true)
    return new Promise((resolve) => {
      let timer: Timer | undefined
      let hasArrived = false
      const arrive = () => {
        hasArrived = true
        if (timer !== undefined) this.#arrivals.delete(timer)
        resolve(true)
      }
      const abort = () => {
        if (hasArrived) return
        if (timer !== undefined) this.#arrivals.delete(timer)
        clock.clearTimeout(timer)
        onAbort()
        resolve(false)
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort)
      if (ms === undefined) return
      timer = clock.setTimeout(arrive, ms)
      timer.unref()
      this.#arrivals.add(timer)
    })
  }
}

function endlessBody(signal: AbortSignal, onAbort: () => void): Answer {
  const body = new Readable({ read() {} })
  // As undici does: nobody may be reading it when it is destroyed.
  body.on('error', () => {})
  body.push('{"access_token":')
  const abort = () => {
    onAbort()
    body.destroy(new Error('aborted'))
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  return { statusCode: 200, headers: {}, body }
}

function remedyOf(status: number): Failed['remedy'] {
  if (status === 400 || status === 401 || status === 403) return 'reload'
  return status === 408 || status === 429 || status >= 500 ? 'retry' : 'wait'
}

function answer(statusCode: number, body: unknown, retryAfterS?: number): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    statusCode,
    headers: retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) },
    body: Readable.from([Buffer.from(text)])
  }
}

function readBasic(authorization = ''): string[] {
  return Buffer.from(authorization.slice('Basic '.length), 'base64').toString().split(':')
}
