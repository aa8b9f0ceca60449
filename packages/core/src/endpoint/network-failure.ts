import { type Failure, type SafeCause, TIMED_OUT } from '../failure.js'
import { sharesWithSecret } from '../support/shares-with-secret.js'

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT'
])

/** The form of the names, codes and syscalls in errors of Node, OpenSSL and undici. */
const FORMS = {
  name: /^[A-Z][A-Za-z]{1,63}$/,
  code: /^[A-Z][A-Z0-9_/.]{1,63}$/,
  syscall: /^[a-z][A-Za-z]{1,31}$/
} as const

/** The failure of a request without a complete response. Its cause never contains part of `secrets`. */
export function networkFailure(error: unknown, secrets: readonly string[] = []): Failure {
  const cause = safeCause(error, secrets)
  return cause.code !== undefined && TIMEOUT_CODES.has(cause.code)
    ? { ...TIMED_OUT, cause }
    : {
        code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
        message: 'The token endpoint could not be reached.',
        remedy: 'retry',
        cause
      }
}

/**
 * The parts that are kept of another library's error. Never the error itself: it may contain the request, and with it
 * the secret.
 */
function safeCause(error: unknown, secrets: readonly string[]): SafeCause {
  const read = (name: keyof typeof FORMS): string | undefined => {
    const value = readProperty(error, name)
    return typeof value === 'string' && FORMS[name].test(value) && !sharesWithSecret(value, secrets)
      ? value
      : undefined
  }
  return { name: read('name'), code: read('code'), syscall: read('syscall') }
}

function readProperty(error: unknown, name: string): unknown {
  try {
    return (error as Record<string, unknown>)[name]
  } catch {
    // The user's dispatcher can reject with anything, such as `null` or an object whose getters throw.
    return undefined
  }
}
