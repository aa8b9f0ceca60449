import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import type { Test } from 'tap'
import { turns, VirtualClock } from './virtual-clock.js'

export type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void

/** Answers with a new token each time: `token-1` with the id `id-1`, then `token-2` … */
export function grant(expiresIn: unknown = 600, fields: object = {}): Answer {
  return (response, _request, count) => {
    response.setHeader('Content-Type', 'application/json')
    response.end(
      JSON.stringify({
        access_token: `token-${count}`,
        access_token_id: `id-${count}`,
        token_type: 'Bearer',
        expires_in: expiresIn,
        ...fields
      })
    )
  }
}

export function fail(status: number, headers: Record<string, string> = {}, body = '{"error":"x"}'): Answer {
  return (response) => response.writeHead(status, headers).end(body)
}

/** As an app that gives each account credentials of its own. */
export const credentials = (account: string) => ({ clientId: `client-${account}`, clientSecret: 'secret' })

/** Never answers. */
export const hang: Answer = () => {}

/** A real token endpoint and a virtual clock beside it. */
export class Endpoint {
  readonly clock = new VirtualClock()
  /** The monotonic instants at which requests arrived, and with which credentials. */
  readonly requests: { atMs: number; authorization: string | undefined }[] = []
  answer: Answer = grant()
  tokenUrl = ''
  #open = 0
  readonly #held: (() => void)[] = []
  readonly #server = createServer((request, response) => {
    this.requests.push({ atMs: this.clock.monotonic(), authorization: request.headers.authorization })
    const count = this.requests.length
    this.#open++
    response.on('close', () => this.#open--)
    request.resume().on('end', () => this.answer(response, request, count))
  })

  get count(): number {
    return this.requests.length
  }

  /** Lets time pass until request number `count` has arrived, an hour at most. */
  async untilRequest(count: number): Promise<void> {
    for (let tenths = 0; this.count < count; tenths++) {
      if (tenths > 36_000) throw new Error(`Request ${count} did not come`)
      await this.clock.advance(100)
    }
  }

  /** An answer that waits for `release()`. */
  held(answer: Answer = grant()): Answer {
    return (...args) => void this.#held.push(() => answer(...args))
  }

  async release(): Promise<void> {
    for (const answer of this.#held.splice(0)) answer()
    await turns(40)
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.tokenUrl = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`
    this.clock.settle = async () => {
      await turns(12)
      // An answer that is on its way is waited for; one that is held or hangs is not.
      for (let turn = 0; turn < 200 && this.#open > 0; turn++) await turns(1)
    }
  }

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

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export async function startEndpoint(t: Test, answer?: Answer): Promise<Endpoint> {
  const endpoint = new Endpoint()
  if (answer !== undefined) endpoint.answer = answer
  await endpoint.start()
  t.teardown(() => endpoint.close())
  return endpoint
}

/** A logger that remembers. */
export function recordingLogger() {
  const lines: { level: string; fields: object; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  return {
    lines,
    warnings: () => lines.filter(({ level }) => level === 'warn'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error')
  }
}
