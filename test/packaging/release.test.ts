import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Teardown } from '../support/teardown.js'
import { foreignFolder, repository, run } from './foreign.js'

const PACKAGES = await readdir(join(repository, 'packages'), { withFileTypes: true }).then((entries) =>
  entries.filter((entry) => entry.isDirectory()).map(({ name }) => `packages/${name}`)
)
const VERSION_FILE = 'packages/core/src/support/version.ts'

const versionOf = async (root: string, folder: string): Promise<unknown> =>
  JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')).version

/** A copy of what a release reads and writes, as a repository of its own. */
async function copyForRelease(t: Teardown): Promise<string> {
  const folder = await foreignFolder(t)
  const manifests = PACKAGES.map((name) => `${name}/package.json`)
  for (const path of [
    'package.json',
    'pnpm-workspace.yaml',
    '.changeset/config.json',
    'scripts/write-version.js',
    VERSION_FILE,
    ...manifests
  ]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await cp(join(repository, path), join(folder, path))
  }
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], { cwd: folder })
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'As it is')
  return folder
}

t.test('the version in the code is that of the package', async (t) => {
  const version = await versionOf(repository, 'packages/core')
  t.match(await readFile(join(repository, VERSION_FILE), 'utf8'), `export const VERSION = '${version}'`)
})

t.test('a change of one package raises the version of all, and of the code', async (t) => {
  const folder = await copyForRelease(t)
  const before = await versionOf(folder, 'packages/core')
  await writeFile(
    join(folder, '.changeset/a-change.md'),
    '---\n"@bandwidth-token/browser": minor\n---\n\nPages whistle while they wait.\n'
  )
  await run(process.execPath, [join(repository, 'node_modules/@changesets/cli/bin.js'), 'version'], {
    cwd: folder
  })
  await run(process.execPath, ['scripts/write-version.js'], { cwd: folder })

  const versions = await Promise.all(PACKAGES.map((name) => versionOf(folder, name)))
  const [after] = versions
  t.not(after, before)
  t.strictSame(
    versions,
    PACKAGES.map(() => after)
  )
  const source = await readFile(join(folder, VERSION_FILE), 'utf8')
  t.equal(source, (await readFile(join(repository, VERSION_FILE), 'utf8')).replace(`${before}`, `${after}`))
  t.match(
    await readFile(join(folder, 'packages/browser/CHANGELOG.md'), 'utf8'),
    'Pages whistle while they wait.'
  )
})
