import './orphan.js'
import { TokenProvider } from '@bandwidth-token/core'
import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import { shiftableClock } from '../support/shiftable-clock.js'
import { obey } from './obey.js'

/** A member of a fleet as a process of its own: a provider, and a connection to Redis. */
const { redisUrl, ...options } = JSON.parse(process.argv[2] ?? '{}')
const clock = shiftableClock()
const client = new Redis(redisUrl).on('error', () => {})
const provider = new TokenProvider({ ...options, clock, store: redisTokenStore({ client }) })

/** When this member first handed out each token, and the errors that its callers saw. */
const seen = new Map<string, number>()
const errors: string[] = []

async function get(account: string, rejected?: string): Promise<string> {
  try {
    const { accessToken } = await provider.getToken({ account, ...(rejected && { rejected }) })
    if (!seen.has(accessToken)) seen.set(accessToken, Date.now())
    return accessToken
  } catch (error) {
    errors.push((error as { code: string }).code)
    return (error as { code: string }).code
  }
}

await client.ping()
await obey({
  /** Asks for the token of an account, and names one that was rejected. */
  get: (account = '', rejected) => get(account === '-' ? '' : account, rejected),
  /** Asks again and again, in that many milliseconds on average. */
  keepAsking(everyMs) {
    const ask = async () => {
      await get('')
      setTimeout(ask, Number(everyMs) * (0.5 + Math.random()))
    }
    void ask()
    return null
  },
  report: () => ({ seen: [...seen], errors }),
  /** Lets the token grow older. */
  advance(ms) {
    clock.advance(Number(ms))
    return null
  }
})
