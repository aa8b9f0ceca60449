const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds from a command to its answer: a store in the same region. */
const WELL = { rttMs: [0.5, 3] }
/** What a store on one core carries out in a second. */
const ONE_CORE = 100_000

const COMMON = { lifetimeMs: 600 * SECOND, callEveryMs: MINUTE, condition: WELL }
/** Two refreshes of all members. */
const TWO_LIVES = 20 * MINUTE
/** Each size of a fleet with how long it lives: so long that all of it can be computed within half an hour. */
const FULL = {
  fleets: [
    [10, DAY],
    [100, DAY],
    [1_000, DAY],
    [10_000, HOUR],
    [100_000, TWO_LIVES]
  ],
  faultSize: 1_000,
  faultMs: 4 * HOUR
}
const SMOKE = {
  fleets: [
    [10, 3 * HOUR],
    [100, 3 * HOUR]
  ],
  faultSize: 50,
  faultMs: 3 * HOUR
}

/**
 * All scenarios: `members`, `durationMs`, the `lifetimeMs` of a token, how often each member is called, the `condition`
 * of the store (none without one), when a `fault` begins and ends, and which `events` happen to the fleet.
 */
export function scenarios(isSmoke) {
  const scale = isSmoke ? SMOKE : FULL
  return [...healthy(scale), ...restarts(scale), ...faults(scale)]
}

function healthy({ fleets }) {
  return fleets.flatMap(([members, durationMs]) => [
    { ...COMMON, name: 'healthy', members, durationMs },
    {
      ...COMMON,
      name: 'no store',
      members,
      // Each member is for itself, and a shorter time says as much.
      durationMs: members < 1_000 ? durationMs : TWO_LIVES,
      condition: undefined
    }
  ])
}

/** Everything restarts at once, in the middle of a token's life. */
function restarts({ fleets, faultSize }) {
  const restartAtMs = 5 * MINUTE
  const common = {
    ...COMMON,
    durationMs: 7 * MINUTE,
    restartAtMs,
    events: (fleet) => [{ atMs: restartAtMs, happen: () => fleet.restartAll() }]
  }
  const emptied = (fleet) => [
    { atMs: restartAtMs, happen: () => fleet.store.clear() },
    ...common.events(fleet)
  ]
  const sizes = fleets.map(([members]) => members)
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

/** An hour of something that goes wrong, with an hour before it and two hours after it. */
function faults({ faultSize, faultMs }) {
  const fault = { fromMs: HOUR, toMs: 2 * HOUR }
  const common = { ...COMMON, members: faultSize, durationMs: faultMs }
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
