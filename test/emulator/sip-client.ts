import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Emulator } from '@bandwidth-token/emulator'
import { WebSocket } from 'ws'
import type { Teardown } from '../support/teardown.js'
import { requestToken } from './helpers.js'

export interface SipResponse {
  readonly status: number
  readonly reason: string
  /** By their names in lower case; the first of several. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly text: string
}

/** The parts of a request that tests choose; the rest is as the SDK of Bandwidth sends it. */
export interface RequestParts {
  token?: string
  body?: string
  headers?: string[]
  uri?: string
  toTag?: string
  branch?: string
  sequence?: number
}

/** The offer of a Chromium, but for its candidates: the gateway needs none. */
export const chromiumOffer = [
  'v=0',
  'o=- 6041724716779676707 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'm=audio 35887 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126',
  'c=IN IP4 192.0.2.2',
  'a=candidate:1 1 udp 2122194687 6f1d1f0e-1b2a-4a52-9d11-bd5f0c8ba0a2.local 35887 typ host',
  'a=ice-ufrag:1jHr',
  'a=ice-pwd:hoEvT7XvQdAI9/2dWIZnoXfg',
  `a=fingerprint:sha-256 ${'61:E5:F2:7E:A8:2C:4C:C7:'.repeat(4).slice(0, -1)}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sendrecv',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:13 CN/8000',
  'a=rtpmap:110 telephone-event/48000',
  'a=rtpmap:126 telephone-event/8000',
  'a=ssrc:899893209 cname:uYxebJ0qCfzkzeYL',
  ''
].join('\r\n')

export async function tokenOf(emulator: Emulator): Promise<{ token: string; id: string }> {
  const answer = (await (await requestToken(emulator)).json()) as Record<string, string>
  return { token: answer['access_token'] ?? '', id: answer['access_token_id'] ?? '' }
}

/** One call at a time over one WebSocket, with every byte in the hands of the test. */
export class SipClient {
  readonly socket: WebSocket
  readonly #received: SipResponse[] = []
  readonly #waiting: { resolve(response: SipResponse): void; reject(error: Error): void }[] = []
  fromTag = randomBytes(5).toString('hex')
  callId = randomBytes(10).toString('hex')
  sequence = 7555

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('message', (data) => {
      const response = parseResponse(data.toString())
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#received.push(response)
      else waiting.resolve(response)
    })
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the socket was closed'))
    })
  }

  static async connect(t: Teardown, { gatewayUrl }: Pick<Emulator, 'gatewayUrl'>): Promise<SipClient> {
    const socket = new WebSocket(gatewayUrl, 'sip')
    t.teardown(() => socket.terminate())
    const client = new SipClient(socket)
    await once(socket, 'open')
    return client
  }

  /** The next message that comes in; fails if the socket closes, or after ten seconds. */
  async next(): Promise<SipResponse> {
    const response = this.#received.shift()
    if (response !== undefined) return response
    const timeout = new AbortController()
    const late = wait(10_000, undefined, timeout).then(() =>
      Promise.reject(new Error('no message within 10 s'))
    )
    const next = new Promise<SipResponse>((resolve, reject) => this.#waiting.push({ resolve, reject }))
    try {
      return await Promise.race([next, late])
    } finally {
      late.catch(() => undefined)
      timeout.abort()
    }
  }

  /** The statuses that come in up to the first final one, and that response. */
  async final(): Promise<{ statuses: number[]; response: SipResponse }> {
    const statuses: number[] = []
    for (;;) {
      const response = await this.next()
      statuses.push(response.status)
      if (response.status >= 200) return { statuses, response }
    }
  }

  /** Whether nothing comes in before the answer to an OPTIONS that is sent now. */
  async isQuiet(): Promise<boolean> {
    const branch = this.send('OPTIONS')
    return (await this.next()).headers['via']?.includes(branch) === true
  }

  send(method: string, parts: RequestParts = {}): string {
    const branch = parts.branch ?? `z9hG4bK${randomBytes(6).toString('hex')}`
    this.socket.send(this.format(method, { ...parts, branch }))
    return branch
  }

  format(method: string, { token, body = '', headers = [], ...parts }: RequestParts): string {
    const { uri = 'sip:15551234@localhost', toTag, branch = 'z9hG4bKx', sequence = this.sequence } = parts
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/WS a0sv1vuqhfld.invalid;branch=${branch}`,
      'Max-Forwards: 69',
      `To: <sip:15551234@localhost>${toTag === undefined ? '' : `;tag=${toTag}`}`,
      `From: "Alice" <sip:alice@localhost>;tag=${this.fromTag}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${sequence} ${method}`,
      ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
      'Contact: <sip:alice@a0sv1vuqhfld.invalid;transport=ws;ob>',
      ...headers,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body
    ].join('\r\n')
  }

  /** Dials, and acknowledges the final response. */
  async call(token: string, body = chromiumOffer) {
    const branch = this.send('INVITE', { token, body })
    const { statuses, response } = await this.final()
    const toTag = toTagOf(response)
    this.send('ACK', { toTag, ...(response.status < 300 ? {} : { branch }) })
    return { statuses, response, toTag }
  }

  /** A request within the call that the tag names. */
  within(toTag: string, method: string, parts: RequestParts = {}): string {
    this.sequence += 1
    return this.send(method, { toTag, ...parts })
  }
}

export function toTagOf({ headers }: SipResponse): string {
  return /;tag=(\w+)$/.exec(headers['to'] ?? '')?.[1] ?? ''
}

function parseResponse(text: string): SipResponse {
  const [head = '', ...body] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const [, status = '', reason = ''] = /^SIP\/2\.0 (\d{3}) (.+)$/.exec(first) ?? []
  const headers = lines.map((line) => {
    const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(line) ?? []
    return [name.toLowerCase(), value]
  })
  return {
    status: Number(status),
    reason,
    headers: Object.fromEntries(headers.reverse()),
    body: body.join('\r\n\r\n'),
    text
  }
}
