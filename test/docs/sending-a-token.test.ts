import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { startEndpoint } from '../support/endpoint.js'
import { Program } from '../support/program.js'
import { codeBlocks, read } from './documents.js'
import { compile, consumer } from './project.js'

const PAGE = 'docs/sending-a-token.md'
const blocks = codeBlocks(await read(PAGE), 'js')
const RUNNING = ['undici', 'fetch', 'bandwidth-sdk']

t.test('every block compiles', async (t) => {
  const project = await consumer(t)
  t.equal(blocks.length, RUNNING.length + 1)
  for (const [index, block] of blocks.entries()) await writeFile(join(project, `block-${index}.ts`), block)
  t.equal(await compile(project), '')
})

for (const [index, name] of RUNNING.entries()) {
  t.test(`the block with ${name} runs as written`, async (t) => {
    const project = await consumer(t)
    const emulator = await startEmulator()
    t.teardown(() => emulator.close())
    const sent: unknown[] = []
    const api = await startEndpoint(t, ({ request, response }) => {
      sent.push(request.headers.authorization)
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('[{"callId":"c-1"}]')
    })
    // Only where the API is differs from what is written.
    const block = (blocks[index] ?? '')
      .replaceAll('https://voice.bandwidth.com', api.origin)
      .replace("accessToken: '',", `accessToken: '', basePath: '${api.origin}/api/v2',`)
    await writeFile(join(project, 'block.js'), block)
    const program = new Program(t, [join(project, 'block.js')], {
      env: {
        BW_TOKEN_URL: emulator.tokenUrl,
        BW_CLIENT_ID: emulator.clientId,
        BW_CLIENT_SECRET: emulator.clientSecret,
        BW_ACCOUNT_ID: '5500'
      }
    })
    t.equal(await program.exitCode(), 0)
    t.equal(program.stderr, '')
    t.match(program.stdout, /^200 .*c-1/s)
    t.match(api.requests[0]?.url, '/api/v2/accounts/5500/calls')
    t.match(sent, [/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/])
    t.equal(emulator.received.length, 1)
  })
}

t.test('the origins are those that bandwidth-sdk calls', async (t) => {
  const base = createRequire(import.meta.url)
    .resolve('bandwidth-sdk')
    .replace('index.js', 'base.js')
  const called = new Set((await readFile(base, 'utf8')).match(/https:\/\/[\w.-]*\.bandwidth\.com/g))
  const listed = new Set(
    blocks[RUNNING.indexOf('bandwidth-sdk')]?.match(/https:\/\/[\w.-]*\.bandwidth\.com/g)
  )
  t.strictSame([...listed].sort(), [...called].sort())
})
