import { randomBytes } from 'node:crypto'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmulator } from '@bandwidth-token/emulator'
import t, { type Test } from 'tap'
import { MOUNT_RULES, POLICY_RULES, PROVIDER_OPTION_RULES } from '../support/core-internals.js'
import { runNode } from '../support/node.js'
import { RedisServer } from '../support/redis-server.js'
import { codeBlocks, isCommonJs, read, root } from './documents.js'
import { compile, consumer } from './project.js'

const ADAPTERS = ['packages/fastify', 'packages/express']
const FOLDERS = ['packages/core', ...ADAPTERS]

/** What the reader of the one line has already: an app, sessions and passport. */
const AN_APP = `
import type { Express } from 'express'
import type { FastifyInstance } from 'fastify'

declare global {
  const app: Express & FastifyInstance
  namespace Express {
    interface Request {
      isAuthenticated(): boolean
    }
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    session: { user?: string }
  }
}
`

async function blocksOf(folder: string, file = 'README.md', language = 'js|tsx?'): Promise<string[]> {
  return codeBlocks(await read(folder, file), language)
}

function namesIn(source: string, pattern: RegExp): string[] {
  const names = [...source.matchAll(pattern)].map(([, name = '']) => name)
  return [...new Set(names)]
}

/** The first cells of all rows of the tables. */
function rowsOf(readme: string): Set<string> {
  return new Set(namesIn(readme, /^\| `(\w+)` +\|/gm))
}

t.test('the examples in the README compile', async (t) => {
  const project = await consumer(t)
  await writeBlocks(t, project, ['README.md'])
  await writeFile(join(project, 'an-app.d.ts'), AN_APP)
  t.equal(await compile(project), '')
})

/** The documents whose examples belong into a server. */
const OF_A_SERVER = [
  ...['packages/core', ...ADAPTERS].map((folder) => `${folder}/README.md`),
  'docs/troubleshooting.md'
]

t.test('the examples for a server compile', async (t) => {
  const project = await consumer(t)
  await writeBlocks(t, project, OF_A_SERVER)
  // What Jest declares.
  const jest = 'declare function test(name: string, fn: () => unknown): void\n'
  await writeFile(join(project, 'jest.d.ts'), `${jest}declare function expect(value: unknown): any`)
  t.equal(await compile(project), '')
})

async function writeBlocks(t: Test, project: string, documents: readonly string[]): Promise<void> {
  for (const document of documents) {
    const blocks = codeBlocks(await read(document), 'js|tsx?')
    t.ok(blocks.length > 0, document)
    for (const [index, block] of blocks.entries()) {
      const name = `${document.replace(/\W/g, '-')}-${index}`
      await writeFile(join(project, `${name}.${isCommonJs(block) ? 'cjs' : 'ts'}`), block)
    }
  }
}

t.test('the examples in packages/browser/README.md compile in a page', async (t) => {
  const project = await consumer(t)
  const blocks = await blocksOf('packages/browser')
  t.ok(blocks.length >= 4)
  for (const [index, block] of blocks.entries()) {
    const extension = block.includes('</') ? 'tsx' : 'ts'
    await writeFile(join(project, `block-${index}.${extension}`), `${block}\nexport {}`)
  }
  t.equal(await compile(project, { lib: ['es2022', 'dom'], types: [], jsx: 'react-jsx' }), '')
})

t.test('the README of packages/browser has a row for every option, member, event and error', async (t) => {
  const readme = await read('packages/browser', 'README.md')
  const options = await read('packages/browser/src/options.ts')
  const source = await read('packages/browser/src/token-source.ts')
  const told = await read('packages/browser/src/events.ts')
  const type = (code: string, name: string) =>
    new RegExp(`^export (?:interface|type) ${name}\\b.*?^(?:}|$)`, 'ms').exec(code)?.[0] ?? ''
  const errors = await read('packages/browser/src/errors.ts')
  const expected = {
    options: namesIn(type(options, 'TokenSourceOptions'), PROPERTY),
    members: namesIn(type(source, 'TokenSource'), /^ {2}(\w+)\(/gm),
    events: namesIn(told, /type: '([\w-]+)'/g),
    errors: namesIn(/^type Reason = .*$/m.exec(errors)?.[0] ?? '', /'(\w+)'/g).map(
      (reason) => `ERR_BANDWIDTH_TOKEN_${reason}`
    )
  }
  t.match(expected, {
    options: { length: 4 },
    members: { length: 5 },
    events: { length: 4 },
    errors: { length: 6 }
  })
  const rows = namesIn(readme, /^\| `([\w-]+)(?:\([^`]*\))?` +\|/gm)
  for (const name of Object.values(expected).flat()) t.ok(rows.includes(name), name)
})

const STORE = 'postgres-token-store.js'

t.test('the examples about stores compile', async (t) => {
  const project = await consumer(t)
  const blocks = [
    ...(await blocksOf('packages/redis')),
    ...(await blocksOf('examples/postgres-store')),
    ...(await blocksOf('docs', 'writing-a-store.md', 'ts')),
    ...(await blocksOf('docs', 'scaling.md', 'ts'))
  ]
  t.ok(blocks.length >= 8)
  for (const [index, block] of blocks.entries()) await writeFile(join(project, `block-${index}.ts`), block)
  await cp(join(root, 'examples/postgres-store', STORE), join(project, STORE))
  t.equal(await compile(project, { allowJs: true, noUnusedParameters: false }), '')
})

t.test('docs/writing-a-store.md shows the store in PostgreSQL and its test as they are', async (t) => {
  const sources = [
    await read('examples/postgres-store', STORE),
    await read('test/stores/postgres.more.test.ts')
  ].join('')
  const blocks = await blocksOf('docs', 'writing-a-store.md', 'js')
  t.ok(blocks.length >= 8)
  for (const block of blocks) t.ok(sources.includes(block), block)
})

t.test('the quick start of packages/redis runs as written, and a second run makes no request', async (t) => {
  const project = await consumer(t)
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  const redis = await RedisServer.start(t)
  const storeKey = randomBytes(32).toString('base64')
  await writeFile(join(project, 'quick-start.js'), (await blocksOf('packages/redis'))[0] ?? '')
  const printed = new Set<string | undefined>()
  for (const run of ['first', 'second']) {
    const { stdout } = await runNode([join(project, 'quick-start.js')], {
      BW_TOKEN_URL: emulator.tokenUrl,
      BW_CLIENT_ID: emulator.clientId,
      BW_CLIENT_SECRET: emulator.clientSecret,
      BANDWIDTH_STORE_KEYS: storeKey,
      REDIS_URL: redis.url
    })
    const [, id] = /^Token ([\w-]+), (?:5\d\d|600) s left\n$/.exec(stdout) ?? []
    t.ok(id, `${run}: ${stdout}`)
    printed.add(id)
  }
  t.equal(printed.size, 1, 'both have the same token')
  t.equal(emulator.received.length, 1)
})

t.test('an example that is wrong does not compile', async (t) => {
  const project = await consumer(t)
  const [block = ''] = await blocksOf('packages/core')
  await writeFile(join(project, 'block.ts'), block.replace('getToken(', 'getTokken('))
  t.match(await compile(project), /getTokken/)
})

t.test('the quick start of the core runs as written', async (t) => {
  const project = await consumer(t)
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  await writeFile(join(project, 'quick-start.js'), (await blocksOf('packages/core'))[0] ?? '')
  const { stdout } = await runNode([join(project, 'quick-start.js')], {
    BW_TOKEN_URL: emulator.tokenUrl,
    BW_CLIENT_ID: emulator.clientId,
    BW_CLIENT_SECRET: emulator.clientSecret
  })
  t.match(stdout, /^Bearer, (599|600) s left\n$/)
})

t.test('the README has the two commands, and takes a screen and a half', async (t) => {
  const commands = [...(await read('README.md')).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code)
  t.strictSame(commands, ['npx -y pnpm@12 start\n', 'npx -y pnpm@12 test\n'])
  t.ok((await read('README.md')).split('\n').length <= 80)
  const { scripts } = JSON.parse(await read('package.json'))
  t.match(scripts, { start: String, test: String })
})

t.test(
  'every option has a row in docs/options.md and in the README of each package that takes it',
  async (t) => {
    const ofCore = Object.keys(PROVIDER_OPTION_RULES)
    const ofRoute = ['provider', ...Object.keys(POLICY_RULES), ...Object.keys(MOUNT_RULES)]
    t.ok(ofCore.includes('clientId') && ofRoute.includes('authorize'))
    for (const [document, expected] of [
      ['docs/options.md', [...ofCore, ...ofRoute, 'routeOptions']],
      ['packages/core/README.md', ofCore],
      ['packages/fastify/README.md', [...ofCore, ...ofRoute, 'routeOptions']],
      ['packages/express/README.md', [...ofCore, ...ofRoute]]
    ] as const) {
      const rows = rowsOf(await read(document))
      for (const name of expected) t.ok(rows.has(name), `${document}: ${name}`)
    }
  }
)

t.test(
  'every error code has a row in the README of each package that throws it, with its status',
  async (t) => {
    const source = await read('packages/core/src/errors.ts')
    const statuses = [...source.matchAll(/^ {2}(ERR_\w+): (\d+)/gm)]
    t.ok(statuses.length >= 8)
    for (const folder of FOLDERS) {
      const readme = await read(folder, 'README.md')
      for (const [, code, status] of statuses) {
        t.match(readme, new RegExp(`^\\| \`${code}\` +\\| ${status} +\\|`, 'm'), `${folder}: ${code}`)
      }
    }
  }
)

const PROPERTY = /^ {2}(\w+)\?:/gm
