import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { testProvider } from '@bandwidth-token/core/testing'
import { startEmulator } from '@bandwidth-token/emulator'
import Koa from 'koa'
import t from 'tap'
import { adapterSuite } from '../contract/adapter-suite.js'
import { codeBlocks, read } from '../docs/documents.js'
import { type KoaAdapter, koaHarness } from '../support/adapters-koa.js'
import { until } from '../support/outcomes.js'
import { Program } from '../support/program.js'

const [adapter = '', app = ''] = codeBlocks(await read('docs/writing-an-adapter.md'), 'js')
const folder = new URL('../guide/', import.meta.url)
await mkdir(folder, { recursive: true })
await writeFile(fileURLToPath(new URL('adapter.mjs', folder)), adapter)
await writeFile(fileURLToPath(new URL('app.mjs', folder)), app)
const { bandwidthToken } = (await import(new URL('adapter.mjs', folder).href)) as {
  bandwidthToken: KoaAdapter
}

adapterSuite(t, koaHarness(bandwidthToken))

t.test('the adapter of the guide has thirty lines at most', async (t) => {
  const lines = adapter.trimEnd().split('\n').length
  t.ok(lines >= 20 && lines <= 30, `${lines} lines`)
})

t.test('the adapter of the guide refuses a name that the context has', async (t) => {
  const koa = new Koa()
  koa.silent = true
  const provider = testProvider()
  koa.use(bandwidthToken({ provider, authorize: () => true, path: '/other', decorateAs: 'body' }))
  const server = koa.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 500)
})

t.test('the app of the guide runs as written', async (t) => {
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  await once(free.close(), 'close')
  const { tokenUrl: BW_TOKEN_URL, clientId: BW_CLIENT_ID, clientSecret: BW_CLIENT_SECRET } = emulator
  const env = { PORT: String(port), BW_TOKEN_URL, BW_CLIENT_ID, BW_CLIENT_SECRET }
  const program = new Program(t, [fileURLToPath(new URL('app.mjs', folder))], { env })
  let answer: Response | undefined
  await until(() => {
    fetch(`http://127.0.0.1:${port}/`).then(
      (response) => {
        answer ??= response
      },
      () => {}
    )
    return answer !== undefined || program.process.exitCode !== null
  })
  t.equal(program.stderr, '')
  t.match(await answer?.json(), { accessTokenId: String, expiresIn: Number })
  t.equal((await fetch(`http://127.0.0.1:${port}/bandwidth/token`)).status, 403)
})
