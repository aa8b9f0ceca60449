import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { TokenProvider } from '@bandwidth-token/core'
import { bandwidthToken } from '@bandwidth-token/express'
import { fastifyBandwidthToken } from '@bandwidth-token/fastify'
import express from 'express'
import Fastify from 'fastify'
import { LRUCache } from 'lru-cache'
import { handWrittenAccounts } from '../hand-written.js'
import { cpuTimeOf, inTurns, ratioOf } from '../measure.js'
import { MemoryStore, STORE_KEYS } from '../memory-store.js'
import { SUBJECTS } from '../subjects.js'

/** How many first requests are in flight at the same time. */
const AT_ONCE = 50

/** What a call costs while the token is fresh, and awaited: the floor is to await an empty async function. */
export async function hotPath({ server, isSmoke }) {
  const calls = isSmoke ? 500 : 20_000
  const rounds = isSmoke ? 1 : 120
  const accounts = isSmoke ? 50 : 1_000
  const names = Array.from({ length: accounts }, (_, index) => `account-${index}`)
  const opened = []
  const open = async (options) => {
    const provider = new TokenProvider({ ...server.credentials, ...options })
    opened.push(provider)
    await provider.getToken()
    return provider
  }

  const provider = await open()
  const withStore = await open({ store: new MemoryStore(), storeKeys: STORE_KEYS })
  const byHand = handWrittenAccounts(server.credentials)
  for (let from = 0; from < accounts; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE)
    await Promise.all(some.flatMap((account) => [provider.getToken({ account }), byHand(account)]))
  }
  const limits = limitsOf(provider.getToken(), names)
  const requests = await requestsOfAdapters(server.credentials, opened)

  const measured = {
    floor: async () => {},
    limit: limits.call,
    'limit, 1,000 in turn': (n) => limits.callInTurn({ account: names[n % accounts] }),
    'getToken()': () => provider.getToken(),
    'getToken() with a store': () => withStore.getToken(),
    'getToken({ account })': () => provider.getToken({ account: 'account-1' }),
    'getToken({ account }) by hand': () => byHand('account-1'),
    'getToken({ account }), 1,000 in turn': (n) => provider.getToken({ account: names[n % accounts] }),
    'getToken({ account }), 1,000 in turn, by hand': (n) => byHand(names[n % accounts]),
    ...Object.fromEntries(
      Object.entries(requests).map(([name, request]) => [name, () => request.bandwidthToken()])
    )
  }
  for (const subject of SUBJECTS.slice(1)) {
    const { getToken } = await subject.open(server.credentials)
    await getToken()
    measured[subject.name] = getToken
  }

  const loops = {
    'getToken(), every event heard': whileHeard(loopOf(() => provider.getToken(), 'Heard', calls)),
    ...Object.fromEntries(
      Object.entries(measured).map(([name, call], index) => [name, loopOf(call, index, calls)])
    )
  }
  const times = await inTurns(loops, { rounds, warmUps: isSmoke ? 1 : 20 })
  const bytes = await bytesOf(measured, limits, calls)
  await Promise.all(opened.map((each) => each.close()))
  return { times, bytes }
}

/**
 * The least that correct code must do: to read the clock once, and before, where there are many accounts, to check the
 * names of the options and to look for the account.
 */
function limitsOf(cached, names) {
  const usableUntilMs = Date.now() + 500_000
  const bounded = new LRUCache({ max: names.length })
  for (const name of names) bounded.set(name, { cached: Promise.resolve(), usableUntilMs })
  const call = () => (Date.now() < usableUntilMs ? cached : undefined)
  return {
    call,
    callWithOptions() {
      // Kept, so that the compiler cannot do without the object.
      this.options = { account: 'account-1' }
      return call()
    },
    callInTurn(options) {
      let account
      for (const name in options) {
        if (name !== 'account') return undefined
        account = options.account
      }
      const entry = bounded.get(account)
      return Date.now() < entry.usableUntilMs ? entry.cached : undefined
    }
  }
}

/** The rate of one thing as a share of another's: 1 is as fast, 0.5 takes twice as long. */
export function rate(times, name, base) {
  return ratioOf(times[base], times[name])
}

/** A loop of its own for each call, so that the compiler sees one target at its call site, as in an app. */
function loopOf(call, index, calls) {
  const source = `return async function loop${index}() { for (let n = 0; n < ${calls}; n++) await call(n) }`
  const loop = new Function('call', source)(call)
  return () => cpuTimeOf(loop)
}

const CHANNELS = [
  ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(
    (event) => `tracing:bandwidth-token:request:${event}`
  ),
  ...['refresh', 'invalidate', 'cooldown', 'serve-error'].map((channel) => `bandwidth-token:${channel}`)
]

/** Measures while every channel has a subscriber. */
function whileHeard(measure) {
  const subscriber = () => {}
  return async () => {
    for (const name of CHANNELS) subscribe(name, subscriber)
    const figure = await measure()
    for (const name of CHANNELS) unsubscribe(name, subscriber)
    return figure
  }
}

/** Bytes that a call allocates beyond what it costs to await a promise. */
async function bytesOf({ 'getToken()': call, 'getToken({ account })': callWithAccount }, limits, calls) {
  const cached = Promise.resolve()
  const measure = (work, index) => {
    const loop = new Function(
      'call',
      `return async function bytes${index}() { for (let n = 0; n < ${calls}; n++) await call() }`
    )(work)
    return async () => {
      globalThis.gc()
      const before = process.memoryUsage().heapUsed
      await loop()
      return (process.memoryUsage().heapUsed - before) / calls
    }
  }
  return inTurns(
    {
      promise: measure(() => cached, 0),
      'getToken()': measure(call, 1),
      'getToken({ account })': measure(callWithAccount, 2),
      limit: measure(limits.call, 3),
      'limit with options': measure(() => limits.callWithOptions(), 4)
    },
    { rounds: calls < 1_000 ? 1 : 9, warmUps: 3 }
  )
}

/** Requests of both adapters, with and without `account`, whose tokens are fresh. */
async function requestsOfAdapters(credentials, opened) {
  const requests = {}
  for (const [suffix, account] of [
    ['', undefined],
    [', by account', () => 'account-1']
  ]) {
    const options = { ...credentials, authorize: () => true, account }
    const fastify = Fastify()
    await fastify.register(fastifyBandwidthToken, options)
    fastify.get('/', async (request) => {
      requests[`Fastify, request.bandwidthToken()${suffix}`] = request
      return ''
    })
    await fastify.inject('/')
    opened.push(fastify)

    const middleware = bandwidthToken(options)
    const app = express()
    app.use(middleware)
    app.get('/', (req, res) => {
      requests[`Express, req.bandwidthToken()${suffix}`] = req
      res.end()
    })
    await requestOnce(app)
    opened.push(middleware)
  }
  for (const request of Object.values(requests)) await request.bandwidthToken()
  return requests
}

async function requestOnce(app) {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await fetch(`http://127.0.0.1:${server.address().port}/`)
  server.closeAllConnections()
  server.close()
}
