// Writes the files that tap runs: `test/build/together/*.test.js`, each with the compiled tests of one folder. To start
// tap with its measuring of coverage takes a process longer than most files of tests take.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'

/** Tests that change or count what belongs to the whole process, or run their parts side by side. */
const ALONE = [
  'core/polluted-prototype',
  'core/silent-secrets',
  'core/store/loading',
  'docs/bun',
  'faults/',
  'leaks/',
  'model/'
]

const tests = new URL('../test/build/', import.meta.url)
const together = new URL('together/', tests)

const groups = new Map()
for (const file of readdirSync(tests, { recursive: true }).toSorted()) {
  if (!file.endsWith('.test.js') || file.includes('.more.') || file.startsWith('together/')) continue
  const path = file.slice(0, -'.test.js'.length)
  const group = ALONE.some((name) => path.startsWith(name)) ? path : path.slice(0, path.lastIndexOf('/'))
  groups.set(group, [...(groups.get(group) ?? []), file])
}

rmSync(together, { recursive: true, force: true })
mkdirSync(together)
for (const [name, files] of groups) {
  const imports = files.map((file) => `import '../${file}'\n`)
  writeFileSync(new URL(`${name.replaceAll('/', '-')}.test.js`, together), imports.join(''))
}
