// The tests that faults are planted under, and which of them reaches what.
import { fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const HOOK = new URL('hook.js', import.meta.url).href
const WORKER = fileURLToPath(new URL('worker.js', import.meta.url))
/** After so many runs a process has loaded so much that it becomes slow. */
const MAX_RUNS = 100

const limitMs = (usualMs) => 2_000 + 4 * usualMs

/** All test files in these folders, not yet measured. `isRandom` are those that draw thousands of values. */
export function findTests(folders) {
  return folders
    .flatMap((name) => testFiles(`test/build/${name}`))
    .map((file) => ({
      file,
      isRandom: readFileSync(join(ROOT, file), 'utf8').includes("'fast-check'"),
      found: {}
    }))
}

function testFiles(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((file) => file.endsWith('.test.js') && !file.endsWith('.more.test.js'))
    .map((file) => `${folder}/${file}`)
}

/** Runs tests, one at a time, in a process that they share as long as it stays sound. */
export class Runner {
  #child
  #runs = 0

  /**
   * Runs a test over the sound sources in `folder`, and notes how long it takes and what it reaches. Returns whether it
   * passes: one that does not can judge nothing.
   */
  async measure(test, folder, sources) {
    // A test of time may fail once on a machine that is busy.
    for (let tries = 0; tries < 2; tries++) {
      const run = await this.#run({ ...test, usualMs: 60_000 }, folder, { isQuick: true, isMeasured: true })
      test.usualMs = run.tookMs
      test.reached = reachedBy(run.scripts, sources)
      if (run.result === 'passed') return true
      this.end()
    }
    return false
  }

  /** Whether a test finds the fault in `folder`. */
  async finds(test, folder, soundFolder, isQuick) {
    for (;;) {
      let { result } = await this.#run(test, folder, { isQuick })
      if (result === 'passed') return false
      // An earlier fault may have left something behind that makes this test fail.
      const isSound = this.#child && (await this.#run(test, soundFolder, { isQuick })).result === 'passed'
      if (result === 'failed' && isSound) return true
      this.end()
      ;({ result } = await this.#run(test, folder, { isQuick }))
      if (result !== 'ran out of time') return result === 'failed'
      // An endless loop; or a machine that has become slow, and then the test is slow without the fault too.
      const { tookMs } = await this.#run(test, soundFolder, { isQuick })
      if (tookMs <= 2 * test.usualMs) return true
      test.usualMs = tookMs
    }
  }

  end() {
    if (this.#child !== undefined) kill(this.#child)
    this.#child = undefined
    this.#runs = 0
  }

  /** The `result` is `passed`, `failed` or `ran out of time`. */
  async #run({ file, usualMs }, folder, how) {
    if (this.#runs++ >= MAX_RUNS) this.end()
    const child = this.#child ?? this.#start()
    const startMs = performance.now()
    const { promise, resolve } = withResolvers()
    const end = (result) => {
      if (this.#child === child) this.end()
      resolve({ result, tookMs: performance.now() - startMs, scripts: [] })
    }
    const timer = setTimeout(end, limitMs(usualMs), 'ran out of time')
    const exited = () => end('failed')
    // tap sends messages of its own.
    const answered = (message) => message.result && resolve(message)
    child.on('exit', exited)
    child.on('message', answered)
    child.send({ file, folder, ...how })
    const run = await promise
    clearTimeout(timer)
    child.off('exit', exited)
    child.off('message', answered)
    return run
  }

  #start() {
    const child = fork(WORKER, {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: `--import=${HOOK}` },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: true
    })
    children.add(child)
    // It may end between two runs, of something that a fault has left behind.
    child.once('exit', () => {
      if (this.#child === child) this.end()
    })
    child.on('error', () => this.end())
    this.#child = child
    return child
  }
}

const children = new Set()
process.on('exit', () => children.forEach(kill))

/** With its own children. */
function kill(child) {
  children.delete(child)
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

function withResolvers() {
  let resolve
  const promise = new Promise((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** For each source, by its name, which of its characters were run (1) and which were not (0). */
function reachedBy(scripts, sources) {
  const reached = new Map(sources.map(({ name, text }) => [name, new Uint8Array(text.length)]))
  for (const { url, functions } of scripts) {
    const [, name, path] = /\/packages\/(\w+)\/dist\/esm\/(.+)\.js\?/.exec(url) ?? []
    const sum = reached.get(`${name}/${path}.ts`)
    if (sum === undefined) continue
    // Outer ranges come before inner ones, which have the last word.
    const ranges = functions.flatMap((each) => each.ranges)
    ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
    for (const { startOffset, endOffset, count } of ranges)
      sum.fill(Math.min(1, count), startOffset, endOffset)
  }
  return reached
}
