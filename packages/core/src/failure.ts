import { BandwidthTokenError, type BandwidthTokenErrorCode } from './errors.js'

/** Why an acquisition failed, as plain data. Each caller gets an error of its own, made from it by `toError()`. */
export interface Failure {
  readonly code: BandwidthTokenErrorCode
  /** Safe to show to a browser. */
  readonly message: string
  /** What can help: another attempt, other credentials, or only time. */
  readonly remedy: 'retry' | 'reload' | 'wait'
  /** What the endpoint asked for by `Retry-After`, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  readonly attempts?: number
  readonly upstreamStatus?: number
  readonly oauthError?: string | undefined
  readonly cause?: SafeCause | undefined
  /** `false` if it says nothing about the endpoint. Then no cool-down follows. */
  readonly isVerdict?: false
  /** The type of what a `credentials` function threw, such as `TypeError`. For the log only. */
  readonly thrown?: string
}

/** The parts that are kept of another library's error. */
export interface SafeCause {
  readonly name: string | undefined
  readonly code: string | undefined
  readonly syscall: string | undefined
}

export const CLOSED: Failure = {
  code: 'ERR_BANDWIDTH_TOKEN_CLOSED',
  message: 'The token provider is closed.',
  remedy: 'wait'
}

export const TIMED_OUT: Failure = {
  code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT',
  message: 'No token was obtained in time.',
  remedy: 'retry'
}

/** No verdict: the process stood still while it waited. Never leaves an acquisition. */
export const STOOD_STILL: Failure = { ...TIMED_OUT, isVerdict: false }

/** No verdict: time ran out before a request could be sent. */
export const WAITED_IN_VAIN: Failure = { ...TIMED_OUT, isVerdict: false }

export const POINTLESS: Failure = {
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  message: 'The token endpoint sent a token that is about to expire.',
  remedy: 'retry'
}

/** The error that a caller gets for a failure. `retryAfterMs` is the time until it makes sense to try again. */
export function toError(failure: Failure, retryAfterMs?: number): BandwidthTokenError {
  const { attempts, upstreamStatus, oauthError, cause } = failure
  // A 503 always says when to try again: if nothing is to be waited for, in a second.
  const afterMs = retryAfterMs ?? (failure.code === 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' ? 1_000 : undefined)
  return new BandwidthTokenError(failure.code, failure.message, {
    retryAfter: afterMs === undefined ? undefined : Math.max(1, Math.ceil(afterMs / 1000)),
    attempts: attempts === 0 ? undefined : attempts,
    upstreamStatus,
    oauthError,
    cause: cause && toCause(cause)
  })
}

/** The failure that was thrown, or a general one for anything else. */
export function toFailure(thrown: unknown): Failure {
  return typeof thrown === 'object' && thrown !== null && isFailure(thrown) ? thrown : UNEXPECTED
}

const UNEXPECTED: Failure = {
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  message: 'The token could not be obtained.',
  remedy: 'retry'
}

/** Tells a failure from any other outcome of an acquisition: only a failure has a `remedy`. */
export function isFailure(outcome: object): outcome is Failure {
  return Object.hasOwn(outcome, 'remedy')
}

function toCause(cause: SafeCause): Error {
  const known = Object.entries(cause).filter(([, value]) => value !== undefined)
  return Object.assign(new Error(cause.code ?? 'The request failed'), Object.fromEntries(known))
}
