import type { Parameters } from 'fast-check'

/**
 * The same cases every time, so that a change that fails did break something. `pnpm test` checks a quarter of them,
 * `pnpm run test:more` all. For others and for more of them:
 * `FUZZ_SEED=$RANDOM FUZZ_FACTOR=20 npx tap --disable-coverage --timeout=3600 'test/build/fuzz/*.test.js'`.
 * A failure prints seed and path of its shrunk case.
 */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_124)
const factor = Number(process.env['FUZZ_FACTOR'] ?? 0.25)

/** The settings of a property that `pnpm run test:more` checks `numRuns` times. */
export function runs(numRuns: number): Parameters<unknown> {
  return { seed, numRuns: Math.ceil(numRuns * factor), endOnFailure: false }
}
