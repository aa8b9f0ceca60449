import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { codeBlocks, read } from '../docs/documents.js'
import { grant, startEndpoint } from '../support/endpoint.js'
import { freePort } from '../support/free-port.js'
import { foreign, install, run, type Tarball } from './foreign.js'

const ROUTE = 'app/bandwidth/token/route.ts'
const SIGNED_IN = { cookie: 'session=your own check' }

/** An app of Next.js with the route of the README of packages/web: built and started, and under development. */
export async function nextServesTokens(t: Test, folder: string, tarballs: readonly Tarball[]): Promise<void> {
  const app = await install(join(folder, 'next'), 'next', tarballs)
  const block = codeBlocks(await read('packages/web/README.md'), 'ts').find((code) => code.includes(ROUTE))
  await mkdir(join(app, 'app/bandwidth/token'), { recursive: true })
  await writeFile(join(app, ROUTE), block ?? '')
  const { tokenUrl, requests } = await startEndpoint(t, grant())
  const env = {
    BW_CLIENT_ID: 'client',
    BW_CLIENT_SECRET: 'secret',
    BW_TOKEN_URL: tokenUrl,
    NEXT_TELEMETRY_DISABLED: '1'
  }
  const next = join(app, 'node_modules/next/dist/bin/next')

  /** Starts it, and returns a function that asks for a token. */
  async function start(t: Test, command: 'start' | 'dev') {
    const port = await freePort()
    const args = foreign(process.execPath, [next, command, '-H', '127.0.0.1', '-p', `${port}`], env)
    // In a group of its own, because it has children.
    const child = spawn('env', args, { cwd: app, stdio: 'ignore', detached: true })
    t.teardown(() => process.kill(-(child.pid ?? 0), 'SIGKILL'))
    return (headers: Record<string, string> = {}, method = 'GET') =>
      answerOf(`http://127.0.0.1:${port}/bandwidth/token`, { headers, method })
  }

  await t.test('next build and next start', async (t) => {
    await run(process.execPath, [next, 'build'], { cwd: app, env })
    t.equal(requests.length, 0, 'the build fetches nothing')
    const ask = await start(t, 'start')
    t.equal((await ask()).status, 403)
    const answer = await ask(SIGNED_IN)
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.match(await answer.json(), { access_token: 'token-1', expires_in: Number })
    t.equal(await (await ask(SIGNED_IN, 'HEAD')).text(), '')
    t.equal((await ask({ ...SIGNED_IN, 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal((await ask(SIGNED_IN, 'POST')).status, 405)
    t.equal(requests.length, 1)
  })

  await t.test('next dev keeps one provider, whatever is changed', async (t) => {
    const before = requests.length
    const ask = await start(t, 'dev')
    t.equal((await ask(SIGNED_IN)).status, 200)
    const route = await readFile(join(app, ROUTE), 'utf8')
    await writeFile(join(app, ROUTE), route.replace('your own check', 'another check'))
    const signedInThen = { cookie: 'session=another check' }
    const deadline = performance.now() + 60_000
    while ((await ask(signedInThen)).status !== 200) {
      if (performance.now() > deadline) throw new Error('the change of authorize took no effect')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    t.equal((await ask(SIGNED_IN)).status, 403)
    t.equal(requests.length, before + 1)
  })
}

/** Asks until the server is there. */
async function answerOf(url: string, init: RequestInit): Promise<Response> {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      return await fetch(url, init)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
