import { getSystemErrorMap } from 'node:util'
import { BandwidthTokenError, type BandwidthTokenErrorCode } from './errors.js'

/**
 * Why an acquisition failed, as plain data: every caller is given an error of its own, made from it.
 */
export interface Failure {
  readonly code: BandwidthTokenErrorCode
  /** Safe to show to a browser. */
  readonly message: string
  /** What may mend it: another try, new credentials, or nothing but time. */
  readonly remedy: 'retry' | 'reload' | 'wait'
  /** What the endpoint asked for in `Retry-After`. */
  readonly retryAfterMs?: number | undefined
  readonly attempts?: number
  readonly upstreamStatus?: number
  readonly oauthError?: string | undefined
  readonly cause?: SafeCause | undefined
}

interface SafeCause {
  readonly name: string
  readonly code?: string
  readonly syscall?: string
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

export const NEARLY_DEAD: Failure = {
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  message: 'The token endpoint handed out a token that is about to expire.',
  remedy: 'retry'
}

/** A request that got no answer. The foreign error is not kept: it may carry the request, and with it the secret. */
export function networkFailure(error: unknown): Failure {
  const cause = safeCause(error)
  return TIMEOUT_CODES.has(cause.code ?? '')
    ? { ...TIMED_OUT, cause }
    : {
        code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
        message: 'The token endpoint could not be reached.',
        remedy: 'retry',
        cause
      }
}

/** The error that a caller gets for a failure. `retryAfterMs` is what remains until a new try makes sense. */
export function toError(failure: Failure, retryAfterMs?: number): BandwidthTokenError {
  const { attempts, upstreamStatus, oauthError, cause } = failure
  return new BandwidthTokenError(failure.code, failure.message, {
    retryAfter: retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000)),
    attempts,
    upstreamStatus,
    oauthError,
    cause: cause && Object.assign(new Error(cause.code ?? 'The request failed'), cause)
  })
}

function safeCause(error: unknown): SafeCause {
  const { name, code, syscall } = readProperties(error)
  return {
    name: NAMES.has(name) ? (name as string) : 'Error',
    ...(CODES.has(code) ? { code: code as string } : {}),
    ...(SYSCALLS.has(syscall) ? { syscall: syscall as string } : {})
  }
}

function readProperties(error: unknown): Record<string, unknown> {
  try {
    const { name, code, syscall } = error as Record<string, unknown>
    return { name, code, syscall }
  } catch {
    // A dispatcher of the user's may reject with anything, an object whose getters throw included.
    return {}
  }
}

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT'
])

const NAMES: ReadonlySet<unknown> = new Set([
  'TypeError',
  'AbortError',
  'AggregateError',
  'BodyTimeoutError',
  'ClientClosedError',
  'ClientDestroyedError',
  'ConnectTimeoutError',
  'HTTPParserError',
  'HeadersOverflowError',
  'HeadersTimeoutError',
  'ProxyConnectionError',
  'SecureProxyConnectionError',
  'SocketError'
])

const SYSCALLS: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo', 'read', 'write', 'shutdown'])

const CODES: ReadonlySet<unknown> = new Set([
  ...TIMEOUT_CODES,
  ...[...getSystemErrorMap().values()].map(([code]) => code),
  'ENOTFOUND',
  'UND_ERR_ABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_INFO',
  'UND_ERR_PRX_CONN',
  'UND_ERR_PRX_TLS',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'UND_ERR_SOCKET',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
])
