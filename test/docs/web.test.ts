import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { testProvider } from '@bandwidth-token/core/testing'
import { startEmulator } from '@bandwidth-token/emulator'
import type { Hono } from 'hono'
import t, { type Test } from 'tap'
import { MOUNT_RULES, POLICY_RULES, PROVIDER_OPTION_RULES } from '../support/core-internals.js'
import { freePort } from '../support/free-port.js'
import { spawnNode } from '../support/node.js'
import { codeBlocks, read } from './documents.js'
import { answerOf, compile, consumer } from './project.js'

const README = 'packages/web/README.md'
const readme = await read(README)
const blocks = codeBlocks(readme, 'js|ts')

t.test('the blocks of the README of packages/web compile', async (t) => {
  const project = await consumer(t)
  t.ok(blocks.length >= 5)
  for (const [index, block] of blocks.entries()) await writeFile(join(project, `block-${index}.ts`), block)
  t.equal(await compile(project), '')
})

/** Runs a block in a process of its own. Resolves to its origin. */
async function start(t: Test, code = '', env: Record<string, string> = {}): Promise<string> {
  const project = await consumer(t)
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  const port = await freePort()
  await writeFile(join(project, 'app.js'), code)
  const child = spawnNode([join(project, 'app.js')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PORT: String(port),
      BW_TOKEN_URL: emulator.tokenUrl,
      BW_CLIENT_ID: emulator.clientId,
      BW_CLIENT_SECRET: emulator.clientSecret,
      ...env
    }
  })
  t.teardown(() => child.kill('SIGKILL'))
  const origin = `http://localhost:${port}`
  t.equal((await answerOf(`${origin}/bandwidth/token`, 15_000)).status, 403)
  return origin
}

t.test('the quick start of packages/web runs as written', async (t) => {
  const origin = await start(t, blocks[0])
  t.match(await (await fetch(`${origin}/status`)).json(), { accessTokenId: String, expiresIn: Number })
})

t.test('the sign-in of packages/web gives a token to who signs in, and to nobody else', async (t) => {
  const [, section = ''] = readme.split('\n### Sign-in\n')
  const origin = await start(t, codeBlocks(section, 'js')[0], { DEMO_PASSWORD: 'right' })
  const signIn = (body: string) => fetch(`${origin}/sign-in`, { method: 'POST', body })
  for (const body of ['', 'null', '{}', '{ "password": "wrong" }']) t.equal((await signIn(body)).status, 401)
  const signedIn = await signIn('{ "password": "right" }')
  t.equal(signedIn.status, 204)
  const [cookie = ''] = signedIn.headers.getSetCookie()[0]?.split(';') ?? []
  const token = (cookie: string) => fetch(`${origin}/bandwidth/token`, { headers: { cookie } })
  t.match(await (await token(cookie)).json(), { access_token: /^ey/, expires_in: Number })
  t.equal((await token('session=another')).status, 403)
})

t.test(
  'the error handler of packages/web answers with the errors of this package, and hides all others',
  async (t) => {
    const project = await consumer(t)
    const file = join(project, 'app.mjs')
    const block = blocks.find((code) => code.includes('errorAnswer'))
    await writeFile(file, `${block}\nexport { app }\n`)
    const { app } = (await import(pathToFileURL(file).href)) as { app: Hono }
    app.get('/status', async (c) =>
      c.json(await testProvider({ error: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' }).getToken())
    )
    app.get('/other', () => {
      throw new Error('the password of the database')
    })
    const refused = await app.request('/status')
    t.equal(refused.status, 503)
    t.match(refused.headers.get('retry-after'), /^\d+$/)
    t.match(await refused.json(), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', statusCode: 503 })
    const other = await app.request('/other')
    t.equal(other.status, 500)
    t.equal(await other.text(), 'Internal Server Error')
  }
)

t.test('the README of packages/web has a row for every option and every error', async (t) => {
  const rows = new Set([...readme.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name))
  for (const name of ['provider', ...Object.keys(PROVIDER_OPTION_RULES), ...Object.keys(POLICY_RULES)]) {
    t.ok(rows.has(name), name)
  }
  for (const name of Object.keys(MOUNT_RULES)) t.notOk(rows.has(name), name)
  const source = await read('packages/core/src/errors.ts')
  const statuses = [...source.matchAll(/^ {2}(ERR_\w+): (\d+)/gm)]
  t.ok(statuses.length >= 8)
  for (const [, code, status] of statuses) {
    t.match(readme, new RegExp(`^\\| \`${code}\` +\\| ${status} +\\|`, 'm'), code ?? '')
  }
})
