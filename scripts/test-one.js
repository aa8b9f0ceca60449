// Builds what one test file needs, and runs it: `pnpm run test:one core/account/refresh`. A path such as
// `test/core/account/refresh.test.ts` does as well.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const tests = readdirSync(new URL('test/', root), { recursive: true })
  .filter((file) => file.endsWith('.test.ts') && !/(^|\/)(build|node_modules)\//.test(file))
  .map((file) => file.slice(0, -'.test.ts'.length))
const wanted = (process.argv[2] ?? '').replace(/^(\.\/)?(test\/)?/, '').replace(/(\.test)?(\.ts)?$/, '')

if (tests.includes(wanted)) {
  // A browser is looked for only where a test needs one.
  const browser = wanted.includes('chromium') ? 'sh scripts/ensure-chromium.sh && ' : ''
  const command = `${browser}pnpm run build && tsc -b test && tap build && tap run --disable-coverage test/build/${wanted}.test.js`
  process.exitCode = spawnSync(command, { shell: true, stdio: 'inherit', cwd: root }).status ?? 1
} else {
  const problem = wanted === '' ? 'Name a test file' : `There is no test file "test/${wanted}.test.ts"`
  const list = nearest(wanted).map((name) => `  pnpm run test:one ${name}\n`)
  process.stderr.write(`${problem}. For example:\n${list.join('')}`)
  process.exitCode = 1
}

/** The five tests whose names have most in common with this one: pairs of letters that stand together. */
function nearest(name) {
  const pairs = (text) => new Set(Array.from(text, (letter, at) => letter + text[at + 1]))
  const own = pairs(name)
  const likeness = (other) =>
    [...pairs(other)].filter((pair) => own.has(pair)).length / (own.size + other.length)
  return tests.toSorted((a, b) => likeness(b) - likeness(a)).slice(0, 5)
}
