import t, { type Test } from 'tap'
import { Child } from './child.js'
import type { MemoryReport } from './memory-report.js'

const MAX_TOKENS = 10_000
const MiB = 1024 * 1024
const LIMIT_MS = 110_000

async function measure(t: Test, run: object): Promise<MemoryReport> {
  const child = new Child(t, 'memory', run, ['--expose-gc'])
  t.equal(await child.exit(LIMIT_MS), 0)
  t.equal(child.stderr, '')
  const report = await child.report<MemoryReport>()
  t.equal(report.listeners, 0, 'no listener is left on the signal')
  t.strictSame(report.warnings, [])
  t.equal(report.keptWhenClosed, 0, 'nothing is kept when it is closed')
  t.equal(report.timersWhenClosed, 0)
  return report
}

t.test('a token that was replaced is let go, two hundred times', async (t) => {
  const { requests, kept, timers, growth } = await measure(t, { rotations: 200, characters: 30_000 })
  t.equal(requests, 201)
  t.ok(kept <= 1, `${kept} are kept`)
  t.equal(timers, 1)
  t.ok(growth < 2 * MiB, `150 tokens of 30 kB have cost ${growth} bytes`)
})

t.test('of 100,000 accounts only as many tokens are kept as there may be', async (t) => {
  const { requests, kept, timers, growth } = await measure(t, { accounts: 100_000, characters: 500 })
  t.equal(requests, 100_000)
  t.equal(kept, MAX_TOKENS)
  t.equal(timers, MAX_TOKENS)
  t.ok(growth < 2 * MiB, `75,000 accounts with tokens of 500 bytes have cost ${growth} bytes`)
})

t.test('20,000 accounts that get no token cost no more', async (t) => {
  const { requests, timers, growth } = await measure(t, { accounts: 20_000, status: 401 })
  t.ok(requests > 0 && requests <= 64, 'they share one client, which was refused')
  t.equal(timers, 0)
  t.ok(growth < 2 * MiB, `15,000 accounts without a token have cost ${growth} bytes`)
})
