import { STATUS_CODES } from 'node:http'

/** A received request (RFC 3261 §7), split into its lines. Nothing else is checked yet. */
export interface SipRequest {
  readonly method: string
  readonly uri: string
  /** In their order. Names are in lower case; short forms are written out. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** The parts of a response that do not follow from the request. */
export interface SipAnswer {
  readonly status: number
  readonly reason?: string
  readonly toTag?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** RFC 3261 §7.3.3 */
const compactForms: Readonly<Record<string, string>> = {
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  s: 'subject',
  t: 'to',
  v: 'via'
}

const reasons: Readonly<Record<number, string>> = {
  180: 'Ringing',
  300: 'Multiple Choices',
  408: 'Request Timeout',
  420: 'Bad Extension',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  500: 'Server Internal Error',
  603: 'Decline'
}

/** Longer than any token. It limits the text that the regular expressions below have to search. */
const longestLine = 8192

const requestLine = /^([\w.!%*+`'~-]{1,32}) ([a-z][a-z0-9+.-]*:[\x21-\x7e]+) SIP\/2\.0$/i
const headerLine = /^([\w.!%*+`'~-]+)[ \t]*:((?:\t|\P{Cc})*)$/u

/** Reads a WebSocket message, which holds one SIP message (RFC 7118). `undefined` if it is not a request. */
export function parseRequest(text: string): SipRequest | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  // RFC 3261 §7.3.1: a line that begins with a space continues the one before it.
  const [first = '', ...lines] = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  if ([first, ...lines].some((line) => line.length > longestLine)) return undefined
  const [, method, uri] = requestLine.exec(first) ?? []
  if (method === undefined || uri === undefined) return undefined
  const headers: [string, string][] = []
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? []
    if (name === undefined || value === undefined) return undefined
    const full = name.toLowerCase()
    headers.push([compactForms[full] ?? full, value.trim()])
  }
  const request = { method, uri, headers, body: text.slice(end + 4) }
  return isAnswerable(request) ? request : undefined
}

/** Without one of these, no response can be sent back (RFC 3261 §8.2.6.2). */
function isAnswerable(request: SipRequest): boolean {
  const once = ['from', 'to', 'call-id', 'cseq'].every((name) => headersOf(request, name).length === 1)
  return once && header(request, 'via') !== undefined
}

/** What is wrong with a request, as a reason phrase. */
export function requestError(request: SipRequest): string | undefined {
  const { method } = request
  const [, sequence, sequenceMethod] = /^(\d{1,10})[ \t]+(\S+)$/.exec(header(request, 'cseq') ?? '') ?? []
  if (sequence === undefined || Number(sequence) >= 2 ** 31) return 'Bad CSeq'
  if (sequenceMethod !== method) return 'CSeq names another method'
  if (tagOf(header(request, 'from')) === undefined) return 'From has no tag'
  if (!branchOf(request).startsWith('z9hG4bK')) return 'Via has no branch of RFC 3261'
  const length = header(request, 'content-length') ?? '0'
  if (!/^\d{1,10}$/.test(length)) return 'Bad Content-Length'
  if (Number(length) > Buffer.byteLength(request.body)) return 'The body is shorter than Content-Length'
  return undefined
}

/** The value of a header, the first one if there are several. */
export function header(request: SipRequest, name: string): string | undefined {
  return headersOf(request, name)[0]
}

export function headersOf(request: SipRequest, name: string): string[] {
  return request.headers.filter(([each]) => each === name).map(([, value]) => value)
}

export function sequenceOf(request: SipRequest): number {
  return Number.parseInt(header(request, 'cseq') ?? '', 10)
}

/** The branch of the topmost Via. It identifies the transaction. */
export function branchOf(request: SipRequest): string {
  const [top = ''] = (header(request, 'via') ?? '').split(',', 1)
  return /;[ \t]*branch[ \t]*=[ \t]*([^\s;]+)/i.exec(top)?.[1] ?? ''
}

/** The tag of a From or To. Text in a display name or a URI that looks like a tag does not count. */
export function tagOf(value = ''): string | undefined {
  const parameters = value.replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/<[^>]*>/g, '')
  return /;[ \t]*tag[ \t]*=[ \t]*([^\s;]+)/i.exec(parameters)?.[1]
}

/** The response to a request, as text. */
export function formatResponse(request: SipRequest, answer: SipAnswer): string {
  const { status, reason = reasonOf(status), toTag, headers = {}, body = '' } = answer
  const to = header(request, 'to') ?? ''
  const tagged = toTag === undefined || tagOf(to) !== undefined ? to : `${to};tag=${toTag}`
  return [
    `SIP/2.0 ${status} ${reason}`,
    ...headersOf(request, 'via').map((via) => `Via: ${via}`),
    `From: ${header(request, 'from')}`,
    `To: ${tagged}`,
    `Call-ID: ${header(request, 'call-id')}`,
    `CSeq: ${header(request, 'cseq')}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body
  ].join('\r\n')
}

function reasonOf(status: number): string {
  return reasons[status] ?? (status === 100 ? 'Trying' : (STATUS_CODES[status] ?? 'Refused'))
}
