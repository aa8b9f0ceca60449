import type { TokenStore } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { fleetLoader, obtainTogether, statusFailure, WAITED_IN_VAIN } from '../../support/core-internals.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'
import { CREDENTIALS } from '../../support/provide.js'
import { turns, VirtualClock } from '../../support/virtual-clock.js'

type Part = Parameters<typeof obtainTogether>[3]
type Acquired = Parameters<Part['accepts']>[0]

async function setStage(t: Test) {
  const clock = new VirtualClock()
  clock.settle = () => turns(5)
  const closing = new AbortController()
  t.teardown(() => closing.abort())
  const commands: string[] = []
  const store = new Proxy(
    memoryTokenStore(() => clock.monotonic()),
    {
      get: (target, name: keyof TokenStore) => {
        commands.push(name)
        return target[name]
      }
    }
  )
  const warned: string[] = []
  const load = fleetLoader({
    store,
    storeKeys: [Buffer.alloc(32, 1)],
    tokenUrl: 'https://id.example/token',
    scope: 'voice.webrtc',
    clock,
    log: { warnOnce: (message: string) => warned.push(message) } as never,
    closed: closing.signal
  })
  await load()
  const issuedAt = { wallMs: clock.now(), monotonicMs: clock.monotonic() }
  const token = (accessToken: string): Acquired => ({
    accessToken,
    accessTokenId: undefined,
    expiresIn: 600,
    hasExpiresIn: true,
    issuedAt
  })
  const part = (changes: Partial<Part> = {}): Part => ({
    accepts: () => true,
    lastReplacementMs: () => Number.NEGATIVE_INFINITY,
    fetch: async () => token('fetched'),
    hasToWait: () => false,
    takePlace: async () => undefined,
    leavePlace: () => {},
    mayShare: () => true,
    isEnded: () => false,
    ...changes
  })
  const obtain = (changes?: Partial<Part>, account = 'ada') =>
    obtainTogether(load, CREDENTIALS, account, part(changes))
  return { clock, commands, obtain, part, token }
}

const never = async () => {
  throw new Error('fetches')
}

t.test('a member without the code for its store fetches alone, unless it has ended', async (t) => {
  const { part, token } = await setStage(t)
  const unloaded = (changes: Partial<Part>) =>
    obtainTogether(async () => undefined, CREDENTIALS, 'ada', part(changes))
  t.strictSame(await unloaded({}), token('fetched'))
  t.equal(await unloaded({ isEnded: () => true, fetch: never }), undefined)
})

t.test('what could not be loaded is loaded for the next acquisition', async (t) => {
  const warned: string[] = []
  let failures = 2
  const load = fleetLoader({
    store: memoryTokenStore(),
    get storeKeys() {
      if (failures-- > 0) throw new Error('no file descriptor is left')
      return [Buffer.alloc(32, 1)]
    },
    tokenUrl: 'https://id.example/token',
    scope: 'voice.webrtc',
    clock: new VirtualClock(),
    log: { warnOnce: (message: string) => warned.push(message) } as never,
    closed: new AbortController().signal
  })
  t.equal(failures, 1, 'it begins before anybody asks for it')
  t.equal(await load(), undefined)
  t.match(warned, [/^The code for the store could not be loaded\. Until it is, this process fetches its own/])
  t.equal(await load(), undefined)
  const fleet = await load()
  t.equal(typeof fleet?.agree, 'function')
  t.equal(await load(), fleet, 'once')
})

t.test('an acquisition that has ended gets nothing', async (t) => {
  const { obtain, commands } = await setStage(t)
  t.equal(await obtain({ isEnded: () => true, fetch: never }), undefined)
  t.strictSame(commands, ['get'], 'and takes no lock')
})

t.test('a member that may send no request takes no lock', async (t) => {
  const { obtain, commands } = await setStage(t)
  const refusal = statusFailure(503, undefined, undefined)
  t.equal(await obtain({ takePlace: async () => refusal, fetch: never }), refusal)
  t.strictSame(commands, ['get'])
})

t.test('the second member gets the token of the first, for the same account only', async (t) => {
  const { obtain, token } = await setStage(t)
  const fetched = await obtain()
  t.match(fetched, token('fetched'))
  t.match(await obtain({ fetch: never }), { ...token('fetched'), replacedAtMs: undefined })
  t.match(await obtain({ fetch: async () => token('other') }, 'bob'), { accessToken: 'other' })
})

t.test('a member can withdraw the token that it shares, and one that it was given', async (t) => {
  const { obtain, token } = await setStage(t)
  for (const name of ['one', 'two']) {
    const fetched = (await obtain({ fetch: async () => token(name) })) as Acquired
    t.equal(fetched.accessToken, name)
    const given = (await obtain({ fetch: never })) as Acquired
    t.equal(given.accessToken, name)
    if (name === 'one') fetched.withdraw?.()
    else given.withdraw?.()
    await turns(1)
  }
  t.match(await obtain({ fetch: async () => token('three') }), { accessToken: 'three' })
})

t.test('what is not accepted is fetched again', async (t) => {
  const { obtain, token } = await setStage(t)
  await obtain()
  const seen: unknown[] = []
  const accepts = (shared: Acquired) => {
    seen.push(shared.accessToken)
    return false
  }
  t.match(await obtain({ accepts, fetch: async () => token('newer') }), { accessToken: 'newer' })
  t.strictSame(seen, ['fetched', 'fetched'], 'before the lock, and under it')
})

t.test('a token that was fetched with other credentials is not shared', async (t) => {
  const { obtain, token, commands } = await setStage(t)
  t.match(await obtain({ mayShare: () => false }), { accessToken: 'fetched' })
  t.notOk(commands.includes('set'), 'and nothing is told of it')
  t.match(await obtain({ fetch: async () => token('second') }), { accessToken: 'second' })
})

t.test('who waits for the lock is told of a failure, unless it was no verdict', async (t) => {
  for (const [failure, expected] of [
    [statusFailure(401, undefined, 'invalid_client'), { upstreamStatus: 401, oauthError: 'invalid_client' }],
    [WAITED_IN_VAIN, { accessToken: 'second' }]
  ] as const) {
    const { clock, obtain, token } = await setStage(t)
    let end = () => {}
    const failing = obtain({
      fetch: () =>
        new Promise((resolve) => {
          end = () => resolve(failure)
        })
    })
    await turns(5)
    const waiting = obtain({ fetch: async () => token('second') })
    await clock.advance(500)
    end()
    t.equal(await failing, failure)
    await clock.advance(2_000)
    t.match(await waiting, expected)
  }
})

t.test('who waits for the lock takes no lock once it may send no request', async (t) => {
  const { clock, obtain, commands } = await setStage(t)
  void obtain({ fetch: () => new Promise(() => {}) })
  await turns(5)
  const refusal = statusFailure(503, undefined, undefined)
  let asked = 0
  const waiting = obtain({ takePlace: async () => (++asked === 1 ? undefined : refusal), fetch: never })
  await clock.advance(900)
  const locks = () => commands.filter((name) => name === 'lock').length
  const before = locks()
  await clock.advance(600)
  t.equal(await Promise.race([waiting, turns(5)]), refusal)
  t.equal(asked, 2)
  t.equal(locks() - before, 1, 'a renewal of the holder')
})
