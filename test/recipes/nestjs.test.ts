import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TokenProvider } from '@bandwidth-token/core'
import { testProvider } from '@bandwidth-token/core/testing'
import { transform } from 'esbuild'
import t, { type Test } from 'tap'
import { codeBlocks, read, root } from '../docs/documents.js'
import { answerOf } from '../docs/project.js'
import { type Answer, fail, grant, startEndpoint } from '../support/endpoint.js'
import { freePort } from '../support/free-port.js'
import { runNode, spawnNode } from '../support/node.js'
import { cookieOf } from './recipe.js'

const FOLDER = 'examples/nestjs'
const page = await read('docs/nestjs.md')
/** The blocks of the page, each with the file that the line above it names. */
const shown = new Map(
  [...page.matchAll(/\]\(\.\.\/examples\/nestjs\/([\w.-]+)\)[^`]*?\n\n```ts\n(.*?)^```$/gms)].map(
    ([, file = '', block = '']) => [file, block]
  )
)

t.test('the page shows each file as it runs here', async (t) => {
  const files = (await readdir(join(root, FOLDER))).filter((file) => file.endsWith('.ts'))
  t.ok(files.length >= 6)
  t.strictSame([...shown.keys()].sort(), files.sort())
  t.equal(page.match(/^```ts/gm)?.length, shown.size)
  for (const [file, block] of shown) t.equal(block, await read(FOLDER, file), file)
})

t.test('the version of Fastify is the one that NestJS pins', async (t) => {
  const pinned = JSON.parse(await read(FOLDER, 'node_modules/@nestjs/platform-fastify/package.json'))
  const { fastify } = pinned.dependencies
  t.equal(JSON.parse(await read(FOLDER, 'package.json')).devDependencies.fastify, fastify)
  t.match(page, `npm install fastify@${fastify}`)
})

interface NestApp {
  listen(port: number, host: string): Promise<unknown>
  getUrl(): Promise<string>
  close(): Promise<void>
  get(token: typeof TokenProvider): TokenProvider
}

const sendTo = globalThis.fetch

async function start(t: Test, platform: string, answer: Answer = grant()) {
  const endpoint = await startEndpoint(t, answer)
  const authorizations: unknown[] = []
  const voice = createServer(({ headers, url }, response) => {
    authorizations.push(headers.authorization)
    response.setHeader('content-type', 'application/json').end(JSON.stringify([url]))
  }).listen(0, '127.0.0.1')
  t.teardown(() => voice.close())
  await once(voice, 'listening')
  Object.assign(process.env, {
    BW_CLIENT_ID: 'client',
    BW_CLIENT_SECRET: 'secret',
    BW_TOKEN_URL: endpoint.tokenUrl,
    BW_ACCOUNT_ID: '55',
    SESSION_SECRET: 'a secret of the session, 32 or more characters'
  })
  // Only where the API is differs from what is written.
  const origin = `http://127.0.0.1:${(voice.address() as AddressInfo).port}`
  globalThis.fetch = (url, init) => sendTo(`${url}`.replace('https://voice.bandwidth.com', origin), init)
  t.teardown(() => {
    globalThis.fetch = sendTo
  })
  const load = (file: string) => import(`../../../${FOLDER}/build/${file}.js`)
  const { createApp } = (await load(platform)) as { createApp(options: object): Promise<NestApp> }
  const { password } = (await load('sign-in.controller')) as { password: string }
  const app = await createApp({ logger: false })
  t.teardown(() => app.close())
  await app.listen(0, '127.0.0.1')
  const url = await app.getUrl()
  /** Reads the whole answer, so that no connection keeps the server from closing. */
  const ask = async (path: string, init?: RequestInit) => {
    const response = await sendTo(url + path, init)
    const text = await response.text()
    const { status, headers } = response
    return { status, headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const signIn = (word = password) =>
    ask('/sign-in', { method: 'POST', body: new URLSearchParams({ password: word }) })
  const token = (headers: Record<string, string> = {}) => ask('/bandwidth/token', { headers })
  return { app, ask, endpoint, authorizations, signIn, token }
}

t.test('a test of the app overrides the provider as the page says', async (t) => {
  const [, line = ''] = /`(Test\..*?)`/.exec(page) ?? []
  const require = createRequire(join(root, FOLDER, 'package.json'))
  const { AppModule } = await import(`../../../${FOLDER}/build/app.module.js`)
  const write = new Function('Test', 'AppModule', 'TokenProvider', 'testProvider', `return ${line}`)
  const module = write(require('@nestjs/testing').Test, AppModule, TokenProvider, testProvider)
  const compiled = await module.compile()
  t.equal((await compiled.get(TokenProvider).getToken()).accessToken, 'test-access-token')
  await compiled.close()
})

for (const platform of ['on-fastify', 'on-express']) {
  t.test(`${platform}: who has signed in gets a token from the route, and nobody else`, async (t) => {
    const { signIn, token } = await start(t, platform)
    const nobody = await token()
    t.equal(nobody.status, 403)
    t.equal(nobody.headers.get('cache-control'), 'no-store')
    t.match(nobody.body, { statusCode: 403 })
    t.equal((await signIn('wrong')).status, 401)
    const signedIn = await signIn()
    t.equal(signedIn.status, 204)
    const answer = await token(cookieOf(signedIn))
    t.equal(answer.status, 200)
    t.match(answer.body, { access_token: 'token-1', expires_in: Number })
    t.equal((await token({ ...cookieOf(signedIn), 'sec-fetch-site': 'cross-site' })).status, 403)
  })

  t.test(`${platform}: a controller and the route share one provider`, async (t) => {
    const { ask, endpoint, authorizations, signIn, token } = await start(t, platform)
    t.strictSame((await ask('/calls')).body, ['/api/v2/accounts/55/calls'])
    t.strictSame(authorizations, ['Bearer token-1'])
    t.equal((await token(cookieOf(await signIn()))).status, 200)
    t.equal(endpoint.count, 1)
  })

  t.test(
    `${platform}: while Bandwidth is down the app says so, and the route when to try again`,
    async (t) => {
      const { ask, signIn, token } = await start(t, platform, fail(503, { 'Retry-After': '60' }))
      const answer = await token(cookieOf(await signIn()))
      t.equal(answer.status, 503)
      t.equal(answer.headers.get('retry-after'), '60')
      t.equal(answer.headers.get('cache-control'), 'no-store')
      t.equal((await ask('/calls')).status, 503)
    }
  )

  t.test(`${platform}: the provider closes with the app`, async (t) => {
    const { app } = await start(t, platform)
    const provider = app.get(TokenProvider)
    await app.close()
    await t.rejects(provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  })
}

/** What the compiler says about the app of a README, beside the session that the README declares. */
async function errorsOf(t: Test, app: string, readme: string): Promise<string> {
  const folder = await mkdtemp(join(root, FOLDER, 'build', 'readme-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const session = codeBlocks(readme, 'ts').find((block) => block.includes('declare module'))
  await writeFile(join(folder, 'main.ts'), app)
  await writeFile(join(folder, 'session.ts'), `${session}`)
  // As the Nest CLI compiles.
  const compilerOptions = {
    rootDir: '.',
    outDir: 'out',
    noEmit: true,
    composite: false,
    incremental: false,
    emitDecoratorMetadata: true,
    isolatedModules: true,
    verbatimModuleSyntax: false,
    paths: { fastify: ['../../node_modules/fastify/fastify.d.ts'] }
  }
  const project = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(project))
  return runNode([join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]).then(
    () => '',
    ({ stdout }) => stdout
  )
}

for (const name of ['express', 'fastify']) {
  t.test(`the app of the README of packages/${name} runs as written`, async (t) => {
    const readme = await read(`packages/${name}/README.md`)
    const [typed = ''] = codeBlocks(readme, 'typescript')
    const tsconfigRaw = { compilerOptions: { experimentalDecorators: true } }
    const { code } = await transform(typed, { loader: 'ts', tsconfigRaw, target: 'node20' })
    const file = join(root, FOLDER, 'build', `readme-${name}.js`)
    await writeFile(file, code)
    t.equal(await errorsOf(t, typed, readme), '')
    const endpoint = await startEndpoint(t)
    const port = await freePort()
    const child = spawnNode([file], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PORT: String(port),
        SESSION_SECRET: 'a secret of the session, 32 or more characters',
        DEMO_PASSWORD: 'open sesame',
        BW_CLIENT_ID: 'client',
        BW_CLIENT_SECRET: 'secret',
        BW_TOKEN_URL: endpoint.tokenUrl
      }
    })
    t.teardown(() => child.kill('SIGKILL'))
    const origin = `http://127.0.0.1:${port}`
    const signIn = (password: string) =>
      fetch(`${origin}/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ password })
      })
    const refused = await answerOf(`${origin}/bandwidth/token`, 15_000)
    t.equal(refused.status, 403)
    t.match(await refused.json(), { message: /Sign in first/ })
    t.match(await (await fetch(`${origin}/status`)).json(), { expiresIn: Number })
    t.equal((await signIn('wrong')).status, 401)
    const signedIn = await signIn('open sesame')
    t.equal(signedIn.status, 204)
    const answer = await fetch(`${origin}/bandwidth/token`, { headers: cookieOf(signedIn) })
    t.match(await answer.json(), { access_token: 'token-1' })
    t.equal(endpoint.count, 1)
  })
}
