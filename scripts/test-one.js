// Builds what one test file needs, and runs it: `pnpm run test:one core/account/refresh`. A path such as
// `test/core/account/refresh.test.ts` works too.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const tests = readdirSync(new URL('test/', root), { recursive: true })
  .filter((file) => file.endsWith('.test.ts') && !/(^|\/)(build|node_modules)\//.test(file))
  .map((file) => file.slice(0, -'.test.ts'.length))
const wanted = (process.argv[2] ?? '').replace(/^(\.\/)?(test\/)?/, '').replace(/(\.test)?(\.ts)?$/, '')

if (tests.includes(wanted)) {
  // The imports of a test, or its own name, tell what has to be installed for it.
  const text = `${readFileSync(new URL(`test/${wanted}.test.ts`, root), 'utf8')}${wanted}`
  const tools = Object.entries({ chromium: /chromium/, redis: /redis-server/, more: /\.more$/ })
    .filter(([, name]) => name.test(text))
    .map(([tool]) => `sh scripts/ensure-${tool}.sh`)
  // `node` alone shows each assertion. tap would build its plugins anew each time.
  const steps = [...tools, 'pnpm run build', 'tsc -b test', `node test/build/${wanted}.test.js`]
  process.exitCode = spawnSync(steps.join(' && '), { shell: true, stdio: 'inherit', cwd: root }).status ?? 1
} else {
  const problem = wanted === '' ? 'Name a test file' : `There is no test file "test/${wanted}.test.ts"`
  const list = nearest(wanted).map((name) => `  pnpm run test:one ${name}\n`)
  process.stderr.write(`${problem}. For example:\n${list.join('')}`)
  process.exitCode = 1
}

/** The five tests whose names are most similar to this one: they share the most pairs of adjacent letters. */
function nearest(name) {
  const pairs = (text) => new Set(Array.from(text, (letter, at) => letter + text[at + 1]))
  const own = pairs(name)
  const likeness = (other) =>
    [...pairs(other)].filter((pair) => own.has(pair)).length / (own.size + other.length)
  return tests.toSorted((a, b) => likeness(b) - likeness(a)).slice(0, 5)
}
