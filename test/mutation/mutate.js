// Plants faults in the core and the adapters, one at a time, and tells which of them no test finds. Not part of CI:
// it takes hours.
//
//   pnpm run test:mutants                      everything
//   pnpm run test:mutants core/route fastify   the files whose names hold one of these
//   --workers 1                                leaves a core to others
//   --tests core,faults                        asks the tests in these folders only
//   --every 10                                 one fault in ten, for an estimate in minutes
//   --from 3                                   begins with the fourth one, for another tenth
//   --seconds 10                               asks for each fault only the likeliest tests, those that take so long
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import blankTypes from 'ts-blank-space'
import { equivalents } from './equivalents.js'
import { mutationsOf } from './mutations.js'
import { findTests, Runner } from './suite.js'

const LIMIT_PERCENT = 90

const { positionals: filters, values } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '2' },
    tests: { type: 'string', default: 'core,faults,adapters' },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    seconds: { type: 'string', default: 'Infinity' }
  }
})
const folder = mkdtempSync(join(tmpdir(), 'mutation-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

const sources = ['core', 'fastify', 'express'].flatMap((name) => {
  const root = new URL(`../../packages/${name}/src/`, import.meta.url)
  const files = readdirSync(root, { recursive: true }).filter((file) => file.endsWith('.ts'))
  return files.map((file) => {
    const typed = readFileSync(new URL(file, root), 'utf8')
    // Types become blanks, so that every position stays.
    return { name: `${name}/${file}`, typed, text: blankTypes(typed) }
  })
})
const chosen =
  filters.length === 0
    ? sources
    : [...new Set(filters.flatMap((each) => sources.filter(({ name }) => name.includes(each))))]
const faults = chosen
  .flatMap((source) => mutationsOf(source.text).map((fault) => describe(source, fault)))
  .filter((_, index) => index % Number(values.every) === Number(values.from))

const sound = join(folder, 'sound')
writeSources(sound)
const tests = []
const accepted = [...equivalents]
let asked = 0
await inParallel(findTests(values.tests.split(',')), async (test, runner) => {
  if (await runner.measure(test, sound, sources)) tests.push(test)
  else process.stdout.write(`${test.file} fails without any fault, and is not asked\n`)
})
process.stdout.write(`${tests.length} test files, ${faults.length} faults\n`)
await inParallel(faults, async (fault, runner, own) => {
  if (isAccepted(fault)) {
    fault.result = 'accepted'
  } else {
    writeSource(own, fault.source.name, fault.mutated)
    fault.result = await outcome(fault, runner, own)
    writeSource(own, fault.source.name, fault.source.text)
  }
  report(fault)
})
summarize()

/** Does all jobs in order, as many at a time as there are workers. Each worker has a process and sources of its own. */
async function inParallel(jobs, work) {
  const queue = jobs.values()
  await Promise.all(
    Array.from({ length: Number(values.workers) }, async (_, index) => {
      const runner = new Runner()
      const own = join(folder, `worker-${index}`)
      writeSources(own)
      for (const job of queue) await work(job, runner, own)
      runner.end()
    })
  )
}

/** A fault with its lines before and after, by which the accepted ones are known: line numbers would not last. */
function describe(source, { start, end, replacement, mutated }) {
  const { typed } = source
  const from = typed.lastIndexOf('\n', start - 1) + 1
  const to = typed.indexOf('\n', end)
  const tidy = (text) => text.replace(/\s+/g, ' ').trim()
  return {
    source,
    start,
    mutated,
    line: typed.slice(0, start).split('\n').length,
    before: tidy(typed.slice(from, to)),
    after: tidy(typed.slice(from, start) + replacement + typed.slice(end, to))
  }
}

/** `found`, `survived` or `not reached`. */
async function outcome({ source: { name }, start }, runner, own) {
  const reaching = judges(
    name,
    tests.filter(({ reached }) => reached.get(name)[start] === 1)
  )
  // First the quick ones, those that have found others in this file, and those that stand where this file does.
  const [, folder] = /^(.*)\//.exec(name)
  const nearness = (file) =>
    file.includes(`/${name.replace('.ts', '.')}`) ? 50 : file.includes(`/${folder}/`) ? 10 : 1
  const costOf = ({ usualMs, found, file }) => usualMs / (1 + (found[name] ?? 0)) / nearness(file)
  reaching.sort((a, b) => costOf(a) - costOf(b))
  // Those that draw their values run with few of them first, and with all of them only if nothing else finds it.
  const turns = [
    ...reaching.map((test) => ({ test, isQuick: true })),
    ...reaching.filter(({ isRandom }) => isRandom).map((test) => ({ test, isQuick: false }))
  ]
  const endMs = performance.now() + 1_000 * Number(values.seconds)
  for (const { test, isQuick } of turns) {
    if (performance.now() > endMs) break
    if (!(await runner.finds(test, own, sound, isQuick))) continue
    test.found[name] = (test.found[name] ?? 0) + 1
    return 'found'
  }
  return reaching.length > 0 ? 'survived' : 'not reached'
}

/** The core has to stand on its own tests; the adapters' judge only what is made for them. */
function judges(name, reaching) {
  const own =
    name.startsWith('core/') && !/^core\/(?:route|errors)/.test(name)
      ? reaching.filter(({ file }) => !file.includes('/adapters/'))
      : []
  return own.length > 0 ? own : reaching
}

/** Takes the entry of an accepted fault off the list, so that it stands for one fault only. */
function isAccepted({ source, before, after }) {
  const index = accepted.findIndex(
    (each) => each.file === source.name && each.before === before && each.after === after
  )
  return index >= 0 && accepted.splice(index, 1).length > 0
}

/** Tells of a fault that was not found; and of its file, once that was the last of its faults. */
function report({ source, line, result, before, after }) {
  if (result !== 'found' && result !== 'accepted') {
    process.stdout.write(`${source.name}:${line} ${result}\n  - ${before}\n  + ${after}\n`)
  }
  if (++asked % 100 === 0) process.stdout.write(`${asked} of ${faults.length} faults asked\n`)
  const own = faults.filter((fault) => fault.source === source)
  if (own.some((fault) => fault.result === undefined)) return
  const count = (wanted) => own.filter((fault) => fault.result === wanted).length
  process.stdout.write(
    `${source.name}: ${own.length} faults, ${count('found')} found, ${count('accepted')} accepted\n`
  )
}

function summarize() {
  // A part of the faults says nothing of the entries for the others.
  const isWhole = values.every === '1'
  const needless = isWhole ? accepted.filter(({ file }) => chosen.some(({ name }) => name === file)) : []
  for (const { file, before, after } of needless) {
    process.stdout.write(`no longer needed in the list: ${file}\n  - ${before}\n  + ${after}\n`)
  }
  const found = faults.filter(({ result }) => result === 'found').length
  const percent = (100 * found) / faults.length
  process.stdout.write(`${found} of ${faults.length} faults found, ${percent.toFixed(1)} %\n`)
  const open = faults.filter(({ result }) => result !== 'found' && result !== 'accepted')
  if (open.length + needless.length > 0 || percent < LIMIT_PERCENT) process.exitCode = 1
}

function writeSources(to) {
  for (const { name, text } of sources) writeSource(to, name, text)
}

function writeSource(to, name, text) {
  const file = join(to, name.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
