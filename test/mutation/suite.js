// The tests that faults are planted under, and which of them reaches what.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const HOOK = new URL('hook.js', import.meta.url).href

const limitMs = (usualMs) => 5_000 + 4 * usualMs

const children = new Set()
process.on('exit', () => children.forEach(kill))

/** Runs each test once over the sound sources in `folder`. Throws if one fails. */
export async function measureTests(folder, sources) {
  const tests = []
  for (const file of ['core', 'faults', 'adapters'].flatMap((name) => testFiles(`test/build/${name}`))) {
    const coverage = join(folder, 'coverage', file)
    const { result, tookMs } = await runTest({ file, usualMs: 60_000 }, folder, {
      NODE_V8_COVERAGE: coverage
    })
    if (result !== 'passed') throw new Error(`${file} ${result} without any fault`)
    tests.push({ file, usualMs: tookMs, reached: reachedBy(coverage, sources), found: {} })
  }
  return tests
}

/** Whether a test finds the fault in `folder`. */
export async function finds(test, folder, soundFolder) {
  for (;;) {
    const { result } = await runTest(test, folder)
    if (result !== 'ran out of time') return result === 'failed'
    // An endless loop; or a machine that has become slow, and then the test is slow without the fault too.
    const { tookMs } = await runTest(test, soundFolder)
    if (tookMs <= 2 * test.usualMs) return true
    test.usualMs = tookMs
  }
}

function testFiles(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => `${folder}/${file}`)
}

/** The `result` is `passed`, `failed` or `ran out of time`. */
function runTest({ file, usualMs }, folder, env = {}) {
  return new Promise((resolve) => {
    const startMs = performance.now()
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
    children.add(child)
    let result = 'failed'
    const timer = setTimeout(() => {
      result = 'ran out of time'
      kill(child)
    }, limitMs(usualMs))
    child.on('exit', (code) => {
      children.delete(child)
      clearTimeout(timer)
      resolve({ result: code === 0 ? 'passed' : result, tookMs: performance.now() - startMs })
    })
  })
}

/** With its own children. */
function kill({ pid }) {
  process.kill(-pid, 'SIGKILL')
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
