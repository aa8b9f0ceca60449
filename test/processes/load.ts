import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import type { AppToken } from './app-token.js'

/** Between an answer and the next request of a connection, so that a small machine is not busy with the load alone. */
const PAUSE_MS = 20

interface Seen extends AppToken {
  /** When the first answer with it was there. */
  readonly seenMs: number
}

/** Requests over keep-alive connections, one after another on each, and what was wrong with their answers. */
export class Load {
  readonly tokens: Seen[] = []
  readonly violations: string[] = []
  /** How many answers there were of each kind. */
  readonly answers = new Map<string, number>()
  readonly #pool: Pool
  readonly #connections: number
  readonly #loops: Promise<void>[]
  #isOn = true

  constructor(origin: string, connections: number) {
    this.#connections = connections
    this.#pool = new Pool(origin, { connections, pipelining: 1 })
    const paths = ['/app/token', '/bandwidth/token']
    this.#loops = Array.from({ length: connections }, (_, index) => this.#run(paths[index % 2] as string))
  }

  count(kind: string): number {
    return this.answers.get(kind) ?? 0
  }

  get errors(): number {
    return [...this.answers].reduce((sum, [kind, count]) => (kind === '200' ? sum : sum + count), 0)
  }

  get openConnections(): number {
    return this.#pool.stats.connected
  }

  async stop(): Promise<void> {
    this.#isOn = false
    await Promise.all(this.#loops)
    if (this.openConnections !== this.#connections) this.violations.push('a connection was not kept')
    await this.#pool.close()
  }

  async destroy(): Promise<void> {
    this.#isOn = false
    await this.#pool.destroy()
  }

  async #run(path: string): Promise<void> {
    while (this.#isOn) {
      try {
        await this.#request(path)
      } catch (error) {
        this.violations.push(`${path} got no answer: ${error}`)
        return
      }
      await pause(PAUSE_MS)
    }
  }

  async #request(path: string): Promise<void> {
    const sentMs = Date.now()
    const { statusCode, headers, body } = await this.#pool.request({ path, method: 'GET' })
    const answer = JSON.parse(await body.text()) as Record<string, unknown>
    const doneMs = Date.now()
    const kind = statusCode === 200 ? '200' : String(answer['code'])
    this.answers.set(kind, this.count(kind) + 1)
    if (statusCode !== 200) this.#checkError(kind, headers['retry-after'], sentMs, doneMs)
    else if (path === '/app/token') this.#checkToken(answer as unknown as AppToken, sentMs, doneMs)
    else this.#checkPage(answer, sentMs)
  }

  #checkToken(token: AppToken, sentMs: number, seenMs: number): void {
    if (sentMs > token.expiresAtMs - token.marginMs)
      this.violations.push(`${token.id} is older than it may be`)
    if (this.tokens.every(({ id }) => id !== token.id)) this.tokens.push({ ...token, seenMs })
  }

  /** By the token itself: it says when it was signed, in whole seconds and after it was asked for. */
  #checkPage({ access_token, expires_in }: Record<string, unknown>, sentMs: number): void {
    const claims = JSON.parse(Buffer.from(String(access_token).split('.')[1] ?? '', 'base64url').toString())
    const lifetimeMs = (claims.exp - claims.iat) * 1000
    if (sentMs > claims.exp * 1000 + 1000 - Math.min(10_000, lifetimeMs / 10)) {
      this.violations.push(`${claims.jti} is older than it may be`)
    }
    if (
      !Number.isInteger(expires_in) ||
      (expires_in as number) * 1000 > lifetimeMs ||
      (expires_in as number) < 0
    ) {
      this.violations.push(`${claims.jti} says that it has ${expires_in} s left`)
    }
  }

  #checkError(code: string, retryAfter: unknown, sentMs: number, doneMs: number): void {
    const known = this.tokens.find(
      ({ seenMs, expiresAtMs, marginMs }) => seenMs < sentMs && expiresAtMs - marginMs > doneMs
    )
    if (known !== undefined) this.violations.push(`${code} while ${known.id} was at hand`)
    if (code === 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' && !/^[1-9]\d*$/.test(String(retryAfter))) {
      this.violations.push(`${code} with Retry-After ${retryAfter}`)
    }
  }
}
