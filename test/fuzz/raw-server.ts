import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { turns } from '../support/virtual-clock.js'

interface Teardown {
  teardown(fn: () => unknown): void
}

/** What a request is answered with: pieces, each written when the one before is with the system. */
export interface RawAnswer {
  readonly pieces: readonly Buffer[]
  /** What becomes of the connection then. */
  readonly end: 'close' | 'reset' | 'keep'
}

export interface RawServer {
  readonly tokenUrl: string
  answer: RawAnswer
}

/** A token endpoint that writes bytes, which need not be HTTP. It ends with the test. */
export async function startRawServer(t: Teardown): Promise<RawServer> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    let received = ''
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // Clients hang up in many of these tests.
    socket.on('error', () => {})
    socket.setEncoding('latin1').on('data', (text) => {
      received += text
      if (!isComplete(received)) return
      received = ''
      void write(socket, rawServer.answer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const rawServer: RawServer = {
    tokenUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    answer: { pieces: [], end: 'close' }
  }
  return rawServer
}

/** Whether a token request has arrived with its body, whose length the client gives. */
function isComplete(received: string): boolean {
  const [head = '', body] = received.split('\r\n\r\n')
  return body !== undefined && body.length >= Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
}

async function write(socket: Socket, { pieces, end }: RawAnswer): Promise<void> {
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, resolve))
    // For the client to read what there is.
    await turns(3)
  }
  if (end === 'close') socket.end()
  else if (end === 'reset') socket.resetAndDestroy()
}
