import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { TokenProvider } from '@bandwidth-token/core'
import { build } from 'esbuild'
import { scenarios } from '../../fleet-simulation/scenarios.js'
import { simulate } from '../../fleet-simulation/simulate.js'
import { cpuTimeOf, inTurns } from '../measure.js'

/** Commands at the store for each life and member: 100 members, three hours. */
export async function storeCommands() {
  const scenario = scenarios(true).find(({ name, members }) => name === 'healthy' && members === 100)
  const { commandsPerMemberAndLife } = await simulate(scenario)
  return commandsPerMemberAndLife
}

/** Bytes of the page's half, bundled, minified and gzipped. */
export async function pageSize() {
  const { outputFiles } = await build({
    stdin: {
      contents: "export * from '@bandwidth-token/browser'",
      resolveDir: fileURLToPath(new URL('.', import.meta.url))
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent'
  })
  return gzipSync(outputFiles[0].contents).length
}

/** Packages that come with a package of ours, itself included, besides those that the framework brings. */
export function packagesAdded(name, framework) {
  const bench = fileURLToPath(new URL('../../package.json', import.meta.url))
  const frameworks = closure(framework, bench)
  return [...closure(name, bench)].filter((each) => !frameworks.has(each)).length
}

/** The names of a package and of all that it depends on. */
function closure(name, from, names = new Set()) {
  if (names.has(name)) return names
  names.add(name)
  const manifest = manifestOf(name, from)
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8'))
  for (const dependency of Object.keys(dependencies)) closure(dependency, manifest, names)
  return names
}

function manifestOf(name, from) {
  for (const folder of createRequire(from).resolve.paths(name)) {
    try {
      return realpathSync(join(folder, name, 'package.json'))
    } catch {
      // It stands in another folder.
    }
  }
  throw new Error(`${dirname(from)} has no ${name}`)
}

/** What a call costs as accounts, callers and lives grow. */
export async function flatness({ server, isSmoke }) {
  const calls = isSmoke ? 500 : 20_000
  const most = isSmoke ? 100 : 10_000
  const few = new TokenProvider(server.credentials)
  const many = new TokenProvider({ ...server.credentials, maxTokens: 10_000 })
  await Promise.all([few.getToken(), few.getToken({ account: 'x' })])
  for (let account = 0; account < most; account++) await many.getToken({ account: String(account) })
  await many.getToken({ account: 'x' })

  const sequence = async (provider) => {
    for (let n = 0; n < calls; n++) await provider.getToken({ account: 'x' })
  }
  const crowd = async (provider, callers) => {
    const one = async () => {
      for (let n = 0; n < calls / callers; n++) await provider.getToken({ account: 'x' })
    }
    await Promise.all(Array.from({ length: callers }, one))
  }
  const times = await inTurns(
    {
      '1 account': () => cpuTimeOf(() => sequence(few)),
      [`${most} accounts`]: () => cpuTimeOf(() => sequence(many)),
      '1 caller': () => cpuTimeOf(() => crowd(few, 1)),
      [`${most} callers`]: () => cpuTimeOf(() => crowd(few, most / 10))
    },
    { rounds: isSmoke ? 1 : 41, warmUps: isSmoke ? 0 : 10 }
  )
  await Promise.all([few.close(), many.close()])
  return Object.values(times)
}
