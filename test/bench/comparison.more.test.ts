import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Program } from '../support/program.js'

interface Report {
  readonly rows: readonly { readonly scenario: string; readonly median: number }[]
}

const run = fileURLToPath(new URL('../../../bench/comparison/run.js', import.meta.url))
const program = new Program(t, ['--expose-gc', run, '--smoke', '--json'])
t.equal(await program.exitCode(), 0, program.stderr)
const { rows } = JSON.parse(program.stdout) as Report

t.ok(
  rows.some(({ scenario }) => scenario.includes('a subscriber on every channel')),
  'events are compared too'
)

/** Only counts: no test asserts a time. */
const COUNTS: readonly [scenario: RegExp, least: number, most: number][] = [
  [/^requests of 100 cold callers$/, 1, 1],
  [/^requests of 10,000 cold callers$/, 1, 1],
  [/^calls held up at rotation/, 0, 0],
  [/^tokens served with less than 10 s left$/, 0, 0],
  [/^seconds used of a token of 600 s$/, 570, 590],
  [/^outage with a valid token: failed calls/, 0, 0],
  [/^outage with a valid token: requests/, 1, 3],
  [/^outage without a token, .*: requests/, 1, 5],
  [/^milliseconds from recovery to the first success$/, 0, 4_000],
  [/^packages added to an app with Express$/, 2, 4],
  [/^packages added to an app with Fastify$/, 3, 5],
  [/^commands at the store for each life and member/, 0.1, 3],
  [/^bytes of the page's half/, 1_000, 3_500]
]

for (const [scenario, least, most] of COUNTS) {
  const [row] = rows.filter((each) => scenario.test(each.scenario))
  t.ok(row && row.median >= least && row.median <= most, `${scenario.source}: ${row?.median}`)
}
