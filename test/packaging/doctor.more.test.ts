import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { foreignFolder, install, packAll, run } from './foreign.js'

t.setTimeout(600_000)

t.test('the packed doctor finds in an empty folder that all is well, in under five seconds', async (t) => {
  const folder = await foreignFolder(t)
  const tarballs = (await packAll(folder)).filter(({ manifest }) => /\/(cli|core)$/.test(manifest.name))
  const { clientId, clientSecret, close, tokenUrl } = await startEmulator()
  t.teardown(close)
  const env = { BW_CLIENT_ID: clientId, BW_CLIENT_SECRET: clientSecret, BW_TOKEN_URL: tokenUrl }

  const empty = join(folder, 'empty')
  await mkdir(empty)
  const packages = tarballs.map(({ file }) => `--package=${file}`)
  const args = ['--yes', '--prefer-offline', ...packages, 'bandwidth-token', 'check']
  t.match(await run('npx', args, { cwd: empty, env }), /\nAll is well\.\n$/)
  t.strictSame(await readdir(empty), [], 'and leaves it empty')

  // What npm takes to install it does not count.
  const directory = await install(join(folder, 'doctor'), 'doctor', tarballs)
  const command = join(directory, 'node_modules/.bin/bandwidth-token')
  let quickestMs = Number.POSITIVE_INFINITY
  // The best of three, since other programs run on this machine too.
  for (let runs = 0; runs < 3; runs++) {
    const startedAt = performance.now()
    const report = await run(command, ['check'], { cwd: directory, env })
    quickestMs = Math.min(quickestMs, performance.now() - startedAt)
    t.match(report, /\nAll is well\.\n$/)
  }
  t.ok(quickestMs < 5_000, `${Math.round(quickestMs)} ms`)
})
