import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startEndpoint } from '../../support/endpoint.js'
import { Program } from '../../support/program.js'
import { KEY } from './fleet.js'

/** What Node has loaded by the end of a program that gets a token: the files of the core, below its `dist`. */
async function loadedBy(t: Test, format: 'esm' | 'cjs', hasStore: boolean): Promise<string[]> {
  const endpoint = await startEndpoint(t)
  const folder = await mkdtemp(join(tmpdir(), 'loaded-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const none =
    '{ get: async () => {}, set: async () => {}, delete: async () => {}, lock: async () => true, unlock: async () => {} }'
  const main = `
    const provider = new TokenProvider({
      clientId: 'client',
      clientSecret: 'secret',
      tokenUrl: '${endpoint.tokenUrl}'${hasStore ? `,\n      store: ${none},\n      storeKeys: ['${KEY}']` : ''}
    })
    provider.getToken().then(() => provider.close())`
  const program = new Program(
    t,
    format === 'esm'
      ? ['--input-type=module', '--eval', `import { TokenProvider } from '@bandwidth-token/core'${main}`]
      : ['--eval', `const { TokenProvider } = require('@bandwidth-token/core')${main}`],
    {
      // From where the packages of the workspace are found.
      cwd: fileURLToPath(new URL('../../../../test/', import.meta.url)),
      // Node notes there what it has loaded.
      env: { PATH: process.env['PATH'], NODE_V8_COVERAGE: folder }
    }
  )
  t.equal(await program.exitCode(), 0, program.stderr)
  t.equal(endpoint.count, 1)
  const [file = ''] = await readdir(folder)
  const { result } = JSON.parse(await readFile(join(folder, file), 'utf8')) as { result: { url: string }[] }
  return result.flatMap(({ url }) => url.split(`/packages/core/dist/${format}/`)[1] ?? [])
}

for (const format of ['esm', 'cjs'] as const) {
  t.test(`without a store, nothing of what stores need is loaded: ${format}`, async (t) => {
    const without = await loadedBy(t, format, false)
    t.ok(without.includes('provider.js'))
    t.strictSame(
      without.filter((file) => file.startsWith('store/')),
      []
    )
    const stored = await loadedBy(t, format, true)
    t.ok(stored.includes('store/agreement.js') && stored.includes('store/sealer.js'), 'with one, it is')
  })
}
