import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { testProvider } from '@bandwidth-token/core/testing'
import { bandwidthToken } from '@bandwidth-token/express'
import { build } from 'esbuild'
import express, { type Express } from 'express'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { run } from '../packaging/foreign.js'
import { codeBlocks, read } from './documents.js'
import { consumer } from './project.js'

const page = await read('docs/troubleshooting.md')
const section = (start: string) => page.split('\n## ').find((text) => text.startsWith(start)) ?? ''
const provider = testProvider() as never
const PATH = '/bandwidth/token'

async function answerOf(t: Test, app: Express, path = PATH): Promise<{ status: number; text: string }> {
  const server = app.set('env', 'test').listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
  return { status: response.status, text: await response.text() }
}

const withSession: express.RequestHandler = (req, _res, next) => {
  Object.assign(req, { session: { user: 'alice' } })
  next()
}
const userOf = (req: unknown) => (req as { session: { user?: string } }).session.user
const tokens = () => bandwidthToken({ provider, authorize: (req) => userOf(req) !== undefined })

t.test('before the session it is a 500, after it a token', async (t) => {
  const before = await answerOf(t, express().use(tokens()).use(withSession))
  t.equal(before.status, 500)
  t.match(page, 'The token route answers 500: "Cannot read properties of undefined"')
  const error = await new Promise<Error>((resolve) => {
    const app = express().use(tokens())
    app.use(((thrown, _req, res, _next) => {
      resolve(thrown)
      res.end()
    }) as express.ErrorRequestHandler)
    answerOf(t, app)
  })
  t.match(error.message, /^Cannot read properties of undefined/)
  t.equal((await answerOf(t, express().use(withSession).use(tokens()))).status, 200)
})

t.test('what is only truthy is a 403', async (t) => {
  const truthy = bandwidthToken({ provider, authorize: ((req: unknown) => userOf(req)) as never })
  t.equal((await answerOf(t, express().use(withSession).use(truthy))).status, 403)
})

t.test('after a catch-all it is a 200 with HTML', async (t) => {
  const pages: express.RequestHandler = (_req, res) => void res.send('<!doctype html>')
  const after = await answerOf(t, express().use(withSession).get(/.*/, pages).use(tokens()))
  t.match(after, { status: 200, text: /^<!doctype html>/ })
  t.match(await answerOf(t, express().use(withSession).use(tokens()).get(/.*/, pages)), {
    status: 200,
    text: /^{"access_token":/
  })
})

t.test('a mount point comes before the path', async (t) => {
  const app = () => express().use(withSession).use('/api', tokens())
  t.equal((await answerOf(t, app())).status, 404)
  t.equal((await answerOf(t, app(), `/api${PATH}`)).status, 200)
})

t.test('a handler before the line has no bandwidthToken()', async (t) => {
  const app = express()
  app.get('/early', (req, res) => void res.send(typeof req.bandwidthToken))
  app.use(tokens())
  app.get('/late', (req, res) => void res.send(typeof req.bandwidthToken))
  t.equal((await answerOf(t, app, '/early')).text, 'undefined')
  t.equal((await answerOf(t, app, '/late')).text, 'function')

  const { fastifyBandwidthToken } = await import('@bandwidth-token/fastify')
  const fastify = Fastify()
  fastify.register(async (child) =>
    child.register(fastifyBandwidthToken, { provider, authorize: () => true })
  )
  fastify.get('/', async (request) => typeof request.bandwidthToken)
  t.equal((await fastify.inject('/')).body, 'undefined')
})

t.test('one ES module made by esbuild fails in undici, and runs with the advised settings', async (t) => {
  const project = await consumer(t)
  await writeFile(
    join(project, 'server.js'),
    "import { TokenProvider } from '@bandwidth-token/core'\n" +
      "const provider = new TokenProvider({ clientId: 'id', clientSecret: 'secret' })\n" +
      'process.stdout.write(provider.status().state)\n'
  )
  const [code = ''] = codeBlocks(section('A bundled server fails'), 'js')
  const [, banner = ''] = /\bjs: "(.*)"/.exec(code) ?? []
  t.match(banner, /createRequire/)
  const bundle = async (name: string, options: object) => {
    await mkdir(join(project, 'dist'), { recursive: true })
    const outfile = join(project, 'dist', name)
    const entryPoints = [join(project, 'server.js')]
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', ...options })
    return run(process.execPath, [outfile], { cwd: project })
  }
  await t.rejects(bundle('plain.mjs', {}), { message: /Dynamic require of "[^"]+" is not supported/ })
  t.equal(await bundle('banner.mjs', { banner: { js: banner } }), 'empty')
  t.equal(await bundle('external.mjs', { external: ['undici'] }), 'empty')
  t.equal(await bundle('common.cjs', { format: 'cjs' }), 'empty')

  const file = join(project, 'bundle.js')
  await writeFile(
    file,
    code.replace("'server.js'", `'${project}/server.js'`).replace("'dist/", `'${project}/dist/`)
  )
  await import(pathToFileURL(file).href)
  t.equal(await run(process.execPath, [join(project, 'dist/server.mjs')], { cwd: project }), 'empty')
})
