import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import type { Test } from 'tap'
import type { Teardown } from './teardown.js'
import { turns, VirtualClock } from './virtual-clock.js'

/** A received request: header names as they were sent, the body, and the time by the endpoint's clock. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly atMs: number
}

export interface Exchange {
  readonly request: ReceivedRequest
  /** The first request is number 1. */
  readonly number: number
  readonly response: ServerResponse
  /** The socket, for answers that are not HTTP or not complete. */
  readonly socket: Socket
}

export type Answer = (exchange: Exchange) => unknown

/** Records a request and answers it. */
export function listener(
  requests: ReceivedRequest[],
  answer: Answer,
  nowMs = () => performance.now()
): RequestListener {
  return async (incoming, response) => {
    // In many of these tests the client disconnects.
    incoming.on('error', () => {})
    response.on('error', () => {})
    const { method = '', url = '', headers, rawHeaders, socket } = incoming
    const atMs = nowMs()
    const chunks: Buffer[] = []
    try {
      for await (const chunk of incoming) chunks.push(chunk)
    } catch {
      return
    }
    const request = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString(), atMs }
    const number = requests.push(request)
    await answer({ request, number, response, socket })
  }
}

/** Answers with a status and a body. A string is sent as it is, anything else as JSON. */
export function answerWith(status: number, body: unknown = '', headers: Record<string, string> = {}): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return ({ response }) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text)
  }
}

/** Answers as Bandwidth does: `token-1` with the id `id-1`, then `token-2` … `fields` override the fields. */
export function grant(fields: Record<string, unknown> = {}): Answer {
  return (exchange) => {
    const { number } = exchange
    const body = { access_token: `token-${number}`, access_token_id: `id-${number}`, token_type: 'Bearer' }
    return answerWith(200, { ...body, expires_in: 600, ...fields })(exchange)
  }
}

export function fail(status: number, headers?: Record<string, string>): Answer {
  return answerWith(status, { error: 'x' }, headers)
}

/** Never answers. */
export const hang: Answer = () => {}

/** Writes bytes to the socket as they are. Each piece waits until the operating system has the one before. */
export function answerInPieces(pieces: readonly Buffer[], end: 'close' | 'reset' | 'keep' = 'keep'): Answer {
  return async ({ socket }) => {
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve))
      // Gives the client time to read what was sent.
      await turns(3)
    }
    if (end === 'close') socket.end()
    else if (end === 'reset') socket.resetAndDestroy()
  }
}

/** Writes lines to the socket as they are. */
export function answerRaw(...lines: string[]): Answer {
  return answerInPieces([Buffer.from(lines.join('\r\n'))])
}

/** A `credentials` function that gives each account its own credentials. */
export const credentials = (account: string) => ({ clientId: `client-${account}`, clientSecret: 'secret' })

interface SentRequest {
  readonly origin: string
}

/** The requests of this process that undici has begun and not ended. */
const sent = new Set<SentRequest>()
subscribe('undici:request:create', (message) => sent.add((message as { request: SentRequest }).request))
for (const end of ['undici:request:trailers', 'undici:request:error']) {
  subscribe(end, (message) => sent.delete((message as { request: SentRequest }).request))
}

/**
 * A real token endpoint with scripted answers, and a virtual clock. Use it for token names that are known in advance,
 * bytes that are not HTTP, held answers, headers of requests, or instants of virtual time. For everything else use the
 * emulator's `script()`, as users do.
 */
export class Endpoint {
  readonly clock = new VirtualClock()
  readonly requests: ReceivedRequest[] = []
  /** How the next requests are answered. */
  answer: Answer
  origin = ''
  #open = 0
  readonly #held: (() => unknown)[] = []
  readonly #serve = listener(
    this.requests,
    (exchange) => this.answer(exchange),
    () => this.clock.monotonic()
  )
  readonly #server = createServer((request, response) => {
    this.#open++
    response.on('close', () => this.#open--)
    this.#serve(request, response)
  })

  constructor(answer: Answer) {
    this.answer = answer
    this.#server.on('connection', (socket) => socket.on('error', () => {}))
    this.clock.settle = async () => {
      await turns(12)
      // On a busy machine a request takes longer on its way than virtual time does.
      for (let turn = 0; turn < 2_000 && this.#isOnItsWay; turn++) await turns(1)
      // Waits for answers that are being sent, but not for answers that are held or hang.
      for (let turn = 0; turn < 200 && this.#open > 0; turn++) await turns(1)
      for (let turn = 0; turn < 2_000 && this.#isOnItsWay; turn++) await turns(1)
    }
  }

  /** Whether undici has sent a request that has not arrived, or has not read an answer that was sent. */
  get #isOnItsWay(): boolean {
    return [...sent].filter(({ origin }) => origin === this.origin).length > this.#open
  }

  get tokenUrl(): string {
    return `${this.origin}/api/v1/oauth2/token`
  }

  get count(): number {
    return this.requests.length
  }

  /** Advances time until request number `count` has arrived, by an hour at most. */
  async untilRequest(count: number): Promise<void> {
    for (let tenths = 0; this.count < count; tenths++) {
      if (tenths > 36_000) throw new Error(`Request ${count} did not come`)
      await this.clock.advance(100)
    }
  }

  /** An answer that waits for `release()`. */
  held(answer: Answer = grant()): Answer {
    return (exchange) => void this.#held.push(() => answer(exchange))
  }

  async release(): Promise<void> {
    for (const answer of this.#held.splice(0)) answer()
    await turns(40)
  }

  /** A provider on the virtual clock, until the test ends. */
  provider(t: Test, options: TokenProviderOptions = {}): TokenProvider {
    const provider = new TokenProvider({
      ...(options.credentials === undefined && { clientId: 'client', clientSecret: 'secret' }),
      tokenUrl: this.tokenUrl,
      clock: this.clock,
      ...options
    } as TokenProviderOptions)
    t.teardown(() => provider.close())
    return provider
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** From now on connections are refused. */
  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** A token endpoint that ends with the test. */
export async function startEndpoint(t: Teardown, answer: Answer = grant()): Promise<Endpoint> {
  const endpoint = new Endpoint(answer)
  await endpoint.start()
  t.teardown(() => endpoint.stop())
  return endpoint
}
