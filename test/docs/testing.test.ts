import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TokenProvider } from '@bandwidth-token/core'
import { startEmulator } from '@bandwidth-token/emulator'
import sinon from 'sinon'
import t from 'tap'
import { run } from '../packaging/foreign.js'
import { consumer } from './project.js'
import { pageOnTesting } from './testing-page.js'

// What Jest and Vitest run is in testing-runners.more.test.ts.
const files = await pageOnTesting()
const project = await consumer(t)
for (const [name, code] of files) {
  await mkdir(dirname(join(project, name)), { recursive: true })
  await writeFile(join(project, name), code)
}

t.test('every block of the page on testing is a file that some runner runs', async (t) => {
  const names = [...files.keys()]
  t.ok(names.length >= 16)
  for (const name of names) t.match(name, /^(test|jest|vitest)\/|^(jest|vitest)\.config|app\.c?js$/, name)
})

t.test('its tests for node:test, tap, Sinon, a clock and MockAgent pass as written', async (t) => {
  // In one process, which is faster than one for each file.
  const tests = [...files.keys()].filter((name) => /^test\/.*\.test\.js$/.test(name))
  t.equal(tests.length, 5)
  await writeFile(join(project, 'all.js'), tests.map((name) => `import './${name}'\n`).join(''))
  const report = await run(process.execPath, ['--test-reporter=tap', 'all.js'], { cwd: project })
  t.match(report, /^# pass 7$/m)
  t.match(report, /^# fail 0$/m)
  await run(process.execPath, ['test/status.tap.js'], { cwd: project })
})

t.test('a request hangs under the fake timers that Sinon makes by default', async (t) => {
  const advised = /useFakeTimers\(({.*?})\)/.exec(files.get('test/fake-timers.test.js') ?? '')?.[1]
  t.equal(advised, "{ toNotFake: ['nextTick', 'queueMicrotask'] }")
  const { setImmediate } = globalThis
  for (const [toNotFake, arrived] of [
    [[], 0],
    [['nextTick', 'queueMicrotask'], 1]
  ] as const) {
    const emulator = await startEmulator()
    t.teardown(() => emulator.close())
    const { clientId, clientSecret, tokenUrl } = emulator
    const provider = new TokenProvider({ clientId, clientSecret, tokenUrl })
    const clock = sinon.useFakeTimers({ toNotFake: [...toNotFake] })
    const token = provider.getToken()
    token.catch(() => {})
    if (arrived > 0) await token
    else for (let turn = 0; turn < 1000; turn++) await new Promise((resolve) => setImmediate(resolve))
    clock.restore()
    t.equal(emulator.received.length, arrived, `not faked: ${toNotFake}`)
    await provider.close()
  }
})
