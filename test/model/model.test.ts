import fc from 'fast-check'
import t from 'tap'
import { acts, callback, livesFor, runAll, steps } from './commands.js'
import { World } from './world.js'

/** 10,000 of them, from a seed of their own each time: `pnpm run test:model`. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 1_000)
const seed = Number(process.env['MODEL_SEED'] ?? (numRuns > 1_000 ? Date.now() % 2 ** 31 : 20261202))

// For a machine that is very busy.
t.setTimeout(120_000 + numRuns * 100)

const margins = fc.constantFrom(
  { refreshAheadMs: 30_000, expiryMarginMs: 10_000 },
  { refreshAheadMs: 30_000, expiryMarginMs: 10_000 },
  { refreshAheadMs: 10_000, expiryMarginMs: 10_000 },
  { refreshAheadMs: 5_000, expiryMarginMs: 0 },
  { refreshAheadMs: 300_000, expiryMarginMs: 60_000 }
)

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => void unhandled.push(reason))

const accounts = ['', 'a', 'b']
const maxTokens = fc.constantFrom(10_000, 10_000, 10_000, 2, 3)
/** How it ends: by close(), among other things in the same tick, from outside or from within a callback. */
const ending = fc.record({
  before: acts(accounts),
  after: acts(accounts),
  where: fc.option(callback, { nil: undefined })
})

for (const [name, hasFunction, hasCrowds, share] of [
  ['a function gives the credentials', true, false, 0.4],
  ['the credentials are fixed', false, false, 0.5],
  ['crowds come to a function', true, true, 0.05],
  ['crowds come to fixed credentials', false, true, 0.05]
] as const) {
  t.test(`keeps its rules whatever happens, where ${name}`, async (t) => {
    t.comment(`${numRuns * share} sequences, seed ${seed}`)
    const sequences = fc.commands(steps(accounts, hasCrowds), { maxCommands: 60, size: 'max' })
    const property = fc.asyncProperty(
      fc.record({ margins, maxTokens: hasCrowds ? fc.constant(3) : maxTokens }),
      livesFor,
      sequences,
      ending,
      async ({ margins, maxTokens }, behaviour, sequence, { before, after, where }) => {
        const world = new World({ ...margins, hasFunction, maxTokens })
        world.endpoint.behaviour = behaviour
        await fc.asyncModelRun(() => ({ model: {}, real: world }), sequence)
        if (where !== undefined) world.setTrap(where, () => world.close())
        runAll(world, before)
        if (where === undefined) world.close()
        runAll(world, after)
        await world.settle()
        world.close()
        await world.checkClosed()
        if (unhandled.length > 0) throw new Error(`unhandled rejection: ${unhandled.splice(0)[0]}`)
      }
    )
    await t.resolves(fc.assert(property, { numRuns: Math.round(numRuns * share), seed }))
  })
}
