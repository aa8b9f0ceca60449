import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { foreignFolder, install, packAll, run } from '../packaging/foreign.js'
import { pageOnTesting } from './testing-page.js'

// What Jest and Vitest run of docs/testing.md. npm may have to download them.
t.setTimeout(600_000)

const files = await pageOnTesting()
const folder = await foreignFolder(t)
const tarballs = await packAll(folder)
const project = await install(
  join(folder, 'testing'),
  'testing',
  tarballs.filter(({ manifest }) => /(core|fastify|express|emulator)$/.test(manifest.name))
)
for (const [name, code] of files) {
  await mkdir(dirname(join(project, name)), { recursive: true })
  await writeFile(join(project, name), code)
}
const jest = (...args: string[]) =>
  run(process.execPath, [join(project, 'node_modules/jest/bin/jest.js'), '--json', ...args], { cwd: project })

t.test("the page's tests for Jest pass as written, the global setup included", async (t) => {
  const report = JSON.parse(await jest()) as { numPassedTests: number; numPassedTestSuites: number }
  t.match(report, { numPassedTests: 5, numPassedTestSuites: 3 })
})

t.test('a request hangs under the fake timers that Jest makes by default', async (t) => {
  const code = files.get('jest/fake-timers.test.cjs') ?? ''
  t.match(code, /doNotFake: \['nextTick', 'queueMicrotask'\]/)
  await writeFile(
    join(project, 'jest/hangs.test.cjs'),
    code.replace(/useFakeTimers\(.*?\)/, 'useFakeTimers()')
  )
  await t.rejects(jest('hangs'), { message: /Exceeded timeout/ })
})

t.test("the page's tests for Vitest pass as written, the global setup included", async (t) => {
  const vitest = join(project, 'node_modules/vitest/vitest.mjs')
  const report = JSON.parse(await run(process.execPath, [vitest, 'run', '--reporter=json'], { cwd: project }))
  t.match(report, { numPassedTests: 2, numFailedTests: 0 })
})
