// The tests that faults are planted under, and which of them reaches what.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const HOOK = new URL('hook.js', import.meta.url).href

/** The limit of a run is generous, for it must not take a slow machine for an endless loop. */
const limitMs = (usualMs) => 5_000 + 4 * usualMs

/** Runs each test once over the sound sources in `folder`. Throws if one fails. */
export async function measureTests(folder, sources) {
  const tests = []
  for (const file of ['core', 'adapters'].flatMap((name) => testFiles(`test/build/${name}`))) {
    const coverage = join(folder, 'coverage', file)
    const startMs = performance.now()
    const result = await runTest({ file, usualMs: 60_000 }, folder, { NODE_V8_COVERAGE: coverage })
    if (result !== 'passed') throw new Error(`${file} ${result} without any fault`)
    tests.push({
      file,
      usualMs: performance.now() - startMs,
      reached: reachedBy(coverage, sources),
      found: {}
    })
  }
  return tests
}

function testFiles(folder) {
  return readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => `${folder}/${file}`)
}

/** Resolves to `passed`, `failed` or `ran out of time`. */
export function runTest({ file, usualMs }, folder, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE_OPTIONS: `--import=${HOOK}`,
        MUTATION_SOURCES: folder,
        TAP_BAIL: '1',
        ...env
      },
      stdio: 'ignore',
      detached: true
    })
    let result = 'failed'
    const timer = setTimeout(() => {
      result = 'ran out of time'
      // With its children.
      process.kill(-child.pid, 'SIGKILL')
    }, limitMs(usualMs))
    child.on('exit', (code) => {
      clearTimeout(timer)
      resolve(code === 0 ? 'passed' : result)
    })
  })
}

/** For each source, by its name, which of its characters were run (1) and which were not (0). */
function reachedBy(coverage, sources) {
  const reached = new Map(sources.map(({ name, text }) => [name, new Uint8Array(text.length)]))
  for (const file of readdirSync(coverage)) {
    const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8'))
    for (const { url, functions } of result) {
      const [, name, path] = /\/packages\/(\w+)\/dist\/esm\/(.+)\.js$/.exec(url) ?? []
      const sum = reached.get(`${name}/${path}.ts`)
      if (sum === undefined) continue
      const counts = new Uint8Array(sum.length)
      // Outer ranges come before inner ones, which have the last word.
      const ranges = functions.flatMap((each) => each.ranges)
      ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
      for (const { startOffset, endOffset, count } of ranges)
        counts.fill(Math.min(1, count), startOffset, endOffset)
      counts.forEach((count, index) => {
        sum[index] |= count
      })
    }
  }
  return reached
}
