// A fleet of up to 100,000 members, simulated with the real core: see bench/README.md.
//
//   pnpm run bench:fleet                 all scenarios; writes results.json, results.md and chart.svg
//   pnpm run bench:fleet --smoke         small ones, in seconds; writes nothing
//   pnpm run bench:fleet --smoke --json  prints the figures as JSON instead of the table
//   pnpm run bench:fleet --only=hung     the scenarios whose names contain that; writes nothing
import { readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { toChart } from './chart.js'
import { toMarkdown } from './report.js'
import { scenarios } from './scenarios.js'
import { simulate } from './simulate.js'

const { values } = parseArgs({
  options: { smoke: { type: 'boolean' }, json: { type: 'boolean' }, only: { type: 'string' } }
})
const { smoke = false, json = false, only } = values

const startedMs = performance.now()
const results = []
for (const scenario of scenarios(smoke)) {
  if (only !== undefined && !scenario.name.includes(only)) continue
  process.stderr.write(`${scenario.name}, ${scenario.members} members … `)
  const scenarioMs = performance.now()
  results.push(await simulate(scenario))
  process.stderr.write(`${((performance.now() - scenarioMs) / 1000).toFixed(1)} s\n`)
}

const core = new URL('../../packages/core/package.json', import.meta.url)
const report = {
  date: new Date().toISOString().slice(0, 10),
  seconds: Math.round((performance.now() - startedMs) / 1000),
  machine: { node: process.version, cores: os.availableParallelism(), architecture: os.arch() },
  version: JSON.parse(await readFile(core, 'utf8')).version,
  results
}
console.log(json ? JSON.stringify(report, undefined, 2) : toMarkdown(report))

if (!smoke && only === undefined) {
  const write = (name, text) => writeFile(new URL(name, import.meta.url), text)
  await write('results.json', `${JSON.stringify(report, undefined, 2)}\n`)
  await write('results.md', toMarkdown(report))
  await write('chart.svg', toChart(results))
}
