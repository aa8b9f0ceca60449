import { type Failure, type SafeCause, TIMED_OUT } from '../failure.js'
import { sharesWithSecret } from '../support/secrets.js'

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT'
])

/** The form that Node, OpenSSL and undici give to what they say about an error. */
const FORMS = {
  name: /^[A-Z][A-Za-z]{1,63}$/,
  code: /^[A-Z][A-Z0-9_/.]{1,63}$/,
  syscall: /^[a-z][A-Za-z]{1,31}$/
} as const

/** A request that got no answer. */
export function networkFailure(error: unknown, secrets: readonly string[] = []): Failure {
  const cause = safeCause(error, secrets)
  return TIMEOUT_CODES.has(cause.code ?? '')
    ? { ...TIMED_OUT, cause }
    : {
        code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
        message: 'The token endpoint could not be reached.',
        remedy: 'retry',
        cause
      }
}

/** What is kept of a foreign error. Never the error itself: it may carry the request, and with it the secret. */
function safeCause(error: unknown, secrets: readonly string[]): SafeCause {
  const read = (name: keyof typeof FORMS): string | undefined => {
    const value = readProperty(error, name)
    return typeof value === 'string' && FORMS[name].test(value) && !sharesWithSecret(value, secrets)
      ? value
      : undefined
  }
  return { name: read('name') ?? 'Error', code: read('code'), syscall: read('syscall') }
}

function readProperty(error: unknown, name: string): unknown {
  try {
    return (error as Record<string, unknown>)[name]
  } catch {
    // A dispatcher of the user's may reject with anything, `null` and an object whose getters throw included.
    return undefined
  }
}
