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
 * Measures several things in turn: A B C, A B C, … so that whatever slows the machine down slows all of them. Returns
 * the figures of each, without those of the rounds that only warm up the compiler.
 */
export async function inTurns(measurements, { rounds, warmUps = 2 }) {
  const figures = Object.fromEntries(Object.keys(measurements).map((name) => [name, []]))
  for (let round = 0; round < warmUps + rounds; round++) {
    for (const [name, measure] of Object.entries(measurements)) {
      const figure = await measure()
      if (round >= warmUps) figures[name].push(figure)
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
