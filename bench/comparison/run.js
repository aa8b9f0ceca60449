// What this package costs, compared with what people would use instead: see bench/README.md.
//
//   pnpm run bench                   all figures, in minutes; writes docs/performance.md, its chart and results.json
//   pnpm run bench --smoke           small ones, in seconds; prints the table and writes nothing
//   pnpm run bench --smoke --json    prints the figures as JSON instead
//   pnpm run bench --preliminary     writes the figures, and says that the machine was busy
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { toChart } from './chart.js'
import { toMarkdown, withFigures } from './report.js'
import { coldCallers } from './scenarios/cold-callers.js'
import { flatness, packagesAdded, pageSize, storeCommands } from './scenarios/counts.js'
import { hotPath } from './scenarios/hot-path.js'
import { imports, lives, memory } from './scenarios/processes.js'
import { routes } from './scenarios/routes.js'
import { SUBJECTS } from './subjects.js'
import { toTable } from './table.js'
import { TokenServer } from './token-server.js'

const { values } = parseArgs({
  options: { smoke: { type: 'boolean' }, json: { type: 'boolean' }, preliminary: { type: 'boolean' } }
})
const isSmoke = values.smoke ?? false

const startedMs = performance.now()
const server = await TokenServer.start()
const stage = { server, isSmoke }
const steps = {
  hotPath: () => hotPath(stage),
  coldCallers: () => coldCallers(stage),
  lives: () => lives(stage),
  routes: () => routes(stage),
  memory: () => memory(stage),
  imports: () => imports(stage),
  flatness: () => flatness(stage),
  storeCommands: () => storeCommands(),
  pageSize: () => pageSize(),
  packages: () => ({
    express: packagesAdded('@bandwidth-token/express', 'express'),
    fastify: packagesAdded('@bandwidth-token/fastify', 'fastify')
  })
}
const figures = {}
for (const [name, step] of Object.entries(steps)) {
  const stepMs = performance.now()
  figures[name] = await step()
  process.stderr.write(`${name}: ${secondsSince(stepMs)} s\n`)
}
await server.close()

const report = {
  date: new Date().toISOString().slice(0, 10),
  seconds: secondsSince(startedMs),
  isPreliminary: values.preliminary ?? false,
  machine: { node: process.version, cores: os.availableParallelism(), cpu: os.cpus()[0]?.model },
  versions: Object.fromEntries(SUBJECTS.filter((each) => each.packageName).map(versionOf)),
  rows: toTable(figures),
  figures
}
console.log(values.json ? toJson(report) : toMarkdown(report))

if (!isSmoke) {
  const page = new URL('../../docs/performance.md', import.meta.url)
  await writeFile(page, withFigures(await readFile(page, 'utf8'), report))
  await writeFile(new URL('../../docs/performance.svg', import.meta.url), toChart(report))
  await writeFile(new URL('results.json', import.meta.url), `${toJson(report)}\n`)
}
process.exit()

function versionOf({ packageName }) {
  const manifest = new URL(`../node_modules/${packageName}/package.json`, import.meta.url)
  return [packageName, JSON.parse(readFileSync(manifest, 'utf8')).version]
}

function toJson(value) {
  return JSON.stringify(value, undefined, 2)
}

function secondsSince(ms) {
  return Math.round((performance.now() - ms) / 1000)
}
