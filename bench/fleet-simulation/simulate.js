import { Calls } from './calls.js'
import { Endpoint } from './endpoint.js'
import { loadCore, Member } from './member.js'
import { between, seededRandom } from './random.js'
import { Store } from './store.js'
import { Timeline } from './timeline.js'

const SEED = 4711
/** Members that start at once do so within this. */
const START_WITHIN_MS = 100
const STORE_KEYS = [Buffer.alloc(32, 1).toString('base64url')]

/**
 * Lives through a scenario and reports what happened: see `scenarios.js` for what one consists of. The same scenario
 * comes to the same figures each time.
 */
export async function simulate(scenario) {
  await loadCore()
  const { random } = Math
  Math.random = seededRandom(SEED)
  try {
    return await live(scenario)
  } finally {
    Math.random = random
  }
}

async function live(scenario) {
  const { members: size, durationMs, lifetimeMs, callEveryMs, condition, fault, events = () => [] } = scenario
  const timeline = new Timeline()
  const endpoint = new Endpoint(timeline, { lifetimeMs, durationMs })
  const store = condition && new Store(timeline, { durationMs, condition })
  const calls = new Calls()
  const world = { timeline, endpoint, store, storeKeys: STORE_KEYS, calls, callEveryMs }
  const members = new Array(size).fill(undefined)

  const fleet = {
    size,
    store,
    restart(index) {
      members[index]?.kill()
      members[index] = new Member(world)
      members[index].callFrom(timeline.nowMs + between(0, START_WITHIN_MS))
    },
    restartAll() {
      for (let index = 0; index < size; index++) fleet.restart(index)
    }
  }
  timeline.at(0, () => fleet.restartAll())
  for (const { atMs, happen } of events(fleet)) timeline.at(atMs, happen)

  const atFault = fault && (await until(fault.fromMs))
  const afterFault = fault && (await until(fault.toMs))
  await until(durationMs)
  return {
    ...figures(scenario, { timeline, endpoint, store, calls }),
    ...(fault && { requestsPerLifeInFault: ratio(afterFault, atFault) })
  }

  async function until(ms) {
    await timeline.run(ms)
    return { requests: endpoint.requests, lives: endpoint.lives }
  }
}

function ratio(after, before) {
  return (after.requests - before.requests) / Math.max(1, after.lives - before.lives)
}

function figures(scenario, { timeline, endpoint, store, calls }) {
  const { name, members, durationMs, restartAtMs } = scenario
  return {
    name,
    members,
    hours: durationMs / 3_600_000,
    hasStore: store !== undefined,
    requests: endpoint.requests,
    lives: endpoint.lives,
    requestsPerLife: endpoint.requests / endpoint.lives,
    requestsAfterRestart: restartAtMs === undefined ? undefined : endpoint.perSecond[restartAtMs / 1000],
    mostRequestsPerSecond: Math.max(...chunkMaxima(endpoint.perSecond)),
    commandsPerMemberAndSecond: store && store.commands / members / (durationMs / 1000),
    commandsPerMemberAndLife: store && store.commands / members / endpoint.lives,
    mostCommandsPerSecond: store && Math.max(...chunkMaxima(store.perSecond)),
    calls: calls.count,
    heldUp: calls.heldUp,
    failures: calls.failures,
    leastLeftMs: Math.round(calls.leastLeftMs),
    longestColdMs: Math.round(calls.longestColdMs),
    events: timeline.count
  }
}

/** A spread of a whole day's seconds would be too many arguments. */
function* chunkMaxima(counts) {
  for (let start = 0; start < counts.length; start += 10_000) {
    yield Math.max(...counts.subarray(start, start + 10_000))
  }
}
