import { Readable } from 'node:stream'
import type { TokenDispatcher } from '@bandwidth-token/core'
import type { VirtualClock } from '../support/virtual-clock.js'
import type { AccountRules, Failed, Granted, Instant } from './rules.js'

/** How the endpoint answers from now on. */
export type Behaviour =
  | { readonly kind: 'grants'; readonly lifetimeS: number; readonly delayMs: number }
  | { readonly kind: 'repeats'; readonly lifetimeS: number }
  | { readonly kind: 'answers'; readonly status: number; readonly retryAfterS?: number | undefined }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'resets'; readonly delayMs: number }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'hangs in the body' }

export const HEALTHY: Behaviour = { kind: 'grants', lifetimeS: 600, delayMs: 0 }

type Answer = Awaited<ReturnType<TokenDispatcher['request']>>

/**
 * A token endpoint in memory, in virtual time: over sockets, ten thousand sequences would take hours. It tells the
 * rules of the account what it sees.
 */
export class MemoryEndpoint implements TokenDispatcher {
  behaviour: Behaviour = HEALTHY
  /** The version of the secret that is accepted. */
  secretVersion = 1
  readonly granted = new Map<string, Granted[]>()
  #count = 0

  constructor(
    readonly clock: VirtualClock,
    readonly rulesOf: (account: string) => AccountRules
  ) {}

  now(): Instant {
    return { wallMs: this.clock.now(), monotonicMs: this.clock.monotonic() }
  }

  async request({ headers, signal }: Parameters<TokenDispatcher['request']>[0]): Promise<Answer> {
    const issuedAt = this.now()
    const [clientId = '', secret] = readBasic(headers['Authorization'])
    const account = clientId.replace('client-', '')
    const rules = this.rulesOf(account)
    const behaviour: Behaviour =
      secret === `secret-${this.secretVersion}` ? this.behaviour : { kind: 'answers', status: 401 }
    rules.requestStarts(issuedAt)
    const fail = (failure: Partial<Failed>) =>
      rules.requestFails({ remedy: 'retry', retryAfterMs: 0, ...failure }, this.now())

    if (behaviour.kind === 'hangs in the body') return this.#endlessBody(signal, () => fail({}))
    const delayMs = 'delayMs' in behaviour ? behaviour.delayMs : 0
    if (!(await this.#delay(behaviour.kind === 'hangs' ? undefined : delayMs, signal))) {
      fail({})
      throw Object.assign(new Error('aborted'), { name: 'RequestAbortedError', code: 'UND_ERR_ABORTED' })
    }
    switch (behaviour.kind) {
      case 'grants':
      case 'repeats': {
        const granted = this.#grant(account, behaviour, issuedAt)
        rules.requestSucceeds(granted, this.now())
        return answer(200, {
          access_token: granted.token,
          access_token_id: granted.id,
          expires_in: granted.lifetimeMs / 1000
        })
      }
      case 'answers':
        fail({ remedy: remedyOf(behaviour.status), retryAfterMs: 1000 * (behaviour.retryAfterS ?? 0) })
        return answer(behaviour.status, { error: 'x' }, behaviour.retryAfterS)
      case 'resets':
        fail({})
        throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      default:
        fail({})
        return answer(200, '<html>')
    }
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
  #delay(ms: number | undefined, signal: AbortSignal): Promise<boolean> {
    if (ms === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : this.clock.setTimeout(() => resolve(true), ms)
      timer?.unref()
      signal.addEventListener('abort', () => {
        this.clock.clearTimeout(timer)
        resolve(false)
      })
    })
  }

  #endlessBody(signal: AbortSignal, onAbort: () => void): Answer {
    const body = new Readable({ read() {} })
    body.push('{"access_token":')
    signal.addEventListener('abort', () => {
      onAbort()
      body.destroy(new Error('aborted'))
    })
    return { statusCode: 200, headers: {}, body }
  }
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
