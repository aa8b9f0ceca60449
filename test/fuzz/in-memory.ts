import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type TokenDispatcher, TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import fc from 'fast-check'
import { turns, type VirtualClock } from '../support/virtual-clock.js'
import { members, noObject, textOf } from './answers.js'
import { outcomeOf } from './error-shape.js'

export const SECRET = 's3cret-4711'
export const BASIC = Buffer.from(`client:${SECRET}`).toString('base64')

/** What the endpoint does with one request. */
export type Deed =
  | 'hang'
  | 'reset'
  | { status: number; headers: Record<string, string>; body: string; breaks: boolean }

export const good = (expiresIn: unknown, token = 'token') =>
  JSON.stringify({ access_token: token, access_token_id: 'id', token_type: 'Bearer', expires_in: expiresIn })
export const GOOD: Deed = { status: 200, headers: {}, body: good(600), breaks: false }

export const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.constantFrom<Deed[]>('hang', 'reset', GOOD),
  fc.record({
    status: fc.constantFrom(200, 200, 200, 301, 400, 401, 404, 429, 500, 503),
    headers: fc.dictionary(
      fc.constant('retry-after'),
      fc.oneof(
        fc.integer({ min: -1, max: 400 }).map(String),
        fc.constantFrom('', 'soon', '1e9', '9'.repeat(30))
      )
    ),
    body: fc.oneof(
      members.map((list) => textOf(list)),
      fc.integer({ min: 1, max: 90_000 }).map((expiresIn) => good(expiresIn, `token-${expiresIn}`)),
      noObject,
      fc.constant(`{"error":"${SECRET}","error_description":"${SECRET}"}`)
    ),
    breaks: fc.boolean()
  })
)

/** A dispatcher that does what it is told, again and again: in virtual time, for thousands of runs in a second. */
export function dispatcherOf(deeds: readonly Deed[]): TokenDispatcher {
  let count = 0
  return {
    async request() {
      const what = deeds[count++ % deeds.length] as Deed
      if (what === 'reset') throw Object.assign(new Error(SECRET), { code: 'ECONNRESET', request: BASIC })
      if (what === 'hang') return new Promise<never>(() => {})
      const { status, headers, body, breaks } = what
      async function* bytes() {
        yield Buffer.from(body)
        if (breaks) throw new Error(SECRET)
      }
      return { statusCode: status, headers, body: Readable.from(bytes(), { objectMode: false }) }
    }
  }
}

export function providerOf(clock: VirtualClock, options: TokenProviderOptions): TokenProvider {
  clock.settle = () => turns(3)
  const given = options.credentials === undefined ? { clientId: 'client', clientSecret: SECRET } : {}
  return new TokenProvider({ ...given, clock, ...options } as TokenProviderOptions)
}

/** What a call comes to, with as much time as it takes; fails if it takes more than the deadline allows. */
export async function settle<Value>(clock: VirtualClock, call: () => Value | Promise<Value>) {
  const startedAtMs = clock.monotonic()
  let isSettled = false
  const outcome = outcomeOf(call, [SECRET, BASIC]).finally(() => {
    isSettled = true
  })
  outcome.catch(() => {})
  for (await turns(3); !isSettled; await clock.advance(100)) {
    assert.ok(clock.monotonic() - startedAtMs <= 10_200, 'it is settled by its deadline')
  }
  return outcome
}

export const way = fc.constantFrom('returns', 'resolves', 'throws', 'rejects')

/** A function of the user's that ends in one of four ways. */
export function behave(way: string, what: unknown): () => never {
  return () => {
    if (way === 'throws') throw what
    return (
      way === 'returns' ? what : way === 'rejects' ? Promise.reject(what) : Promise.resolve(what)
    ) as never
  }
}
