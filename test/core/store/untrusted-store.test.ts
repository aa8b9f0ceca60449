import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { TokenProvider, TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { identityText, Sealer } from '../../support/core-internals.js'
import { fail, grant } from '../../support/endpoint.js'
import { createSecrets, huntFor, LeakHunt } from '../../support/leak-hunt/index.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'
import { processEvents } from '../../support/process-events.js'
import { recordingLogger } from '../../support/recording-logger.js'
import { VirtualClock } from '../../support/virtual-clock.js'
import { accessTokens, type Fleet, KEY, startFleet } from './fleet.js'

const METHODS = ['get', 'set', 'delete', 'lock', 'unlock'] as const

const unhandled = processEvents(t, 'unhandledRejection')
t.teardown(() => {
  if (unhandled.length > 0) throw new Error(`Rejections that nobody handled: ${unhandled}`)
})

/** The store with some of its methods replaced. */
const altered = (store: TokenStore, methods: Partial<TokenStore>): TokenStore =>
  new Proxy(store, {
    get: (target, name: keyof TokenStore) => methods[name] ?? target[name]
  })

const sealer = new Sealer(Buffer.from(KEY, 'base64url'))
const identity = (fleet: Fleet, account = '', clientSecret = 'secret') =>
  identityText({
    tokenUrl: fleet.endpoint.tokenUrl,
    scope: 'voice.webrtc',
    account,
    clientId: 'client',
    clientSecret
  })

/** Puts something in the store as another version of a member might. */
async function plant(fleet: Fleet, inside: unknown, purpose: 'entry' | 'failure' = 'entry'): Promise<void> {
  const text = typeof inside === 'string' ? inside : JSON.stringify(inside)
  const name = sealer.name(identity(fleet), purpose)
  await fleet.store.set(
    name,
    sealer.seal(text, identity(fleet), purpose),
    purpose === 'entry' ? 600_000 : 5_000
  )
}

const throwing = (name: string) =>
  Object.defineProperty({ entry: 'x', ttlMs: 1 }, name, {
    get() {
      throw new Error('a getter')
    }
  })

for (const [what, answer] of Object.entries<() => unknown>({
  'an entry that is a number': () => ({ entry: 5, ttlMs: 5_000 }),
  'an entry that is an array': () => ({ entry: ['A'.repeat(99)], ttlMs: 5_000 }),
  'no time': () => ({ entry: 'A'.repeat(99) }),
  'a string': () => 'A'.repeat(99),
  'a number': () => 5,
  null: () => null,
  'an array': () => [],
  'a getter of the entry that throws': () => throwing('entry'),
  'a getter of the time that throws': () => throwing('ttlMs'),
  'a thenable that never settles': () => Object.fromEntries([['then', () => {}]]),
  'a thenable that throws': () => throwing('then')
})) {
  t.test(`takes ${what} for no entry`, async (t) => {
    const { endpoint, store, join } = await startFleet(t)
    const call = join({ store: altered(store, { get: answer as TokenStore['get'] }) }).getToken()
    await endpoint.clock.advance(500)
    t.equal((await call).accessToken, 'token-1')
    t.equal(endpoint.count, 1)
  })
}

for (const [ttlMs, isTaken] of [
  [Number.NaN, false],
  [-1, false],
  [0, false],
  ['60000', false],
  [Number.POSITIVE_INFINITY, true],
  [1e300, true]
] as const) {
  t.test(
    `takes ${isTaken ? 'no more life than there is' : 'no entry'} from a time of ${ttlMs}`,
    async (t) => {
      const { endpoint, store, join } = await startFleet(t)
      await join().getToken()
      const get = async (key: string) => {
        const found = await store.get(key)
        return found && { entry: found.entry, ttlMs: ttlMs as number }
      }
      const token = await join({ store: altered(store, { get }) }).getToken()
      t.equal(token.accessToken, isTaken ? 'token-1' : 'token-2')
      t.equal(token.expiresIn, 600)
      t.equal(endpoint.count, isTaken ? 1 : 2)
    }
  )
}

const FIELDS = { access_token: 'planted', expires_in: 600 }
for (const [what, inside] of Object.entries<unknown>({
  'no JSON': '{',
  null: null,
  'an array': [],
  'no fields': { issuedAtMs: Date.now() },
  'no date': { fields: FIELDS },
  'a date that is text': { fields: FIELDS, issuedAtMs: `${Date.now()}` },
  'a negative date': { fields: FIELDS, issuedAtMs: -1 },
  'a life that is text': { fields: { ...FIELDS, expires_in: '600' }, issuedAtMs: Date.now() },
  'a negative life': { fields: { ...FIELDS, expires_in: -600 }, issuedAtMs: Date.now() },
  'a replacement after its issue': { fields: FIELDS, issuedAtMs: Date.now(), replacedBeforeMs: -1 },
  'no token': { fields: { expires_in: 600 }, issuedAtMs: Date.now() },
  'a token with a line break': { fields: { ...FIELDS, access_token: 'a\r\nX: b' }, issuedAtMs: Date.now() },
  'an error': { fields: { error: 'invalid_client', expires_in: 600 }, issuedAtMs: Date.now() },
  'another token type': { fields: { ...FIELDS, token_type: 'DPoP' }, issuedAtMs: Date.now() }
})) {
  t.test(`takes no entry that is sealed but has ${what} inside`, async (t) => {
    const fleet = await startFleet(t)
    const nowMs = fleet.endpoint.clock.now()
    await plant(
      fleet,
      JSON.parse(JSON.stringify(inside), (key, value) => {
        return key === 'issuedAtMs' && typeof value === 'number' && value > 0 ? nowMs : value
      })
    )
    t.equal((await fleet.join().getToken()).accessToken, 'token-1')
  })
}

t.test('takes an entry that is well formed: what is planted here is where it is looked for', async (t) => {
  const fleet = await startFleet(t)
  await plant(fleet, { fields: FIELDS, issuedAtMs: fleet.endpoint.clock.now() })
  t.equal((await fleet.join().getToken()).accessToken, 'planted')
})

t.test('takes no entry that is too large, however well it is sealed', async (t) => {
  const fleet = await startFleet(t)
  const fields = { ...FIELDS, access_token: 'x'.repeat(6_200) }
  await plant(fleet, { fields, issuedAtMs: fleet.endpoint.clock.now() })
  t.equal((await fleet.join().getToken()).accessToken, 'token-1')
})

const TOLD = {
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  message: 'It is down.',
  remedy: 'retry',
  toldAtMs: new VirtualClock().now()
}
for (const [what, inside] of Object.entries<unknown>({
  'no JSON': '{',
  null: null,
  text: '"remedy"',
  'no remedy': { ...TOLD, remedy: undefined },
  'a remedy that is unknown': { ...TOLD, remedy: 'pray' },
  'no code': { ...TOLD, code: undefined },
  'a code of somebody else': { ...TOLD, code: 'ERR_BANDWIDTH_TOKEN_CLOSED' },
  'a message that is none': { ...TOLD, message: { toString: 1 } },
  'a time that is text': { ...TOLD, retryAfterMs: 'soon' },
  'a year to wait': { ...TOLD, retryAfterMs: 31_536_000_000 },
  'a status that is text': { ...TOLD, upstreamStatus: 'bad' },
  'no date': { ...TOLD, toldAtMs: undefined },
  'a date of an hour ago': { ...TOLD, toldAtMs: TOLD.toldAtMs - 3_600_000 }
})) {
  t.test(`believes no failure that is sealed but has ${what} inside`, async (t) => {
    const fleet = await startFleet(t)
    const { endpoint, store, join } = fleet
    const name = sealer.name(identity(fleet), 'entry')
    await store.lock(name, 'somebody', 60_000)
    const call = join().getToken()
    await endpoint.clock.advance(500)
    await plant(fleet, inside, 'failure')
    await store.unlock(name, 'somebody')
    await endpoint.clock.advance(2_000)
    t.equal((await call).accessToken, 'token-1')
  })
}

t.test('believes a failure that is well formed, and takes of an OAuth error only its form', async (t) => {
  for (const oauthError of ['invalid_client', 'Line\nbreak']) {
    const fleet = await startFleet(t)
    const { endpoint, store, join } = fleet
    const name = sealer.name(identity(fleet), 'entry')
    await store.lock(name, 'somebody', 60_000)
    const call = t.rejects(join().getToken(), {
      code: TOLD.code,
      oauthError: oauthError.includes('\n') ? undefined : oauthError
    })
    await endpoint.clock.advance(500)
    await plant(fleet, { ...TOLD, oauthError }, 'failure')
    await store.unlock(name, 'somebody')
    await endpoint.clock.advance(2_000)
    await call
    t.equal(endpoint.count, 0)
  }
})

t.test('opens no entry of another account, another secret or another purpose', async (t) => {
  const fleet = await startFleet(t)
  const { store, join } = fleet
  const own = sealer.name(identity(fleet), 'entry')
  const inside = JSON.stringify({ fields: FIELDS, issuedAtMs: fleet.endpoint.clock.now() })
  for (const sealed of [
    sealer.seal(inside, identity(fleet, 'ada'), 'entry'),
    sealer.seal(inside, identity(fleet, '', 'old secret'), 'entry'),
    sealer.seal(inside, identity(fleet), 'failure'),
    new Sealer(randomBytes(32)).seal(inside, identity(fleet), 'entry')
  ]) {
    await store.set(own, sealed, 60_000)
    const member = join()
    t.not((await member.getToken()).accessToken, 'planted')
  }
})

t.test('with a lock for everybody, each fetches, and nobody sees an error', async (t) => {
  const { endpoint, store, join } = await startFleet(t)
  const open = altered(store, { lock: async () => true })
  const calls = Array.from({ length: 5 }, () => join({ store: open }).getToken())
  await endpoint.clock.advance(2_000)
  await Promise.all(calls)
  t.ok(endpoint.count <= 5)
})

t.test('with a lock for nobody, each goes on by its deadline, with the code of a time-out', async (t) => {
  const { endpoint, store, join } = await startFleet(t)
  const call = t.rejects(join({ store: altered(store, { lock: async () => false }) }).getToken(), {
    code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT'
  })
  await endpoint.clock.advance(10_000)
  await call
})

for (const answer of [undefined, 'OK', 1]) {
  t.test(`goes on alone at once where the store answers ${answer} to a lock`, async (t) => {
    const { endpoint, store, join } = await startFleet(t)
    const call = join({ store: altered(store, { lock: async () => answer as never }) }).getToken()
    await endpoint.clock.advance(10)
    t.equal((await call).accessToken, 'token-1')
  })
}

for (const answer of [true, false, undefined, 'maybe']) {
  t.test(
    `hands its token out where the store answers ${answer} to a write that it has not done`,
    async (t) => {
      const { endpoint, store, join } = await startFleet(t)
      const lying = altered(store, { set: async () => answer as boolean })
      t.equal((await join({ store: lying }).getToken()).accessToken, 'token-1')
      t.equal((await join({ store: lying }).getToken()).accessToken, 'token-2')
      t.equal(endpoint.count, 2)
    }
  )
}

t.test('calls the methods of a store as methods, in the async context of the provider', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const memory = memoryTokenStore(() => endpoint.clock.monotonic())
  const context = new AsyncLocalStorage<string>()
  const seen = new Set<unknown>()
  class Store {
    readonly inner = memory
    get(...args: Parameters<TokenStore['get']>) {
      seen.add(context.getStore())
      return this.inner.get(...args)
    }
    set(...args: Parameters<TokenStore['set']>) {
      seen.add(context.getStore())
      return this.inner.set(...args)
    }
    delete(...args: Parameters<TokenStore['delete']>) {
      seen.add(context.getStore())
      return this.inner.delete(...args)
    }
    lock(...args: Parameters<TokenStore['lock']>) {
      seen.add(context.getStore())
      return this.inner.lock(...args)
    }
    unlock(...args: Parameters<TokenStore['unlock']>) {
      seen.add(context.getStore())
      return this.inner.unlock(...args)
    }
  }
  const store = new Store()
  const member = context.run('provider', () => join({ store }))
  await context.run('caller', () => member.getToken())
  await endpoint.clock.advance(10_000)
  context.run('another caller', () => member.invalidate('token-1'))
  await endpoint.clock.settle()
  t.equal((await join({ store }).getToken()).accessToken, 'token-2', 'the entry was deleted')
  t.strictSame([...seen], ['provider', undefined])
})

for (const name of METHODS) {
  t.test(`closes during ${name}() of the store without an error, a timer or a request`, async (t) => {
    for (const settles of [true, false]) {
      const { endpoint, store, join } = await startFleet(t)
      let member: TokenProvider | undefined
      let requests = 0
      const closing = altered(store, {
        [name]: async (...args: never[]) => {
          requests = endpoint.count
          member?.close()
          return settles ? (store[name] as (...args: never[]) => unknown)(...args) : new Promise(() => {})
        }
      })
      member = join({ store: closing })
      const call = member.getToken().then(
        () => 'a token',
        ({ code }) => code
      )
      await endpoint.clock.advance(10_000)
      if (name === 'delete') member.invalidate('token-1')
      await endpoint.clock.advance(10_000)
      // What was unlocked or deleted had been handed out.
      const outcome = name === 'delete' || name === 'unlock' ? /^a token$|CLOSED$/ : /CLOSED$/
      t.match(await call, outcome)
      t.equal(endpoint.count, requests)
      t.equal(endpoint.clock.timers.size, 0)
    }
  })
}

t.test('leaves no timer and nothing unhandled where every command hangs', async (t) => {
  const { endpoint, store, join } = await startFleet(t)
  const never = () => new Promise<never>(() => {})
  const member = join({ store: altered(store, Object.fromEntries(METHODS.map((name) => [name, never]))) })
  const call = member.getToken()
  await endpoint.clock.advance(500)
  await call
  await member.close()
  t.equal(endpoint.clock.timers.size, 0)
})

t.test('shows neither secret nor keys nor token in any look at the provider or in a log line', async (t) => {
  const secrets = createSecrets()
  const hunt = huntFor(secrets)
  const storeKeys = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64')] as const
  const keys = new LeakHunt({ 'first key': storeKeys[0], 'second key': storeKeys[1] })
  const { endpoint, store, join } = await startFleet(t, grant({ access_token: secrets.accessToken }))
  const { clientId, clientSecret } = secrets
  const logger = recordingLogger()
  let isBroken = false
  const flaky = new Proxy(store, {
    get: (target, name: keyof TokenStore) =>
      isBroken ? () => Promise.reject(new Error(`${clientSecret} ${storeKeys}`)) : target[name]
  })
  const member = join({ clientId, clientSecret, store: flaky, storeKeys, logger })
  const look = (what: string) => {
    const things = { [what]: member, status: member.status(), lines: logger.lines }
    hunt.isSilent(t, things)
    keys.isSilent(t, things)
  }
  look('empty')
  endpoint.answer = endpoint.held(grant({ access_token: secrets.accessToken }))
  const call = member.getToken()
  await endpoint.clock.settle()
  look('acquiring')
  await endpoint.release()
  await call
  look('fresh')
  isBroken = true
  endpoint.answer = fail(401)
  const refused = member.getToken({ account: 'b' }).catch((error) => error)
  await endpoint.clock.advance(1_000)
  hunt.isSilent(t, { error: await refused })
  keys.isSilent(t, { error: await refused })
  look('cooling')
  t.throws(() => join({ storeKeys: [`${storeKeys[0]}=x`] }), { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' })
  try {
    join({ storeKeys: [`${storeKeys[0]}=x`] })
  } catch (error) {
    keys.isSilent(t, { error })
  }
})

t.test('tokens are the same for two whose credentials function returns the same secret', async (t) => {
  const { endpoint, join } = await startFleet(t)
  let clientSecret = 'old'
  const credentials = () => ({ clientId: 'client', clientSecret })
  const member = () => join({ credentials } as never)
  t.strictSame(await accessTokens([member().getToken()]), ['token-1'])
  clientSecret = 'new'
  t.strictSame(await accessTokens([member().getToken()]), ['token-2'], 'an identity of its own')
  clientSecret = 'old'
  t.strictSame(await accessTokens([member().getToken()]), ['token-1'], 'and the old one is as it was')
  t.equal(endpoint.count, 2)
})

t.test('shares nothing that a reload of the credentials brought under the old identity', async (t) => {
  const { endpoint, join } = await startFleet(t)
  let clientSecret = 'old'
  endpoint.answer = (exchange) => {
    const isNew = exchange.request.headers.authorization === `Basic ${btoa('client:new')}`
    clientSecret = 'new'
    return (isNew ? grant() : fail(401))(exchange)
  }
  const credentials = () => ({ clientId: 'client', clientSecret })
  const call = join({ credentials } as never).getToken()
  await endpoint.clock.advance(1_000)
  t.equal((await call).accessToken, 'token-2')
  endpoint.answer = grant()
  clientSecret = 'old'
  t.equal((await join({ credentials } as never).getToken()).accessToken, 'token-3')
})
