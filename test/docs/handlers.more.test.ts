import { once } from 'node:events'
import { readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startEmulator } from '@bandwidth-token/emulator'
import t, { type Test } from 'tap'
import { freePort } from '../support/free-port.js'
import { spawnNode } from '../support/node.js'
import { processEvents } from '../support/process-events.js'
import { codeBlocks, isCommonJs, read } from './documents.js'
import { answerOf, consumer } from './project.js'

const emulator = await startEmulator()
t.teardown(() => emulator.close())
const FASTIFY = 'packages/fastify/README.md'
const EXPRESS = 'packages/express/README.md'

/** The code under a heading. */
async function under(document: string, heading: string, index = 0): Promise<string> {
  const text = (await read(document)).split(new RegExp(`^#+ ${heading}$`, 'm'))[1] ?? ''
  return codeBlocks(text, 'js')[index] ?? ''
}

const project = await consumer(t)
const projectOfExpress4 = await consumer(t)
const link = join(projectOfExpress4, 'node_modules/express')
const express4 = join(dirname(await readlink(link)), 'express4')
await rm(link)
await symlink(express4, link)

const VERSIONS = [
  [FASTIFY, 'Fastify', project],
  [EXPRESS, 'Express 4', projectOfExpress4],
  [EXPRESS, 'Express 5', project]
] as const

const unhandled = processEvents(t, 'unhandledRejection')
const environment = (tokenUrl: string) => ({
  BW_TOKEN_URL: tokenUrl,
  BW_CLIENT_ID: emulator.clientId,
  BW_CLIENT_SECRET: emulator.clientSecret,
  BW_ACCOUNT_ID: '55'
})
let files = 0

/** Loads code of a reader into this process, and lets its app listen on a free port. */
async function load(
  t: Test,
  code: string,
  { folder = project, tokenUrl = emulator.tokenUrl } = {}
): Promise<string> {
  const isCommon = isCommonJs(code)
  const file = join(folder, `app-${files++}.${isCommon ? 'cjs' : 'js'}`)
  const own = code.replace(/^(?:await )?app\.listen\(.*$/m, '').replace('logger: true', 'logger: false')
  await writeFile(file, `${own}\n${isCommon ? 'module.exports = { app }' : 'export { app }'}\n`)
  const variables = environment(tokenUrl)
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name]
  })
  const { app } = (await import(pathToFileURL(file).href)) as { app: App }
  if ('inject' in app) {
    t.teardown(() => app.close())
    return app.listen({ port: 0 })
  }
  app.set('env', 'test') // No stack in the console.
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return originOf(server)
}

type App =
  | { inject: unknown; listen(options: object): Promise<string>; close(): unknown }
  | { listen(port: number, host: string): Server; set(name: string, value: string): unknown }

const originOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const isDown = { tokenUrl: `http://127.0.0.1:${await freePort()}/token` }

for (const [document, framework, folder] of VERSIONS) {
  t.test(`the quick start runs on ${framework}, and stays up if Bandwidth is down`, async (t) => {
    const code = await under(document, 'Quick start')
    const origin = await load(t, code, { folder })
    t.match(await (await fetch(`${origin}/status`)).json(), { accessTokenId: String, expiresIn: Number })
    t.equal((await fetch(`${origin}/bandwidth/token`)).status, 403)

    const down = await load(t, code, { folder, ...isDown })
    t.equal((await fetch(`${down}/status`)).status, 503)
    t.strictSame(unhandled, [])
  })

  t.test(`CommonJS runs as written on ${framework}`, async (t) => {
    const code = await under(document, 'CommonJS')
    t.match(code, /require\('@bandwidth-token/)
    const origin = await load(t, code, { folder })
    t.equal((await fetch(`${origin}/bandwidth/token`)).status, 403)
    const signedIn = await load(t, code.replace(/authorize: .*? }/, 'authorize: () => true }'), { folder })
    t.match(await (await fetch(`${signedIn}/bandwidth/token`)).json(), {
      access_token: /^ey/,
      expires_in: Number
    })
  })

  t.test(`a handler calls Bandwidth as written on ${framework}`, async (t) => {
    const authorizations: (string | undefined)[] = []
    const bandwidth = createServer(({ url, headers }, response) => {
      authorizations.push(headers.authorization)
      response.setHeader('content-type', 'application/json').end(JSON.stringify([url]))
    }).listen(0, '127.0.0.1')
    t.teardown(() => bandwidth.close())
    await once(bandwidth, 'listening')
    const code = await under(document, 'Call Bandwidth from a handler')
    const origin = await load(t, code.replace('https://voice.bandwidth.com', originOf(bandwidth)), { folder })
    t.strictSame(await (await fetch(`${origin}/calls`)).json(), ['/api/v2/accounts/55/calls'])
    t.match(authorizations, [/^Bearer ey/])
    t.equal(emulator.received.at(-1)?.scope, undefined)
  })
}

for (const [document, framework, folder] of VERSIONS) {
  t.test(`the sign-in gives a token to who signs in on ${framework}, and to nobody else`, async (t) => {
    const variables = { SESSION_SECRET: 'at least 32 characters, and secret', DEMO_PASSWORD: 'right' }
    Object.assign(process.env, variables)
    t.teardown(() => {
      for (const name of Object.keys(variables)) delete process.env[name]
    })
    const origin = await load(t, await under(document, 'Sign-in'), { folder })
    const signIn = (body: object) =>
      fetch(`${origin}/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body)
      })
    const token = (cookie: string) => fetch(`${origin}/bandwidth/token`, { headers: { cookie } })
    t.equal((await token('')).status, 403)
    for (const body of [{}, { password: 'wrong' }, { password: ['right', 'wrong'] }]) {
      t.equal((await signIn(body)).status, 401)
    }
    const signedIn = await signIn({ password: 'right' })
    t.equal(signedIn.status, 204)
    const [cookie = ''] = signedIn.headers.getSetCookie()[0]?.split(';') ?? []
    t.match(await (await token(cookie)).json(), { access_token: /^ey/, expires_in: Number })

    for (const name of Object.keys(variables)) {
      delete process.env[name]
      await t.rejects(load(t, await under(document, 'Sign-in'), { folder }), /^Set SESSION_SECRET and/, name)
      Object.assign(process.env, variables)
    }
  })
}

for (const [document, framework] of [
  [FASTIFY, 'Fastify'],
  [EXPRESS, 'Express 5']
] as const) {
  t.test(`the quick start listens as written on ${framework}`, async (t) => {
    const file = join(project, `quick-start-${framework}.js`)
    await writeFile(file, await under(document, 'Quick start'))
    const port = await freePort()
    const { origin } = start(t, file, port)
    t.equal((await answerOf(`${origin}/bandwidth/token`)).status, 403)
  })
}

t.test('the shorter handler is safe on Express 5, and ends a process of Express 4', async (t) => {
  const [, handler = ''] = (await under(EXPRESS, 'Express 4 and 5')).split('const app = express()\n')
  t.notMatch(handler, /next/)
  const code = (await under(EXPRESS, 'Quick start')).replace(/^app.get\(.*?^}\)$/ms, () => handler.trim())
  t.equal((await fetch(`${await load(t, code, isDown)}/status`)).status, 503)
  t.strictSame(unhandled, [])

  const file = join(projectOfExpress4, 'short.js')
  await writeFile(file, code)
  const { child, origin } = start(t, file, await freePort(), isDown.tokenUrl)
  t.equal((await answerOf(`${origin}/none`)).status, 404)
  const ended = once(child, 'exit')
  await t.rejects(fetch(`${origin}/status`))
  t.strictSame(await ended, [1, null])
})

function start(t: Test, file: string, port: number, tokenUrl = emulator.tokenUrl) {
  const child = spawnNode([file], {
    stdio: 'ignore',
    env: { PORT: `${port}`, ...environment(tokenUrl) }
  })
  t.teardown(() => child.kill('SIGKILL'))
  return { child, origin: `http://localhost:${port}` }
}

t.test('the test of the README of packages/express passes', async (t) => {
  const file = join(project, 'token.test.cjs')
  await writeFile(file, await under(EXPRESS, 'Testing your app'))
  const tests: (() => Promise<void>)[] = []
  const compared: unknown[] = []
  const jest = {
    test: (_name: string, fn: () => Promise<void>) => tests.push(fn),
    expect: (value: unknown) => ({ toBe: (expected: unknown) => compared.push([value, expected]) })
  }
  Object.assign(globalThis, jest)
  t.teardown(() => {
    for (const name of Object.keys(jest)) Reflect.deleteProperty(globalThis, name)
  })
  await import(pathToFileURL(file).href)
  for (const test of tests) await test()
  t.strictSame(compared, [
    [403, 403],
    [60, 60]
  ])
})

t.test('the core and the store are taken from CommonJS as written', async (t) => {
  for (const name of ['core', 'redis']) {
    const line = /In CommonJS: `(.*)`/.exec(await read(`packages/${name}/README.md`))?.[1] ?? ''
    const taken = /{ (\w+) }/.exec(line)?.[1] ?? ''
    const file = join(project, `${name}.cjs`)
    await writeFile(file, `${line}\nmodule.exports = ${taken}`)
    t.type((await import(pathToFileURL(file).href)).default, 'function', line)
  }
})

t.test('a token that is returned as it is shows its id and the seconds left', async (t) => {
  const code = (await under(FASTIFY, 'Quick start')).replace(
    /^app.get\(.*?^}\)$/ms,
    "app.get('/status', (request) => request.bandwidthToken())"
  )
  const token = await (await fetch(`${await load(t, code)}/status`)).json()
  t.strictSame(Object.keys(token), ['accessTokenId', 'expiresIn'])
})

t.test('each field of a token has a row in the README of every package that gives one', async (t) => {
  const source = await read('packages/core/src/token/access-token.ts')
  const fields = [...source.matchAll(/^ {2}get (\w+)\(/gm)].map(([, name]) => name)
  t.ok(fields.length >= 7)
  for (const document of ['packages/core/README.md', FASTIFY, EXPRESS]) {
    const [, section = ''] = (await read(document)).split('\n### The token\n')
    const rows = [...section.matchAll(/^\| `(\w+)(?:\(\))?` /gm)].map(([, name]) => name)
    t.equal(rows[0], 'authorization', document)
    for (const field of [...fields, 'toResponse']) t.ok(rows.includes(field), `${document}: ${field}`)
  }
})
