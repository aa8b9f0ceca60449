import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SipClient } from '../emulator/sip-client.js'
import { grant, startEndpoint } from '../support/endpoint.js'
import { until } from '../support/outcomes.js'
import type { Teardown } from '../support/teardown.js'
import {
  foreign,
  foreignFolder,
  install,
  packAll,
  repository,
  run,
  type Tarball,
  typeCheck
} from './foreign.js'

// npm may have to download what the consumers depend on.
t.setTimeout(300_000)

const folder = await foreignFolder(t)
const tarballs = await packAll(folder)
const [consumers, express4, emulatorAlone] = await Promise.all([
  install(join(folder, 'consumers'), '.', tarballs),
  install(
    join(folder, 'express4'),
    'express4',
    tarballs.filter(({ manifest }) => /core|express/.test(manifest.name))
  ),
  install(
    join(folder, 'emulator'),
    'emulator',
    tarballs.filter(({ manifest }) => manifest.name.endsWith('/emulator'))
  )
])
const typescript = join(consumers, 'node_modules/typescript/bin/tsc')
const typescript7 = join(consumers, 'node_modules/typescript7/bin/tsc')

const token = {
  access_token: 'token-of-the-endpoint',
  access_token_id: 'id-of-the-token',
  token_type: 'Bearer'
}

/** An endpoint for a consumer, and the environment in which it finds it. */
async function serveConsumer(t: Teardown) {
  const { tokenUrl, requests } = await startEndpoint(t, grant(token))
  const env = { BW_TOKEN_URL: tokenUrl, BW_CLIENT_ID: 'hgranger', BW_CLIENT_SECRET: 'Cr00k$h@nk$' }
  return { requests, env }
}

interface Printed {
  readonly answers: Readonly<Record<string, unknown>>
  readonly emulator: unknown
}

async function runConsumer(path: string, env: Readonly<Record<string, string>>): Promise<Printed> {
  return JSON.parse(await run(process.execPath, [path], { env })) as Printed
}

/** Whether CommonJS can load a package as well. */
const isDual = ({ manifest }: Tarball) => manifest.main !== undefined

/** What the consumers of a package import. */
function entriesOf({ manifest }: Tarball): string[] {
  const paths = Object.keys(manifest.exports).filter((path) => path !== './package.json')
  return paths.map((path) => manifest.name + path.slice(1))
}

async function exportsOf(way: 'import' | 'require' | 'types', entries: readonly string[]) {
  const printed = await run(process.execPath, [join(consumers, 'export-names.cjs'), way, ...entries])
  return JSON.parse(printed) as Readonly<Record<string, readonly string[]>>
}

const ranges = (dependencies: Readonly<Record<string, string>> = {}) => Object.values(dependencies)

t.test('every package of the workspace is packed', async (t) => {
  const packages = await readdir(join(repository, 'packages'), { withFileTypes: true })
  const names = packages.filter((entry) => entry.isDirectory()).map(({ name }) => `@bandwidth-token/${name}`)
  t.strictSame(tarballs.map(({ manifest }) => manifest.name).sort(), names.sort())
  t.equal(new Set(tarballs.map(({ manifest }) => manifest.version)).size, 1, 'all with the same version')
})

for (const tarball of tarballs) {
  const { file, entries, manifest } = tarball

  t.test(`the tarball of ${manifest.name}`, async (t) => {
    t.test('holds licence and README, and nothing that is only for us', async (t) => {
      for (const name of ['LICENSE', 'README.md', 'package.json']) t.ok(entries.includes(name), name)
      const strange = entries.filter((name) => !/^(src|dist)\/.*\.(ts|js|js\.map)$/.test(name))
      const expected = [
        // changesets writes it with the first release of a package.
        ...(entries.includes('CHANGELOG.md') ? ['CHANGELOG.md'] : []),
        'LICENSE',
        'README.md',
        ...(isDual(tarball) ? ['dist/cjs/package.json'] : []),
        'package.json'
      ]
      t.strictSame(strange, expected)
      t.strictSame(
        entries.filter((name) => /tests?\b|\.tsbuildinfo$/.test(name)),
        []
      )
    })

    t.test(
      'says where its entry is to tools that do not know `exports`, if one of them can load it',
      async (t) => {
        for (const path of [manifest.main, manifest.types]) {
          if (isDual(tarball)) t.ok(entries.includes(`${path}`.replace('./', '')), `${path}`)
          else t.equal(path, undefined)
        }
      }
    )

    t.test('depends on published versions, not on the workspace', async (t) => {
      t.notOk(manifest.optionalDependencies)
      const all = [...ranges(manifest.dependencies), ...ranges(manifest.peerDependencies)]
      for (const range of all) t.match(range, /^\^\d/)
      t.notMatch(JSON.stringify(manifest), /workspace:|catalog:|file:|link:/)
    })

    t.test('has nothing that publint objects to', async () => {
      await run(join(repository, 'test/node_modules/.bin/publint'), ['run', file, '--strict'])
    })

    t.test('resolves to the right types everywhere, at each of its entries', async (t) => {
      const profile = isDual(tarball) ? 'strict' : 'esm-only'
      const report = await run(join(repository, 'test/node_modules/.bin/attw'), [file, '--profile', profile])
      for (const entry of entriesOf(tarball)) t.ok(report.includes(`"${entry}"`), entry)
    })
  })
}

t.test('an ES module imports every package', async (t) => {
  const { requests, env } = await serveConsumer(t)
  const { answers, emulator } = await runConsumer(join(consumers, 'js-esm/main.js'), env)
  for (const [who, answer] of Object.entries(answers)) t.match(answer, token, `${who} has the token`)
  for (const who of ['core', 'fastify', 'express', 'undici6', 'undici7'])
    t.ok(answers[who], `${who} has answered`)
  t.match(emulator, { access_token: /^ey/, token_type: 'Bearer', expires_in: Number })
  const { version } =
    tarballs.find(({ manifest }) => manifest.name === '@bandwidth-token/core')?.manifest ?? {}
  t.ok(version)
  for (const { headers } of requests)
    t.ok(headers['user-agent']?.endsWith(`/${version}`), 'names its version')
})

t.test('CommonJS requires core, adapters and store', async (t) => {
  const { env } = await serveConsumer(t)
  const { answers } = await runConsumer(join(consumers, 'js-cjs/main.js'), env)
  t.strictSame(Object.keys(answers), ['core', 'fastify', 'fastifyNamed', 'express'])
  for (const [who, answer] of Object.entries(answers)) t.match(answer, token, `${who} has the token`)
})

t.test('an Express 4 app serves a token', async (t) => {
  const { env } = await serveConsumer(t)
  const { answers } = await runConsumer(join(express4, 'main.js'), env)
  t.match(answers, { express: token })
})

t.test('Jest tests a CommonJS project', async (t) => {
  const { requests, env } = await serveConsumer(t)
  const jest = join(consumers, 'node_modules/jest/bin/jest.js')
  await run(process.execPath, [jest, '--rootDir', join(consumers, 'jest')], {
    cwd: join(consumers, 'jest'),
    env: { ...env, EXPECTED_TOKEN: token.access_token }
  })
  t.equal(requests.length, 2, 'one for each test that has no provider of its own')
})

/** The command of an installed emulator, once it has printed the environment. */
async function startInstalledEmulator(t: Test, directory: string) {
  const command = join(directory, 'node_modules/.bin/bandwidth-emulator')
  const child = spawn('env', foreign(command, ['--client-secret', 'local']), {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(() => child.kill())
  const printed = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    printed.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    printed.err += chunk
  })
  await until(() => /BW_CLIENT_SECRET=local\n/.test(printed.out) || child.exitCode !== null)
  const variable = (name: string) => new RegExp(`^export ${name}=(.+)$`, 'm').exec(printed.out)?.[1] ?? ''
  const response = await fetch(variable('BW_TOKEN_URL'), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('emulator:local')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' })
  })
  t.equal(response.status, 200)
  return { printed, gatewayUrl: variable('BW_GATEWAY_URL'), token: (await response.json()) as typeof token }
}

t.test('the command bandwidth-emulator runs once it is installed', async (t) => {
  await startInstalledEmulator(t, consumers)
})

t.test('the emulator without its optional peer is at most 15 packages, and its calls connect', async (t) => {
  const lock = JSON.parse(await readFile(join(emulatorAlone, 'package-lock.json'), 'utf8'))
  const packages = Object.keys(lock.packages).filter((path) => path !== '')
  t.ok(packages.length <= 15, `${packages.length} packages`)
  t.notOk(packages.some((path) => path.includes('werift')))

  const { gatewayUrl, printed, token } = await startInstalledEmulator(t, emulatorAlone)
  const client = await SipClient.connect(t, { gatewayUrl })
  const { statuses } = await client.call(token.access_token)
  t.strictSame(statuses, [100, 180, 200])
  await until(() => /werift is not installed/.test(printed.err))
})

t.test('every package exports and depends on what the snapshot says', async (t) => {
  t.snapshotFile = join(repository, 'test/packaging/public-faces.snapshot.cjs')
  const [imported, required, typed] = await Promise.all([
    exportsOf('import', tarballs.flatMap(entriesOf)),
    exportsOf('require', tarballs.filter(isDual).flatMap(entriesOf)),
    exportsOf('types', tarballs.flatMap(entriesOf))
  ])
  for (const tarball of tarballs) {
    const { name, dependencies = {}, peerDependencies = {} } = tarball.manifest
    const face = [
      `modules: ${isDual(tarball) ? 'ES modules and CommonJS' : 'ES modules'}`,
      `dependencies: ${Object.keys(dependencies).sort().join(' ') || 'none'}`,
      `peer dependencies: ${Object.keys(peerDependencies).sort().join(' ') || 'none'}`
    ]
    for (const entry of entriesOf(tarball)) {
      const values = imported[entry] ?? []
      if (isDual(tarball))
        t.strictSame(required[entry], values, `require() and import see the same of ${entry}`)
      face.push('', entry)
      for (const each of typed[entry] ?? [])
        face.push(`  ${values.includes(each) ? 'value' : 'type '} ${each}`)
    }
    t.matchSnapshot(face.join('\n'), name)
  }
})

const everything = [
  'core',
  'adapter',
  'testing',
  'opentelemetry',
  'fastify',
  'express',
  'web',
  'redis',
  'undici',
  'emulator'
]
const nodenext = { module: 'nodenext', moduleResolution: 'nodenext' }
const node16 = { module: 'node16', moduleResolution: 'node16' }
const bundler = { module: 'esnext', moduleResolution: 'bundler' }
const node10 = { module: 'commonjs', moduleResolution: 'node10' }

const current = [
  ['nodenext ES modules', 'module', nodenext, everything],
  ['node16 CommonJS', 'commonjs', node16, everything],
  ['a bundler', 'module', bundler, everything]
] as const
for (const [kind, type, options, files] of current) {
  t.test(`TypeScript 5.9 and 7 check a project of ${kind} without a cast`, async () => {
    const name = `ts-${kind.replaceAll(' ', '-')}`
    await typeCheck(join(consumers, name), typescript, type, options, files)
    await typeCheck(join(consumers, `${name}-7`), typescript7, type, options, files)
  })
}

t.test('TypeScript 5.9 and 7 check a page without a cast', async () => {
  const page = { lib: ['es2022', 'dom'], types: [] }
  await typeCheck(join(consumers, 'ts-page'), typescript, 'module', { ...bundler, ...page }, ['browser'])
  await typeCheck(join(consumers, 'ts-page-7'), typescript7, 'module', { ...nodenext, ...page }, ['browser'])
})

t.test('TypeScript 5.9 checks a project of node10 resolution without a cast', async () => {
  // Neither undici 8 nor the emulator claims to support it.
  const files = ['core', 'adapter', 'testing', 'opentelemetry', 'fastify', 'express', 'web', 'redis']
  await typeCheck(join(consumers, 'ts-node10'), typescript, 'commonjs', node10, files)
})

t.test('TypeScript 5.9 and 7 check a project with the types of Express 4 without a cast', async () => {
  await typeCheck(join(express4, 'ts-esm'), typescript, 'module', nodenext, ['express'])
  await typeCheck(join(express4, 'ts-cjs-7'), typescript7, 'commonjs', node16, ['express'])
})
