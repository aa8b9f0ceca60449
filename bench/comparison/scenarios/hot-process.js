// Measures one group of calls with a fresh token: `node hot-process.js '{ "group", "credentials", "isSmoke" }'`.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { TokenProvider } from '@bandwidth-token/core'
import { handWrittenAccounts, handWrittenCache } from '../hand-written.js'
import { LeastProvider } from '../least.js'
import { cpuTimeOf, inTurns } from '../measure.js'
import { MemoryStore, STORE_KEYS } from '../memory-store.js'
import { SUBJECTS } from '../subjects.js'

const { group, credentials, isSmoke } = JSON.parse(process.argv[2])
const CALLS = isSmoke ? 500 : 5_000
const NAMES = Array.from({ length: isSmoke ? 50 : 1_000 }, (_, index) => `account-${index}`)
const TURNS = isSmoke ? { rounds: 1, warmUps: 1 } : { rounds: 15, turns: 30, warmUps: 60 }
const floor = async () => {}

const figures = group === 'bytes' ? await bytes() : await inTurns(await loopsOf(group), TURNS)
process.stdout.write(JSON.stringify(figures), () => process.exit())

async function loopsOf(group) {
  if (group === 'call') return loops(await calls())
  if (group === 'by account') return loops(await callsByAccount(() => NAMES[0]))
  if (group === 'in turn') return loops(await callsByAccount((n) => NAMES[n % NAMES.length]))
  if (group === 'store') return loops(await callsWithStore())
  if (group === 'events') return heard(await warm(new TokenProvider(credentials)))
  const [framework, suffix] = group.split(', ')
  if (framework === 'Fastify' || framework === 'Express') return loops(await requests(framework, suffix))
  const { getToken } = await SUBJECTS.find(({ name }) => name === group).open(credentials)
  await getToken()
  return loops({ floor, [group]: getToken })
}

async function calls() {
  const provider = await warm(new TokenProvider(credentials))
  const least = new LeastProvider([], provider.getToken())
  const byHand = handWrittenCache(credentials)
  await byHand()
  return { floor, limit: () => least.getToken(), ours: () => provider.getToken(), 'by hand': byHand }
}

async function callsByAccount(nameOf) {
  const provider = new TokenProvider(credentials)
  const byHand = handWrittenAccounts(credentials)
  for (const account of NAMES) {
    await warm(provider, { account })
    await byHand(account)
  }
  const least = new LeastProvider(NAMES)
  return {
    floor,
    limit: (n) => least.getToken({ account: nameOf(n) }),
    ours: (n) => provider.getToken({ account: nameOf(n) }),
    'by hand': (n) => byHand(nameOf(n))
  }
}

async function callsWithStore() {
  const without = await warm(new TokenProvider(credentials))
  const withStore = await warm(
    new TokenProvider({ ...credentials, store: new MemoryStore(), storeKeys: STORE_KEYS })
  )
  return { without: () => without.getToken(), with: () => withStore.getToken() }
}

/** Requests of an adapter whose token is fresh, beside the calls that they come down to. */
async function requests(framework, suffix) {
  const account = suffix && (() => 'account-1')
  const options = { ...credentials, authorize: () => true, account }
  const { request, provider } = await (framework === 'Fastify' ? fastifyRequest : expressRequest)(options)
  await request.bandwidthToken()
  await request.bandwidthToken()
  const ask = suffix ? () => provider.getToken({ account: 'account-1' }) : () => provider.getToken()
  return { provider: ask, request: () => request.bandwidthToken() }
}

async function fastifyRequest(options) {
  const { default: Fastify } = await import('fastify')
  const { fastifyBandwidthToken } = await import('@bandwidth-token/fastify')
  const app = Fastify()
  await app.register(fastifyBandwidthToken, options)
  let request
  app.get('/', async (each) => {
    request = each
    return ''
  })
  await app.inject('/')
  return { request, provider: app.bandwidthToken }
}

async function expressRequest(options) {
  const { default: express } = await import('express')
  const { bandwidthToken } = await import('@bandwidth-token/express')
  const middleware = bandwidthToken(options)
  const app = express()
  app.use(middleware)
  let request
  app.get('/', (req, res) => {
    request = req
    res.end()
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await fetch(`http://127.0.0.1:${server.address().port}/`)
  return { request, provider: middleware.provider }
}

/** The provider, with a token that was used before: from then on callers get it on the hot path. */
async function warm(provider, options) {
  await provider.getToken(options)
  await provider.getToken(options)
  return provider
}

function loops(measured) {
  const entries = Object.entries(measured)
  return Object.fromEntries(entries.map(([name, call], index) => [name, loopOf(call, index)]))
}

function loopOf(call, index) {
  const loop = compileLoop(call, `loop${index}`, CALLS)
  return () => cpuTimeOf(loop)
}

/** A loop of its own for each call, so that the compiler sees one target at its call site, as in an app. */
function compileLoop(call, name, calls) {
  return new Function(
    'call',
    `return async function ${name}() { for (let n = 0; n < ${calls}; n++) await call(n) }`
  )(call)
}

/** The same calls while nobody listens, and while every channel has a subscriber. */
function heard(provider) {
  const measure = loopOf(() => provider.getToken(), '')
  const subscriber = () => {}
  const channels = [
    ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(
      (event) => `tracing:bandwidth-token:request:${event}`
    ),
    ...['refresh', 'invalidate', 'cooldown', 'serve-error'].map((channel) => `bandwidth-token:${channel}`)
  ]
  return {
    unheard: measure,
    async heard() {
      for (const name of channels) subscribe(name, subscriber)
      const figure = await measure()
      for (const name of channels) unsubscribe(name, subscriber)
      return figure
    }
  }
}

/** Bytes that a call allocates, its `await` included. */
async function bytes() {
  const provider = await warm(new TokenProvider(credentials))
  await warm(provider, { account: 'account-1' })
  const cached = Promise.resolve()
  const usableUntilMs = Date.now() + 500_000
  const read = () => (Date.now() < usableUntilMs ? cached : undefined)
  const kept = {
    readWithOptions() {
      // Kept, so that the compiler cannot do without the object.
      this.options = { account: 'account-1' }
      return read()
    }
  }
  const measured = {
    promise: () => cached,
    call: () => provider.getToken(),
    'call by account': () => provider.getToken({ account: 'account-1' }),
    limit: read,
    'limit by account': () => kept.readWithOptions()
  }
  const calls = 4 * CALLS
  const loops = Object.entries(measured).map(([name, call], index) => {
    const loop = compileLoop(call, `bytes${index}`, calls)
    return [
      name,
      async () => {
        globalThis.gc()
        const before = process.memoryUsage().heapUsed
        await loop()
        return (process.memoryUsage().heapUsed - before) / calls
      }
    ]
  })
  return inTurns(Object.fromEntries(loops), { rounds: isSmoke ? 1 : 9, warmUps: 3 })
}
