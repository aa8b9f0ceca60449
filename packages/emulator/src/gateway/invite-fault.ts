import { invalid, longestTimerMs, oneOf, ownProperties, wholeNumber } from '../check.js'
import { checkHeaders } from '../fault-headers.js'

/** When a fault happens: before any response to the INVITE, after 180 Ringing, or once the call is connected. */
export type InvitePoint = 'start' | 'ringing' | 'answered'

/** How the gateway answers one call. `{ on: 'invite' }` is an ordinary answer. */
export interface InviteFault {
  on: 'invite'
  /** Final status, 300 to 699, even if the token is valid. */
  status?: number | undefined
  /** Headers added to the final response. */
  headers?: Record<string, string> | undefined
  /** Milliseconds to wait before the final response. If the call will be accepted, it rings meanwhile. */
  delayMs?: number | undefined
  /** `'start'`: no response at all. `'ringing'`: rings until the caller gives up. */
  hang?: Exclude<InvitePoint, 'answered'> | undefined
  /** Drops the WebSocket: at once, while the call rings, or after the caller's ACK. */
  reset?: InvitePoint | undefined
}

export interface CheckedInviteFault {
  readonly on: 'invite'
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly delayMs: number
  readonly hang: InvitePoint | undefined
  readonly reset: InvitePoint | undefined
}

const known = ['on', 'status', 'headers', 'delayMs', 'hang', 'reset']

/** Headers that the gateway sets itself, from the request or the body. A second one would confuse the client. */
const reserved = ['via', 'from', 'to', 'call-id', 'cseq', 'contact', 'content-length', 'content-type']
const compactReserved = ['v', 'f', 't', 'i', 'm', 'l', 'c']

export function checkInviteFault(fault: object, at: string): CheckedInviteFault {
  const { status, headers, delayMs = 0, hang, reset } = ownProperties(fault, known, at)
  const point = (value: unknown, name: string, points: readonly InvitePoint[]) =>
    value === undefined ? undefined : oneOf(value, `${at}.${name}`, points)
  const checked: CheckedInviteFault = {
    on: 'invite',
    status: status === undefined ? undefined : wholeNumber(status, `${at}.status`, 300, 699),
    headers: checkHeaders(headers, `${at}.headers`, 'SIP'),
    delayMs: wholeNumber(delayMs, `${at}.delayMs`, 0, longestTimerMs, ' of milliseconds'),
    hang: point(hang, 'hang', ['start', 'ringing']),
    reset: point(reset, 'reset', ['start', 'ringing', 'answered'])
  }
  const endings = Object.entries({ status: checked.status, hang: checked.hang, reset: checked.reset })
  const names = endings.filter(([, value]) => value !== undefined).map(([name]) => name)
  if (names.length > 1) throw invalid(`${at}: ${names.join(' and ')} exclude each other; keep one`)
  for (const name of Object.keys(checked.headers)) {
    if ([...reserved, ...compactReserved].includes(name.toLowerCase())) {
      throw invalid(`${at}.headers: "${name}" is the gateway's own; leave it out`)
    }
  }
  return checked
}

/** The fault of a call for which nothing was scripted: none. */
export const noInviteFault = checkInviteFault({ on: 'invite' }, 'noInviteFault')
