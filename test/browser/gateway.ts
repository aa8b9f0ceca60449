import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { Teardown } from '../support/teardown.js'

/** A call's first request, as the gateway sees it. */
export interface Invite {
  readonly target: string
  readonly token: string | undefined
  readonly message: string
}

export interface Gateway {
  readonly address: string
  readonly invites: Invite[]
  /** Methods of all that came in. */
  readonly methods: string[]
  /** The final status of a call; 200 is ringing first. */
  answer: (invite: Invite, number: number) => number | Promise<number>
}

export const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 0',
  'c=IN IP4 0.0.0.0',
  'a=rtpmap:0 PCMU/8000',
  'a=sendrecv',
  ''
].join('\r\n')

/** SIP over a real WebSocket (RFC 7118), just enough to refuse a call or to take it. */
export async function startGateway(t: Teardown): Promise<Gateway> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'sip' })
  await once(server, 'listening')
  t.teardown(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  const gateway: Gateway = {
    address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    invites: [],
    methods: [],
    answer: () => 200
  }
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', async (data) => {
      const message = data.toString()
      const [, method = '', target = ''] = /^(\S+) (\S+)/.exec(message) ?? []
      gateway.methods.push(method)
      const reply = (status: number, body = '') => socket.send(response(message, status, body))
      if (method === 'BYE' || method === 'CANCEL') reply(200)
      if (method !== 'INVITE') return
      const invite = { target, token: /^Authorization: Bearer (.*)$/m.exec(message)?.[1], message }
      const status = await gateway.answer(invite, gateway.invites.push(invite))
      if (status !== 200) return reply(status)
      reply(180)
      reply(200, SDP)
    })
  })
  return gateway
}

function response(request: string, status: number, body: string): string {
  const header = (name: string) =>
    [...request.matchAll(new RegExp(`^${name}: .*`, 'gm'))].map(([line]) => line).join('\r\n')
  return [
    `SIP/2.0 ${status} Answer`,
    header('Via'),
    header('From'),
    `${header('To')}${header('To').includes(';tag=') ? '' : ';tag=gateway'}`,
    header('Call-ID'),
    header('CSeq'),
    'Contact: <sip:gateway@127.0.0.1;transport=ws>',
    'Content-Type: application/sdp',
    `Content-Length: ${body.length}`,
    '',
    body
  ].join('\r\n')
}
