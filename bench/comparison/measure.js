/** Microseconds of processor time that this process has used, in all of its threads. */
export function cpuTimeUs() {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** The processor time of `work`, in microseconds. Other processes on the machine do not count. */
export async function cpuTimeOf(work) {
  const startUs = cpuTimeUs()
  await work()
  return cpuTimeUs() - startUs
}

/**
 * Measures several things in turn: A B C, A B C, … so that whatever slows the machine down slows all of them. After some
 * turns that only warm up the compiler, it returns a figure for each thing and round: the least of its turns in that
 * round, since all that disturbs a turn makes its figure larger.
 */
export async function inTurns(measurements, { rounds, turns = 1, warmUps = 2 }) {
  const names = Object.keys(measurements)
  const figures = Object.fromEntries(
    names.map((name) => [name, Array(rounds).fill(Number.POSITIVE_INFINITY)])
  )
  for (let turn = -warmUps; turn < rounds * turns; turn++) {
    const round = Math.floor(turn / turns)
    for (const name of names) {
      const figure = await measurements[name]()
      if (turn >= 0) figures[name][round] = Math.min(figures[name][round], figure)
    }
  }
  return figures
}

/** The ratio of two figures that were measured in turns, round by round: its median, and half of its rounds lie within. */
export function ratioOf(tops, bottoms) {
  return spread(tops.map((top, round) => top / bottoms[round]))
}

/** Median, lower and upper quartile. */
export function spread(figures) {
  const sorted = figures.toSorted((one, other) => one - other)
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))]
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}
