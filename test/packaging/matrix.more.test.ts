import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { grant, startEndpoint } from '../support/endpoint.js'
import { foreignFolder, install, packAll, repository, run, type Tarball, typeCheck } from './foreign.js'
import { nextServesTokens } from './next.js'

// `pnpm run test:matrix` runs everything, `pnpm run test:one packaging/matrix.more` the two ends: the oldest frameworks,
// the newest Node.
const isWhole = process.env['MATRIX'] === 'whole'
const MAJORS = isWhole ? ['20', '22', '24', '26'] : ['26']

// npm may have to download all of it.
t.setTimeout(isWhole ? 3_600_000 : 600_000)

const token = { access_token: 'token-of-the-endpoint', token_type: 'Bearer' }
const folder = await foreignFolder(t)
const tarballs = await packAll(folder)
const nodes = await Promise.all(MAJORS.map(async (major) => [major, await nodeOf(major)] as const))

/** The npm package `node` brings the binaries. */
async function nodeOf(major: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  // This call of npx must not read the settings of one that is around it.
  const unset = ['npm_config_package', 'npm_config_call'].flatMap((name) => ['-u', name])
  const npx = ['npx', '-y', '-p', `node@${major}`, 'node', '-p', 'process.execPath']
  return (await run('env', [...unset, ...npx])).trim()
}

const manifestOf = (name: string) =>
  tarballs.find(({ manifest }) => manifest.name === `@bandwidth-token/${name}`)?.manifest

/** The oldest versions that a package allows: one for each major version. */
const oldest = (name: 'express' | 'fastify') =>
  manifestOf(name)?.peerDependencies?.[name]?.match(/\d+\.\d+\.\d+/g) ?? []

const [oldExpress4 = '', oldExpress5 = ''] = oldest('express')
const [oldFastify = ''] = oldest('fastify')
const frameworks = [
  { express: oldExpress4, fastify: oldFastify, types: '4' },
  { express: '4', fastify: '5', types: '4' },
  { express: oldExpress5, fastify: oldFastify, types: '5' },
  { express: '5', fastify: '5', types: '5' }
].slice(0, isWhole ? 4 : 1)

/** What a consumer finds in its environment, with an endpoint that ends with the test. */
async function environment(t: Test): Promise<Record<string, string>> {
  const { tokenUrl } = await startEndpoint(t, grant(token))
  return {
    BW_TOKEN_URL: tokenUrl,
    BW_CLIENT_ID: 'hgranger',
    BW_CLIENT_SECRET: 'Cr00k$h@nk$',
    EXPECTED_TOKEN: token.access_token
  }
}

/** Runs the CommonJS consumer, or a bundle of it. */
async function answersOf(t: Test, node: string, file: string): Promise<void> {
  const { answers } = JSON.parse(await run(node, [file], { env: await environment(t) }))
  t.strictSame(Object.keys(answers), ['core', 'fastify', 'fastifyNamed', 'express'])
  for (const [who, answer] of Object.entries(answers)) t.match(answer, token, who)
}

t.test('the oldest versions are those of the peer ranges', async (t) => {
  t.match([oldExpress4, oldExpress5, oldFastify], [/^4\.18\.0$/, /^5\.0\.0$/, /^5\.\d+\.0$/])
})

for (const { express, fastify, types } of frameworks) {
  t.test(`Express ${express} with Fastify ${fastify}`, async (t) => {
    const consumer = await install(
      join(folder, `express-${express}-fastify-${fastify}`),
      'js-cjs',
      tarballs,
      {
        express,
        fastify,
        '@types/express': types,
        '@types/node': '20',
        typescript: '~5.9.3'
      }
    )
    for (const [major, node] of nodes) {
      t.test(`serve a token on Node ${major}`, (t) => answersOf(t, node, join(consumer, 'main.js')))
    }
    const typescript = join(consumer, 'node_modules/typescript/bin/tsc')
    for (const [kind, type, options] of [
      ['nodenext', 'module', { module: 'nodenext', moduleResolution: 'nodenext' }],
      ['node16', 'commonjs', { module: 'node16', moduleResolution: 'node16' }],
      ['bundler', 'module', { module: 'esnext', moduleResolution: 'bundler' }],
      ['node10', 'commonjs', { module: 'commonjs', moduleResolution: 'node10' }]
    ] as const) {
      t.test(`are checked by TypeScript with ${kind} resolution`, async () => {
        await typeCheck(join(consumer, kind), typescript, type, options, ['express', 'fastify'])
      })
    }
  })
}

t.test('the types of every package for a server are checked with those of Node 26', async () => {
  const consumer = await install(join(folder, 'types-of-node-26'), 'js-cjs', tarballs, {
    '@opentelemetry/api': '1',
    '@types/express': '5',
    '@types/node': '26',
    express: '5',
    fastify: '5',
    typescript: '~5.9.3'
  })
  const typescript = join(consumer, 'node_modules/typescript/bin/tsc')
  const options = { module: 'nodenext', moduleResolution: 'nodenext' }
  const entries = ['core', 'adapter', 'testing', 'opentelemetry']
  const packages = ['fastify', 'express', 'web', 'redis', 'emulator']
  await typeCheck(join(consumer, 'project'), typescript, 'module', options, [...entries, ...packages])
})

t.test('tools', async (t) => {
  const consumer = await install(join(folder, 'tools'), 'tools', tarballs)
  const main = join(consumer, 'main.js')
  const consumers = join(repository, 'test/packaging/consumers')
  await cp(join(consumers, 'js-cjs/main.js'), main)
  await cp(join(consumers, 'jest'), join(consumer, 'jest'), { recursive: true })

  for (const tool of ['esbuild', 'webpack']) {
    // Where no package can be found.
    const alone = join(folder, tool)
    await mkdir(alone)
    await run(process.execPath, ['bundle.js', tool, main, alone, 'bundle.cjs'], { cwd: consumer })
    for (const [major, node] of nodes) {
      t.test(`a bundle of ${tool} serves a token on Node ${major}`, (t) =>
        answersOf(t, node, join(alone, 'bundle.cjs'))
      )
    }
  }

  for (const [major, node] of nodes) {
    t.test(`Jest tests a CommonJS project on Node ${major}`, async (t) => {
      const jest = join(consumer, 'node_modules/jest/bin/jest.js')
      const cwd = join(consumer, 'jest')
      await run(node, [jest, '--rootDir', cwd], { cwd, env: await environment(t) })
    })

    t.test(`Vitest tests a project of ES modules on Node ${major}`, async (t) => {
      const vitest = join(consumer, 'node_modules/vitest/vitest.mjs')
      const args = [vitest, 'run', '--root', join(consumer, 'vitest')]
      await run(node, args, { cwd: consumer, env: await environment(t) })
    })
  }
})

// Its installation and its build take minutes.
t.test('an app of Next.js', { skip: !isWhole }, (t) => nextServesTokens(t, folder, tarballs))

/** The most that a package may bring, itself included. */
const LIMITS: Readonly<Record<string, { packages: number; megabytes: number }>> = {
  core: { packages: 3, megabytes: 9 },
  fastify: { packages: 5, megabytes: 9 },
  express: { packages: 4, megabytes: 9 },
  web: { packages: 4, megabytes: 9 },
  cli: { packages: 4, megabytes: 9 },
  redis: { packages: 1, megabytes: 0.5 },
  browser: { packages: 1, megabytes: 0.5 },
  emulator: { packages: 15, megabytes: 5 }
}

t.test('what each package brings', async (t) => {
  for (const tarball of tarballs) {
    const name = tarball.manifest.name.replace('@bandwidth-token/', '')
    const { packages, megabytes } = await footprint(tarball)
    t.comment(`${name}: ${packages} packages, ${megabytes.toFixed(1)} MB`)
    t.ok(packages <= (LIMITS[name]?.packages ?? 0), `${name} brings ${packages} packages`)
    t.ok(megabytes <= (LIMITS[name]?.megabytes ?? 0), `${name} brings ${megabytes.toFixed(1)} MB`)
  }
})

/** How many packages npm installs for one of ours without those that the user has, and their size on the disk. */
async function footprint(tarball: Tarball): Promise<{ packages: number; megabytes: number }> {
  const directory = join(folder, 'footprint', tarball.manifest.name)
  await mkdir(directory, { recursive: true })
  const files = withOurs(tarball).map(({ file }) => file)
  const settings = ['--legacy-peer-deps', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  await run('npm', ['install', ...settings, '--prefix', directory, ...files], { cwd: directory })
  const lock = await readFile(join(directory, 'node_modules/.package-lock.json'), 'utf8')
  const installed = Object.values((JSON.parse(lock) as { packages: Record<string, unknown> }).packages)
  const size = await run('du', ['-s', '--block-size=1', join(directory, 'node_modules')])
  return { packages: installed.length, megabytes: Number.parseInt(size, 10) / 1e6 }
}

/** A package, and those of ours that it needs. */
function withOurs(tarball: Tarball): Tarball[] {
  const names = Object.keys(tarball.manifest.dependencies ?? {})
  return [tarball, ...tarballs.filter(({ manifest }) => names.includes(manifest.name)).flatMap(withOurs)]
}
