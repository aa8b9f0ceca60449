import type { TokenStore } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import {
  Acquisition,
  CLOSED,
  ClientGate,
  fleetLoader,
  Places,
  STOOD_STILL,
  TIMED_OUT,
  WAITED_IN_VAIN
} from '../../support/core-internals.js'
import { memoryTokenStore } from '../../support/memory-token-store.js'
import { onMessage } from '../../support/observed.js'
import { CREDENTIALS } from '../../support/provide.js'
import { turns, VirtualClock } from '../../support/virtual-clock.js'
import { memoryEndpoint } from './memory-endpoint.js'

type Made = InstanceType<typeof Acquisition<object>>
type Context = ConstructorParameters<typeof Acquisition>[0]

const UNAVAILABLE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'x', remedy: 'retry' } as const
const TAKES_ALL = { accepts: () => true, lastReplacementMs: () => Number.NEGATIVE_INFINITY }

/** What an acquisition works with, and an endpoint in memory. */
function setStage(changes: Partial<Context> = {}) {
  const clock = new VirtualClock()
  clock.settle = () => turns(5)
  const { dispatcher, requests, answer: send } = memoryEndpoint()
  const log = { warnOnce() {}, warnConfiguration() {} } as unknown as Context['log']
  const context: Context = {
    endpoint: { tokenUrl: 'https://id.example/token', scope: 'voice.webrtc', dispatcher },
    credentials: () => CREDENTIALS,
    mayReload: false,
    timeoutMs: 4_000,
    deadlineMs: 10_000,
    expiryMarginMs: 10_000,
    clock,
    places: new Places(),
    loadFleet: undefined,
    log,
    ...changes
  }
  const gate = new ClientGate()
  const start = async (isAwaited = true, onMade = (_made: Made) => {}, followsFailure = false) => {
    const acquisition = new Acquisition<object>(context, 'ada', gate, followsFailure, TAKES_ALL)
    onMade(acquisition)
    acquisition.start((outcome) => outcome)
    if (isAwaited) void acquisition.wait()
    await turns(5)
    return acquisition
  }
  const answer = async (index: number, statusCode?: number) => {
    send(index, statusCode)
    await turns(5)
  }
  /** Puts another acquisition at the gate: the probe after a cool-down, for which all others wait. */
  const probe = () => {
    gate.coolDown.add(UNAVAILABLE, { monotonicMs: 0, wallMs: 0 })
    return gate.admit()
  }
  return { clock, requests, context, start, answer, probe }
}

const heldTimers = ({ timers }: VirtualClock) => [...timers].filter(({ held }) => held).length

/** The same for a member of a fleet, whose code for stores is loaded. */
async function setStageOfFleet(t: Test, changes: Partial<Context> = {}, methods: Partial<TokenStore> = {}) {
  const stage = setStage(changes)
  const { clock, context } = stage
  const closing = new AbortController()
  t.teardown(() => closing.abort())
  const loadFleet = fleetLoader({
    store: { ...memoryTokenStore(() => clock.monotonic()), ...methods },
    storeKeys: [Buffer.alloc(32, 1)],
    tokenUrl: context.endpoint.tokenUrl,
    scope: context.endpoint.scope,
    clock,
    log: context.log,
    closed: closing.signal
  })
  await loadFleet()
  Object.assign(context, { loadFleet })
  return stage
}

t.test('sends nothing more if it is closed just when the process is seen to have stood still', async (t) => {
  const { clock, requests, start } = setStage()
  const acquisition = await start()
  const [request] = requests
  if (request) request.onAbort = () => acquisition.close()
  await clock.freeze(12_000)
  t.equal(await acquisition.result, STOOD_STILL)
  t.equal(requests.length, 1)
  t.equal(clock.timers.size, 0)
})

t.test('sends nothing if a subscriber closes it when the request is about to be sent', async (t) => {
  const { requests, start } = setStage()
  let close = () => {}
  onMessage(t, (_message, name) => name.endsWith(':start') && close())
  const acquisition = await start(true, (made) => {
    close = () => made.close()
  })
  t.match(await acquisition.result, { code: CLOSED.code })
  t.equal(requests.length, 0)
})

t.test('has a token with the instant before its request, and nothing of its attempts', async (t) => {
  const { clock, start, answer } = setStage()
  const issuedAt = { wallMs: clock.now(), monotonicMs: clock.monotonic() }
  const acquisition = await start()
  await clock.advance(500)
  await answer(0)
  t.strictSame(await acquisition.result, {
    accessToken: 'token-1',
    accessTokenId: undefined,
    expiresIn: 600,
    hasExpiresIn: true,
    issuedAt
  })
  t.equal(acquisition.attempts, 1)
})

for (const [what, isAwaited, followsFailure, attempts] of [
  ['three attempts while a caller waits', true, false, 3],
  ['one if nobody waits', false, false, 1],
  ['one after a background refresh that has failed, though a caller waits', true, true, 1]
] as const) {
  t.test(`makes ${what}`, async (t) => {
    const { clock, requests, start, answer } = setStage()
    const acquisition = await start(isAwaited, () => {}, followsFailure)
    for (let attempt = 0; attempt < attempts; attempt++) {
      t.equal(requests.length, attempt + 1)
      await answer(attempt, 503)
      await clock.advance(400)
    }
    t.match(await acquisition.result, { upstreamStatus: 503, attempts })
    t.equal(requests.length, attempts)
  })
}

t.test('begins anew after each freeze while nobody waits', async (t) => {
  const { clock, requests, start, answer } = setStage()
  const acquisition = await start(false)
  for (let freeze = 0; freeze < 6; freeze++) await clock.freeze(12_000)
  t.equal(requests.length, 7)
  t.equal(heldTimers(clock), 0)
  await answer(6)
  t.match(await acquisition.result, { accessToken: 'token-7' })
})

t.test('begins anew if its deadline alone has passed for too long', async (t) => {
  const { clock, requests, start, answer } = setStage()
  const acquisition = await start()
  await clock.advance(9_000)
  t.equal(requests.length, 3)
  await clock.freeze(2_500, () => requests[2]?.reject(new Error('reset')))
  t.equal(requests.length, 4)
  await answer(3)
  t.match(await acquisition.result, { accessToken: 'token-4' })
})

t.test('keeps no timer of the time before a freeze', async (t) => {
  const { clock, requests, start, answer } = setStage()
  const acquisition = await start()
  t.equal(clock.timers.size, 2, 'those of the request and of the deadline')
  await clock.freeze(6_000)
  t.equal(requests.length, 2)
  t.equal(clock.timers.size, 2)
  t.equal(heldTimers(clock), 1, 'the deadline holds the process, because somebody waits')
  await answer(1)
  await acquisition.result
  t.equal(clock.timers.size, 0)
})

t.test('is in vain, and no verdict, if it waited for the probe through all freezes', async (t) => {
  const { clock, start, probe } = setStage()
  probe()
  const acquisition = await start()
  for (let freeze = 0; freeze < 4; freeze++) await clock.freeze(12_000)
  t.equal(await acquisition.result, WAITED_IN_VAIN)
})

t.test('has timed out if it has sent a request before that', async (t) => {
  const { clock, requests, start, probe } = setStage()
  const acquisition = await start()
  const [request] = requests
  if (request) request.onAbort = probe
  for (let freeze = 0; freeze < 4; freeze++) await clock.freeze(12_000)
  t.strictSame(await acquisition.result, { ...TIMED_OUT, attempts: 1 })
})

t.test('may load the credentials once again in each run', async (t) => {
  let loaded = 0
  const { clock, requests, start, answer } = setStage({
    mayReload: true,
    credentials: () => {
      loaded++
      return CREDENTIALS
    }
  })
  const acquisition = await start()
  await answer(0, 401)
  t.equal(requests.length, 2)
  await clock.freeze(12_000)
  t.equal(requests.length, 3)
  await answer(2, 401)
  t.equal(requests.length, 4)
  t.equal(loaded, 4)
  await answer(3, 401)
  t.match(await acquisition.result, { upstreamStatus: 401, attempts: 4 })
  t.equal(requests.length, 4)
})

for (const isFleet of [false, true]) {
  t.test(`is in vain if it gets no place in time, ${isFleet ? 'with' : 'without'} a store`, async (t) => {
    const { clock, context, start, requests } = isFleet ? await setStageOfFleet(t) : setStage()
    const always = new AbortController().signal
    for (let place = 0; place < 64; place++) await context.places.take(always)
    const acquisition = await start()
    await clock.advance(10_000)
    t.equal(await acquisition.result, WAITED_IN_VAIN)
    t.equal(requests.length, 0)
  })
}

t.test('can withdraw a token whose deadline ended while the store was writing it', async (t) => {
  const store = memoryTokenStore()
  const entries = new Set<string>()
  let write = () => {}
  const { clock, start, answer } = await setStageOfFleet(
    t,
    { deadlineMs: 3_000 },
    {
      get: async () => undefined,
      lock: (...args) => store.lock(...args),
      set: (key) =>
        new Promise((resolve) => {
          write = () => {
            entries.add(key)
            resolve(true)
          }
        }),
      delete: async (key) => {
        entries.delete(key)
      }
    }
  )
  const acquisition = await start()
  await clock.advance(2_900)
  await answer(0)
  await clock.advance(100)
  const acquired = (await acquisition.result) as { accessToken: string; withdraw: () => void }
  t.equal(acquired.accessToken, 'token-1')
  acquired.withdraw()
  write()
  await turns(5)
  t.equal(entries.size, 0)
})

t.test('tells what is wrong with the credentials without a look at the store', async (t) => {
  const { start, requests } = await setStageOfFleet(t, {
    mayReload: true,
    credentials: () => ({ clientId: 'client' }) as never
  })
  const acquisition = await start()
  t.match(await acquisition.result, { message: /without an own property "clientSecret"/, attempts: 0 })
  t.equal(requests.length, 0)
})

t.test('gives no place back that the run after a freeze has taken over', async (t) => {
  const locking: ((isHeld: boolean) => void)[] = []
  const lock = () => new Promise<boolean>((resolve) => locking.push(resolve))
  const { clock, context, start, requests, answer } = await setStageOfFleet(t, {}, { lock })
  const always = new AbortController().signal
  for (let place = 1; place < 64; place++) await context.places.take(always)
  const acquisition = await start()
  t.equal(locking.length, 1)
  await clock.freeze(12_000)
  t.equal(locking.length, 2, 'it has begun anew')
  locking[0]?.(false)
  await turns(5)
  const other = context.places.take(AbortSignal.timeout(1))
  await new Promise((resolve) => setTimeout(resolve, 5))
  t.equal(await other, false, 'no place is free')
  locking[1]?.(true)
  await turns(5)
  t.equal(requests.length, 1)
  await answer(0)
  t.match(await acquisition.result, { accessToken: 'token-1' })
  t.equal(await context.places.take(always), true)
})
