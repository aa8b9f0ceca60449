import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Teardown } from '../support/teardown.js'

export const repository = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Arguments of `env` that run a command without the loaders of the test runner, which puts them into `NODE_OPTIONS`
 * of whatever is spawned, and without credentials that happen to be in the environment.
 */
export function foreign(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {}
): string[] {
  const variables = {
    NODE_OPTIONS: '',
    BW_CLIENT_ID: '',
    BW_CLIENT_SECRET: '',
    BW_TOKEN_URL: '',
    ...environment
  }
  return [...Object.entries(variables).map(([name, value]) => `${name}=${value}`), command, ...args]
}

/** What a command prints; an error with all of its output if it fails. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd = repository, env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {}
): Promise<string> {
  try {
    return (
      await promisify(execFile)('env', foreign(command, args, env), {
        cwd,
        maxBuffer: 2 ** 26,
        timeout: 500_000
      })
    ).stdout
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
    throw new Error([message, stdout, stderr].filter(Boolean).join('\n'))
  }
}

export interface Tarball {
  readonly file: string
  readonly entries: readonly string[]
  readonly manifest: Manifest
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly main?: string
  readonly types?: string
  readonly exports: Readonly<Record<string, string | { readonly require?: unknown }>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Packs every package of the workspace as it would be published. */
export async function packAll(directory: string): Promise<Tarball[]> {
  const pack = ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', directory]
  const runner = process.env['npm_execpath'] ?? ''
  await (/pnpm[^/\\]*$/.test(runner) ? run(runner, pack) : run('npx', ['-y', 'pnpm@12', ...pack]))
  const files = (await readdir(directory)).filter((name) => name.endsWith('.tgz')).sort()
  return Promise.all(
    files.map(async (name) => {
      const file = join(directory, name)
      const entries = (await run('tar', ['-tzf', file])).trim().split('\n').sort()
      const manifest = JSON.parse(await run('tar', ['-xzOf', file, 'package/package.json'])) as Manifest
      return { file, entries: entries.map((entry) => entry.replace(/^package\//, '')), manifest }
    })
  )
}

/** A folder outside of the repository, where no package of ours is found by accident. */
export async function foreignFolder(t: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bandwidth-token-'))
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

const sources = join(repository, 'test/packaging/consumers')

/**
 * Copies a consumer's sources and installs its dependencies, with the tarballs beside them. `devDependencies` take the
 * place of those in its `package.json`.
 */
export async function install(
  directory: string,
  source: string,
  tarballs: readonly Tarball[],
  devDependencies: Readonly<Record<string, string>> = {}
): Promise<string> {
  await mkdir(directory, { recursive: true })
  await cp(join(sources, source), directory, { recursive: true })
  const path = join(directory, 'package.json')
  const manifest = JSON.parse(await readFile(path, 'utf8')) as object
  const dependencies = Object.fromEntries(
    tarballs.map(({ file, manifest }) => [manifest.name, `file:${file}`])
  )
  const own = Object.keys(devDependencies).length > 0 ? { devDependencies } : {}
  await writeFile(path, JSON.stringify({ ...manifest, ...own, dependencies }))
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
    cwd: directory
  })
  return directory
}

/** Type-checks sources under `consumers/types` as a project of the given kind would. */
export async function typeCheck(
  directory: string,
  compiler: string,
  type: 'module' | 'commonjs',
  compilerOptions: object,
  files: readonly string[]
): Promise<string> {
  await mkdir(directory)
  await writeFile(join(directory, 'package.json'), JSON.stringify({ type }))
  await Promise.all(
    files.map((name) => cp(join(sources, 'types', `${name}.ts`), join(directory, `${name}.ts`)))
  )
  const common = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    esModuleInterop: true,
    noEmit: true
  }
  const config = {
    compilerOptions: { ...common, ...compilerOptions },
    files: files.map((name) => `${name}.ts`)
  }
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config))
  return run(process.execPath, [compiler, '-p', directory, '--pretty', 'false'])
}
