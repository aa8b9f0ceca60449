import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startEndpoint } from '../../support/endpoint.js'
import { Program } from '../../support/program.js'
import { KEY } from './fleet.js'

const CORE = fileURLToPath(new URL('../../../../packages/core/', import.meta.url))

/** A core without the code for stores, which gets a token: the program's exit code and the requests that it made. */
async function runWithoutStoreCode(t: Test, format: 'esm' | 'cjs', hasStore: boolean) {
  const endpoint = await startEndpoint(t)
  const folder = await mkdtemp(join(tmpdir(), 'loaded-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await cp(join(CORE, 'package.json'), join(folder, 'package.json'))
  await cp(join(CORE, 'dist'), join(folder, 'dist'), { recursive: true })
  await symlink(join(CORE, 'node_modules'), join(folder, 'node_modules'))
  await rm(join(folder, 'dist', format, 'store'), { recursive: true })

  const none =
    '{ get: async () => {}, set: async () => {}, delete: async () => {}, lock: async () => true, unlock: async () => {} }'
  const main = `
    const provider = new TokenProvider({
      clientId: 'client',
      clientSecret: 'secret',
      tokenUrl: '${endpoint.tokenUrl}'${hasStore ? `,\n      store: ${none},\n      storeKeys: ['${KEY}']` : ''},
      logger: { info() {}, debug() {}, error: console.error, warn: (fields, message) => console.error(message) }
    })
    provider.getToken().then(() => provider.getToken({ account: 'ada' })).then(() => provider.close())`
  const program = new Program(
    t,
    format === 'esm'
      ? ['--input-type=module', '--eval', `import { TokenProvider } from './dist/esm/index.js'${main}`]
      : ['--eval', `const { TokenProvider } = require('./dist/cjs/index.js')${main}`],
    { cwd: folder, env: { PATH: process.env['PATH'] } }
  )
  const exitCode = await program.exitCode()
  return { exitCode, stderr: program.stderr, requests: endpoint.count }
}

for (const format of ['esm', 'cjs'] as const) {
  t.test(`without a store, nothing of what stores need is loaded: ${format}`, async (t) => {
    t.match(await runWithoutStoreCode(t, format, false), { exitCode: 0, stderr: '', requests: 2 })
    t.match(
      await runWithoutStoreCode(t, format, true),
      { exitCode: 0, stderr: 'The code for the store could not be loaded.', requests: 2 },
      'with one, it is; if that fails, the process fetches its own tokens'
    )
  })
}
