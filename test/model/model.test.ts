import fc from 'fast-check'
import t from 'tap'
import { livesFor, steps } from './commands.js'
import { World } from './world.js'

/** 10,000 of them, from a seed of their own each time: `pnpm run test:model`. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 1_000)
const seed = Number(process.env['MODEL_SEED'] ?? (numRuns > 1_000 ? Date.now() % 2 ** 31 : 20261202))

t.setTimeout(30_000 + numRuns * 30)

const margins = fc.constantFrom(
  { refreshAheadMs: 30_000, expiryMarginMs: 10_000 },
  { refreshAheadMs: 30_000, expiryMarginMs: 10_000 },
  { refreshAheadMs: 10_000, expiryMarginMs: 10_000 },
  { refreshAheadMs: 5_000, expiryMarginMs: 0 },
  { refreshAheadMs: 300_000, expiryMarginMs: 60_000 }
)

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => void unhandled.push(reason))

for (const [name, hasFunction, accounts] of [
  ['a function gives the credentials of three accounts', true, ['', 'a', 'b']],
  ['the credentials are fixed', false, ['']]
] as const) {
  t.test(`keeps its rules whatever happens, where ${name}`, async (t) => {
    t.comment(`${numRuns / 2} sequences, seed ${seed}`)
    const sequences = fc.commands(steps(accounts), { maxCommands: 60, size: 'max' })
    const property = fc.asyncProperty(margins, livesFor, sequences, async (margins, behaviour, sequence) => {
      const world = new World({ ...margins, hasFunction })
      world.endpoint.behaviour = behaviour
      await fc.asyncModelRun(() => ({ model: {}, real: world }), sequence)
      await world.close()
      if (unhandled.length > 0) throw new Error(`unhandled rejection: ${unhandled.splice(0)[0]}`)
    })
    await t.resolves(fc.assert(property, { numRuns: numRuns / 2, seed }))
  })
}
