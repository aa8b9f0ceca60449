// A fleet of up to 100,000 members, simulated with the real core: see bench/README.md.
//
//   pnpm run bench:fleet                 all scenarios; writes results.json, results.md, chart.svg and the table
//                                        in docs/scaling.md
//   pnpm run bench:fleet --smoke         small ones, in seconds; writes nothing
//   pnpm run bench:fleet --smoke --json  prints the figures as JSON instead of the table
//   pnpm run bench:fleet --only=hung     the scenarios whose names contain that; writes nothing
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { toChart } from './chart.js'
import { toDocs, toMarkdown } from './report.js'
import { scenarios } from './scenarios.js'

/** The largest scenarios take a few gigabytes each. Much is thrown away at once, so there is room for that too. */
const THREADS = Math.min(2, os.availableParallelism())
const MEMORY = { maxOldGenerationSizeMb: 8_000, maxYoungGenerationSizeMb: 384 }

const { values } = parseArgs({
  options: { smoke: { type: 'boolean' }, json: { type: 'boolean' }, only: { type: 'string' } }
})
const { smoke: isSmoke = false, json: isJson = false, only = '' } = values

const startedMs = performance.now()
const results = []
const waiting = scenarios(isSmoke)
  .map(({ name, members, durationMs }, index) => ({ name, members, durationMs, index }))
  .filter(({ name }) => name.includes(only))
  // What takes longest comes first, so that no thread is left alone with it at the end.
  .sort((one, other) => other.members * other.durationMs - one.members * one.durationMs)
await Promise.all(Array.from({ length: THREADS }, work))

const core = new URL('../../packages/core/package.json', import.meta.url)
const report = {
  date: new Date().toISOString().slice(0, 10),
  seconds: secondsSince(startedMs),
  machine: { node: process.version, cores: os.availableParallelism(), architecture: os.arch() },
  version: JSON.parse(await readFile(core, 'utf8')).version,
  // Those left out by `--only` have left holes.
  results: results.filter(() => true)
}
console.log(isJson ? toJson(report) : toMarkdown(report))

if (!isSmoke && only === '') {
  const write = (name, text) => writeFile(new URL(name, import.meta.url), text)
  await write('results.json', `${toJson(report)}\n`)
  await write('results.md', toMarkdown(report))
  await write('chart.svg', toChart(report.results))
  const page = '../../docs/scaling.md'
  const text = await readFile(new URL(page, import.meta.url), 'utf8')
  const table = toDocs(report)
  await write(
    page,
    text.replace(/<!-- figures -->.*<!-- end of figures -->/s, () => table)
  )
}

/** One thread after the other, until no scenario waits. */
async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { name, members, index } = next
    const threadMs = performance.now()
    const thread = new Worker(new URL('worker.js', import.meta.url), {
      workerData: { isSmoke, index },
      resourceLimits: MEMORY
    })
    const [result] = await once(thread, 'message')
    await thread.terminate()
    results[index] = result
    process.stderr.write(`${name}, ${members} members: ${secondsSince(threadMs)} s\n`)
  }
}

function toJson(value) {
  return JSON.stringify(value, undefined, 2)
}

function secondsSince(ms) {
  return Math.round((performance.now() - ms) / 1000)
}
