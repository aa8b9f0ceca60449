import { TokenProvider } from '../../packages/core/dist/esm/index.js'
import { between } from './random.js'

const START_MS = Date.parse('2026-01-01T00:00:00Z')
const SKEW_MS = 5_000

/** Node reads what the first provider with a store imports from the disk, which takes real time. */
export async function loadCore() {
  const timeline = { nowMs: 0, at: () => {}, cancel: () => {} }
  const body = () => [Buffer.from('{"access_token":"token"}')]
  const provider = new TokenProvider({
    clientId: 'client',
    clientSecret: 'a secret of the simulation',
    clock: clockOf({}, timeline, 0),
    dispatcher: { request: async () => ({ statusCode: 200, headers: {}, body: body() }) },
    store: {
      get: async () => {},
      set: async () => true,
      delete: async () => {},
      lock: async () => true,
      unlock: async () => {}
    },
    storeKeys: [Buffer.alloc(32).toString('base64url')]
  })
  await provider.warmUp()
  await provider.close()
}

/** One process of a fleet: a real `TokenProvider` with clocks of its own, and callers who ask it for a token. */
export class Member {
  isAlive = true
  /** Whether it has ever had a token: only then is a caller who has to wait held up. */
  isWarm = false
  #world
  #provider

  /** `world` is what the fleet has in common: `timeline`, `endpoint`, `store`, `storeKeys`, `calls`, `callEveryMs`. */
  constructor(world) {
    this.#world = world
    this.#provider = new TokenProvider({
      clientId: 'client',
      clientSecret: 'a secret of the simulation',
      tokenUrl: 'https://token.example/token',
      // The cache takes memory for the accounts it may hold, and there is one.
      maxTokens: 1,
      clock: clockOf(this, world.timeline, between(-SKEW_MS, SKEW_MS)),
      dispatcher: world.endpoint.dispatcherOf(this),
      ...(world.store && { store: world.store.connect(this), storeKeys: world.storeKeys })
    })
    world.timeline.turnEventLoop()
  }

  /** Is called for the first time at `atMs`, and steadily from then on, but not in step with the others. */
  callFrom(atMs) {
    const { timeline, callEveryMs } = this.#world
    const call = () => {
      this.#call()
      timeline.at(timeline.nowMs + callEveryMs * between(0.5, 1.5), call, this)
    }
    timeline.at(atMs, call, this)
  }

  /** The process is killed: nothing of it happens any more, and it tells nobody. */
  kill() {
    this.isAlive = false
  }

  #call() {
    const { timeline, endpoint, calls } = this.#world
    const calledMs = timeline.nowMs
    this.#provider.getToken().then(
      ({ accessToken }) => {
        calls.served(endpoint.leftMs(accessToken), timeline.nowMs - calledMs, this.isWarm)
        this.isWarm = true
      },
      () => calls.failed()
    )
  }
}

/** A member's own clocks and timers. Its wall clock is `skewMs` ahead of the timeline. */
function clockOf(member, timeline, skewMs) {
  const bornMs = timeline.nowMs
  return {
    now: () => Math.floor(START_MS + skewMs + timeline.nowMs),
    monotonic: () => timeline.nowMs - bornMs,
    setTimeout: (callback, delayMs) => timeline.at(timeline.nowMs + delayMs, callback, member),
    clearTimeout: (event) => event && timeline.cancel(event)
  }
}
