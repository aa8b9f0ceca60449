import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Why a WebSocket is refused: the HTTP status and what its body says. */
export interface HandshakeError {
  readonly status: string
  readonly error: string
}

const loopbackName = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i
const loopbackAddress = /^(127\.|::1$)/

/**
 * Any web page can open a WebSocket to this machine, and browsers ask for no permission (CORS does not apply).
 * Without a token it could not place a call, but it would use up scripted faults. So if the emulator listens on a
 * loopback address, only pages of this machine may connect, from any port. A client that is not a browser sends no
 * Origin.
 */
export function handshakeError(
  { url, headers }: IncomingMessage,
  address: string
): HandshakeError | undefined {
  if (url !== '/' && !url?.startsWith('/?')) {
    return { status: '404 Not Found', error: 'the gateway is at the path /' }
  }
  const { origin, 'sec-websocket-protocol': protocols = '' } = headers
  if (origin !== undefined && loopbackAddress.test(address) && !isLoopbackOrigin(origin)) {
    return { status: '403 Forbidden', error: 'only pages of localhost or a loopback address may call' }
  }
  // RFC 7118 §5.1
  if (!protocols.split(',').some((protocol) => protocol.trim() === 'sip')) {
    return { status: '400 Bad Request', error: 'the WebSocket subprotocol must be sip' }
  }
  return undefined
}

function isLoopbackOrigin(origin: string): boolean {
  try {
    return loopbackName.test(new URL(origin).hostname)
  } catch {
    return false
  }
}

/** Refuses an upgrade and ends the connection. */
export function refuse(socket: Duplex, { status, error }: HandshakeError): void {
  const body = JSON.stringify({ error })
  socket.on('error', () => undefined)
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body
    ].join('\r\n')
  )
}

/** The head of an upgrade request as that of an ordinary request: a server may ignore an upgrade. */
export function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
    if (!['upgrade', 'connection', 'http2-settings'].includes(name.toLowerCase()))
      lines.push(`${name}: ${value}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}
