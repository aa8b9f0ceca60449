const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds from a command to its answer: a store in the same region. */
const WELL = { rttMs: [0.5, 3] }
/** What a store on one core carries out in a second. */
const ONE_CORE = 100_000

const COMMON = { lifetimeMs: 600 * SECOND, callEveryMs: MINUTE, condition: WELL }
const FULL = { sizes: [10, 100, 1_000, 10_000, 100_000], faultSize: 1_000, day: DAY, shortDay: HOUR }
const SMOKE = { sizes: [10, 100], faultSize: 50, day: 3 * HOUR, shortDay: HOUR }

/**
 * All scenarios: `members`, `durationMs`, the `lifetimeMs` of a token, how often each member is called, the `condition`
 * of the store (none without one), when a `fault` begins and ends, and which `events` happen to the fleet.
 */
export function scenarios(isSmoke) {
  const scale = isSmoke ? SMOKE : FULL
  return [...healthy(scale), ...restarts(scale), ...faults(scale)]
}

function healthy({ sizes, day, shortDay }) {
  return sizes.flatMap((members) => {
    const durationMs = members > 10_000 ? shortDay : day
    return [
      { ...COMMON, name: 'healthy', members, durationMs },
      { ...COMMON, name: 'no store', members, durationMs, condition: undefined }
    ]
  })
}

/** Everything restarts at once, after a token and a half. */
function restarts({ sizes, faultSize }) {
  const restartAtMs = 15 * MINUTE
  const common = {
    ...COMMON,
    durationMs: 20 * MINUTE,
    restartAtMs,
    events: (fleet) => [{ atMs: restartAtMs, happen: () => fleet.restartAll() }]
  }
  const emptied = (fleet) => [
    { atMs: restartAtMs, happen: () => fleet.store.clear() },
    ...common.events(fleet)
  ]
  const largest = sizes.slice(-2)
  return [
    ...sizes.flatMap((members) => [
      { ...common, name: 'restart of everything', members },
      { ...common, name: 'restart of everything, no store', members, condition: undefined }
    ]),
    { ...common, name: 'restart of everything, the store too', members: faultSize, events: emptied },
    ...largest.map((members) => ({
      ...common,
      name: `restart of everything, a store of ${ONE_CORE / 1_000}k commands/s`,
      members,
      condition: { ...WELL, perSecond: ONE_CORE }
    }))
  ]
}

/** An hour of something that goes wrong, with an hour before it and the rest of the day after it. */
function faults({ faultSize, day }) {
  const fault = { fromMs: HOUR, toMs: 2 * HOUR }
  const common = { ...COMMON, members: faultSize, durationMs: day }
  const while_ = (condition) => (fleet) => [
    { atMs: fault.fromMs, happen: () => fleet.store.become({ ...WELL, ...condition }) },
    { atMs: fault.toMs, happen: () => fleet.store.become(WELL) }
  ]
  const inAnHour = (count, happen) =>
    Array.from({ length: Math.floor(count) }, (_, index) => ({
      atMs: fault.fromMs + (index * HOUR) / count,
      happen: () => happen(index)
    }))
  return [
    { ...common, name: 'store down for an hour', fault, events: while_({ down: true }) },
    { ...common, name: 'store hung for an hour', fault, events: while_({ hung: true }) },
    { ...common, name: 'store at 60–110 ms for an hour', fault, events: while_({ rttMs: [60, 110] }) },
    { ...common, name: 'store at 130–240 ms for an hour', fault, events: while_({ rttMs: [130, 240] }) },
    {
      ...common,
      name: 'store evicts all each 7 s for an hour',
      fault,
      events: (fleet) => inAnHour(HOUR / (7 * SECOND), () => fleet.store.clear())
    },
    {
      ...common,
      name: 'rolling restart within an hour',
      fault,
      events: (fleet) => inAnHour(fleet.size, (index) => fleet.restart(index))
    }
  ]
}
