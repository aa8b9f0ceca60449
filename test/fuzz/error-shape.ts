import assert from 'node:assert/strict'

/** Contract 1.5, read anew: codes, and the statuses that go with them. */
const STATUS: Readonly<Record<string, number>> = {
  OPTION_INVALID: 500,
  CREDENTIALS_REJECTED: 502,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
  RESPONSE_INVALID: 502,
  FORBIDDEN: 403,
  CROSS_ORIGIN: 403,
  CLOSED: 503
}

/** What an error shows when it is printed or serialised. */
const OWN_PROPERTIES = new Set([
  ...['stack', 'message', 'cause', 'code', 'statusCode', 'status'],
  ...['retryAfter', 'attempts', 'upstreamStatus', 'oauthError']
])

export interface BandwidthError extends Error {
  readonly code: string
  readonly statusCode: number
  readonly status: number
  readonly headers: Record<string, string>
  readonly retryAfter?: number
  readonly attempts?: number
  readonly upstreamStatus?: number
  readonly oauthError?: string
}

/**
 * Fails unless the value is an error of contract 1.5 in every detail. `secrets` are texts that must not be in its
 * message, stack and cause.
 */
export function checkError(value: unknown, secrets: readonly string[] = []): BandwidthError {
  assert.ok(value instanceof Error, 'it is an error')
  const error = value as BandwidthError
  assert.equal(error.name, 'BandwidthTokenError', `not one of ours: ${error.stack}`)
  const [, name = ''] = /^ERR_BANDWIDTH_TOKEN_([A-Z_]+)$/.exec(error.code) ?? []
  assert.ok(Object.hasOwn(STATUS, name), `the code ${error.code} is in the list`)
  assert.equal(error.statusCode, STATUS[name])
  assert.equal(error.status, error.statusCode)
  for (const key of Reflect.ownKeys(error)) assert.ok(OWN_PROPERTIES.has(String(key)), String(key))

  // That of a bad option names the option, whatever its name is.
  assert.match(error.message, name === 'OPTION_INVALID' ? /^Invalid option "/ : /^[ -~]{1,200}$/)
  checkRetryAfter(error, name)
  if (error.attempts !== undefined) assert.ok(Number.isInteger(error.attempts) && error.attempts >= 0)
  if (error.upstreamStatus !== undefined) {
    assert.ok(Number.isInteger(error.upstreamStatus) && error.upstreamStatus >= 100)
  }
  if (error.oauthError !== undefined) assert.match(error.oauthError, /^[a-z][a-z0-9_.-]{0,63}$/)
  const cause = checkCause(error)

  const shown = [error.message, error.stack, JSON.stringify(error), cause, error.oauthError].join('\n')
  for (const secret of secrets) assert.ok(!shown.includes(secret), `it shows ${secret}`)
  return error
}

function checkRetryAfter(error: BandwidthError, name: string): void {
  const { retryAfter, headers } = error
  assert.notEqual(headers, error.headers, 'the headers are a fresh object')
  assert.deepEqual(headers, {
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'X-Content-Type-Options': 'nosniff',
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) })
  })
  if (name === 'UNAVAILABLE') assert.notEqual(retryAfter, undefined, 'it says when to try again')
  // 300 s is the most that a `Retry-After` is obeyed for.
  if (retryAfter !== undefined)
    assert.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 300)
}

/** At most name, code and syscall, each of them a plain word. */
function checkCause({ cause }: Error): string {
  if (cause === undefined) return ''
  assert.ok(cause instanceof Error)
  const { name, code, syscall, message } = cause as NodeJS.ErrnoException
  for (const key of Reflect.ownKeys(cause)) assert.match(String(key), /^(name|code|syscall|message|stack)$/)
  assert.match(name, /^[A-Za-z]+$/)
  if (code !== undefined) assert.match(code, /^[A-Z][A-Z0-9_/.]{1,63}$/)
  if (syscall !== undefined) assert.match(syscall, /^[a-z][A-Za-z]+$/)
  assert.equal(message, code ?? 'The request failed')
  return `${cause.stack}${JSON.stringify(cause)}`
}

/** What a call comes to: its value, or an error whose shape was checked. */
export async function outcomeOf<Value>(
  call: () => Value | Promise<Value>,
  secrets: readonly string[] = []
): Promise<{ value: Value; error?: undefined } | { value?: undefined; error: BandwidthError }> {
  try {
    return { value: await call() }
  } catch (error) {
    return { error: checkError(error, secrets) }
  }
}
