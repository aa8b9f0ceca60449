import { parseOauthError, RETRY_AFTER_CAP_MS } from '../endpoint/parse.js'
import type { Failure } from '../failure.js'

const TOLD_CODES: readonly unknown[] = [
  'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
  'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  'ERR_BANDWIDTH_TOKEN_TIMEOUT',
  'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID'
]
const REMEDIES: readonly unknown[] = ['retry', 'reload', 'wait']
const MAX_MESSAGE_LENGTH = 200
/** An older failure was replayed. The clocks of two members may be a minute apart. */
const MAX_TOLD_AGE_MS = 65_000

/** What the other members may know of a failure. `undefined` if it says nothing about the endpoint. */
export function toTold(failure: Failure, toldAtMs: number): object | undefined {
  const { code, message, remedy, retryAfterMs, upstreamStatus, oauthError } = failure
  if (failure.isVerdict === false || !TOLD_CODES.includes(code)) return undefined
  return { code, message, remedy, retryAfterMs, upstreamStatus, oauthError, toldAtMs }
}

/** What another member told of its failure. It may be of another version, so all of it is checked. */
export function fromTold(text: string | undefined, nowMs: number): Failure | undefined {
  try {
    const { code, message, remedy, retryAfterMs, upstreamStatus, oauthError, toldAtMs } = JSON.parse(
      String(text)
    )
    const isWhole =
      TOLD_CODES.includes(code) &&
      REMEDIES.includes(remedy) &&
      typeof message === 'string' &&
      message.length <= MAX_MESSAGE_LENGTH &&
      isCount(retryAfterMs, RETRY_AFTER_CAP_MS) &&
      isCount(upstreamStatus, 999) &&
      Math.abs(nowMs - toldAtMs) <= MAX_TOLD_AGE_MS
    if (!isWhole) return undefined
    const known = { code, message, remedy, retryAfterMs, upstreamStatus }
    return { ...known, oauthError: parseOauthError({ error: oauthError }, []) }
  } catch {
    return undefined
  }
}

/** Whether a field is a number from 0 to `max`, or missing. */
function isCount(field: unknown, max: number): boolean {
  return field === undefined || (typeof field === 'number' && field >= 0 && field <= max)
}
