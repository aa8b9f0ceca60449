/** Numbers from 0 to 1 that only look random: the same seed gives the same run again (the algorithm is mulberry32). */
export function seededRandom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** From `least` to `most`. `Math.random` itself is seeded during a run, for the core draws from it too. */
export function between(least, most) {
  return least + Math.random() * (most - least)
}
