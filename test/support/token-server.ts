import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Clock } from '@bandwidth-token/core'

export interface Teardown {
  teardown(fn: () => unknown): void
}

/** What came in: names as they were written, and the body. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface Exchange {
  readonly request: ReceivedRequest
  /** The first request is number 1. */
  readonly number: number
  readonly response: ServerResponse
  /** For answers that are not HTTP, or only half of it. */
  readonly socket: Socket
}

export type Answer = (exchange: Exchange) => unknown

export interface TokenServer {
  readonly origin: string
  readonly tokenUrl: string
  readonly requests: readonly ReceivedRequest[]
  /** How the next requests are answered. */
  answer: Answer
  /** From now on connections are refused. */
  stop(): Promise<void>
}

/** Notes what comes in, and answers it. */
export function listener(requests: ReceivedRequest[], answer: Answer): RequestListener {
  return async (incoming, response) => {
    // Clients hang up in many of these tests.
    incoming.on('error', () => {})
    response.on('error', () => {})
    const chunks: Buffer[] = []
    try {
      for await (const chunk of incoming) chunks.push(chunk)
    } catch {
      return
    }
    const request = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      rawHeaders: incoming.rawHeaders,
      body: Buffer.concat(chunks).toString()
    }
    const number = requests.push(request)
    await answer({ request, number, response, socket: incoming.socket })
  }
}

/** A token endpoint that answers as it is told. It ends with the test. */
export async function startTokenServer(t: Teardown, answer: Answer = grant()): Promise<TokenServer> {
  const requests: ReceivedRequest[] = []
  const server = createServer(listener(requests, (exchange) => tokenServer.answer(exchange)))
  server.on('connection', (socket) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tokenServer: TokenServer = {
    origin,
    tokenUrl: `${origin}/api/v1/oauth2/token`,
    requests,
    answer,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    }
  }
  t.teardown(() => tokenServer.stop())
  return tokenServer
}

/** Answers with a status and a body, which is JSON unless it is text. */
export function answerWith(status: number, body: unknown = '', headers: Record<string, string> = {}): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return ({ response }) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text)
  }
}

/** Answers as Bandwidth does, with another token each time, but for what `fields` say. */
export function grant(fields: Record<string, unknown> = {}): Answer {
  return ({ number, response }) => {
    const body = {
      access_token: `token-${number}`,
      access_token_id: `id-${number}`,
      token_type: 'Bearer',
      expires_in: 600,
      ...fields
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  }
}

/** Writes bytes to the socket as they are. */
export function answerRaw(...lines: string[]): Answer {
  return ({ socket }) => {
    socket.write(lines.join('\r\n'))
  }
}

/** Real time that can be put forward; timers stay real, so that real sockets keep their pace. */
export function shiftableClock(): Clock & { advance(ms: number): void } {
  let aheadMs = 0
  return {
    now: () => Date.now() + aheadMs,
    monotonic: () => performance.now() + aheadMs,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
    advance(ms) {
      aheadMs += ms
    }
  }
}

/**
 * Time that stands still until it is put forward. Of the timers only those of `realMs` go off, at their real pace: an
 * attempt runs out of time, and nothing else happens by itself.
 */
export function stillClock(realMs: number): Clock & { advance(ms: number): void } {
  let nowMs = Date.now()
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    setTimeout: (callback, delayMs) => (delayMs === realMs ? setTimeout(callback, delayMs) : undefined),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
    advance(ms) {
      nowMs += ms
    }
  }
}

/** Polls until the condition holds; fails after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`still not so after 10 s: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What a promise rejects with; fails if it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('It did not reject.')
}

/** What a function throws; fails if it does not. */
export function thrownBy(fn: () => unknown): Error & Record<string, unknown> {
  try {
    fn()
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('It did not throw.')
}
