import { type Answer, type FaultPoint, type Manner, oauthError } from './answer.js'
import { describe, invalid, longestTimerMs, oneOf, ownProperties, wholeNumber } from './check.js'
import { checkHeaders } from './fault-headers.js'
import { type CheckedInviteFault, checkInviteFault, type InviteFault } from './gateway/invite-fault.js'

/** How the next token request is answered, or the next call if `on` is `'invite'`. */
export type Fault = TokenFault | InviteFault

/** How one token request is answered. `{}` is an ordinary answer. */
export interface TokenFault {
  on?: 'token' | undefined
  /** Status, 200 to 599. From 300 on, if there is no `body`, the body is an OAuth2 error. */
  status?: number | undefined
  /** Headers to add to the answer. They replace its own of the same name. */
  headers?: Record<string, string> | undefined
  /** Body: a string is sent as it is, an object as JSON. With a body, the default status is 200. */
  body?: string | object | undefined
  /** Milliseconds to wait before answering, on top of the option `latencyMs`. */
  delayMs?: number | undefined
  /** `'headers'`: never answers. `'body'`: sends the headers and half of the body, then nothing. */
  hang?: FaultPoint | undefined
  /** Closes the connection by a TCP reset: before the headers, or after half of the body. */
  reset?: FaultPoint | undefined
  /** Milliseconds over which the bytes of the body are spread. */
  slowBodyMs?: number | undefined
}

export interface CheckedTokenFault extends Manner {
  readonly on: 'token'
  readonly status: number | undefined
  readonly headers: Answer['headers']
  readonly body: string | undefined
  readonly delayMs: number
}

export type CheckedFault = CheckedTokenFault | CheckedInviteFault

const known = ['on', 'status', 'headers', 'body', 'delayMs', 'hang', 'reset', 'slowBodyMs']
const points: readonly FaultPoint[] = ['headers', 'body']

/** The fault of a request for which nothing was scripted: none. */
export const noFault = checkTokenFault({}, 'noFault')

/** Checks a list of faults, from code or from JSON, and takes a copy of it. */
export function checkFaults(list: unknown): CheckedFault[] {
  if (!Array.isArray(list)) throw invalid(`the faults must be an array, not ${describe(list)}`)
  return list.map((fault, index) => checkFault(fault, `faults[${index}]`))
}

/** The properties of the two kinds have the same names but different meanings, so each kind has its own check. */
function checkFault(fault: unknown, at: string): CheckedFault {
  if (typeof fault !== 'object' || fault === null || !Object.hasOwn(fault, 'on')) {
    return checkTokenFault(fault, at)
  }
  const { on = 'token' } = fault as { on?: unknown }
  return oneOf(on, `${at}.on`, ['token', 'invite']) === 'token'
    ? checkTokenFault(fault, at)
    : checkInviteFault(fault, at)
}

function checkTokenFault(fault: unknown, at: string): CheckedTokenFault {
  const { status, headers, body, delayMs = 0, hang, reset, slowBodyMs } = ownProperties(fault, known, at)
  const milliseconds = (value: unknown, name: string) =>
    wholeNumber(value, `${at}.${name}`, 0, longestTimerMs, ' of milliseconds')
  const point = (value: unknown, name: string) => oneOf(value, `${at}.${name}`, points)
  const checked: CheckedTokenFault = {
    on: 'token',
    status: status === undefined ? undefined : wholeNumber(status, `${at}.status`, 200, 599),
    headers: checkHeaders(headers, `${at}.headers`, 'HTTP'),
    body: body === undefined ? undefined : bodyText(body, `${at}.body`),
    delayMs: milliseconds(delayMs, 'delayMs'),
    hang: hang === undefined ? undefined : point(hang, 'hang'),
    reset: reset === undefined ? undefined : point(reset, 'reset'),
    slowBodyMs: slowBodyMs === undefined ? undefined : milliseconds(slowBodyMs, 'slowBodyMs')
  }
  refuseContradiction(checked, at)
  return checked
}

function refuseContradiction({ status, body, hang, reset, slowBodyMs }: CheckedTokenFault, at: string): void {
  const endings = Object.entries({ hang, reset, slowBodyMs }).filter(([, value]) => value !== undefined)
  const names = endings.map(([name]) => name)
  if (names.length > 1) throw invalid(`${at}: ${names.join(' and ')} exclude each other; keep one`)
  const breaksBody = hang === 'body' || reset === 'body'
  if (body === '' && breaksBody) throw invalid(`${at}: an empty body has no half to send; give it some text`)
  const needsBody = body !== undefined || slowBodyMs !== undefined || breaksBody
  if ((status === 204 || status === 304) && needsBody) {
    throw invalid(`${at}: an answer of status ${status} has no body; choose another status`)
  }
}

function bodyText(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) {
    throw invalid(`${name} must be a string or an object, not ${describe(value)}`)
  }
  try {
    return JSON.stringify(value)
  } catch {
    throw invalid(`${name} must be an object that JSON can express`)
  }
}

/** The answer that a fault leads to. Calls `ordinary` only if the fault keeps the ordinary answer. */
export async function faultyAnswer(
  fault: CheckedTokenFault,
  ordinary: () => Promise<Answer>
): Promise<Answer> {
  const answer = await scripted(fault, ordinary)
  return { ...answer, headers: { ...answer.headers, ...fault.headers } }
}

async function scripted(
  { status, body }: CheckedTokenFault,
  ordinary: () => Promise<Answer>
): Promise<Answer> {
  if (body !== undefined) return { status: status ?? 200, headers: {}, body }
  if (status === undefined) return ordinary()
  if (status < 300) return { ...(await ordinary()), status }
  return oauthError(status, errorFor(status), `scripted status ${status}`)
}

/** The error code for a status: one of RFC 6749 §5.2, or of §4.1.2.1 if that section has none. */
function errorFor(status: number): string {
  if (status === 401) return 'invalid_client'
  if (status === 403) return 'unauthorized_client'
  if (status === 408 || status === 429 || status === 503) return 'temporarily_unavailable'
  return status >= 400 && status < 500 ? 'invalid_request' : 'server_error'
}
