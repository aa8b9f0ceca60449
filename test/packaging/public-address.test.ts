import { access, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { linksOf } from '../docs/documents.js'
import type { Teardown } from '../support/teardown.js'
import { foreignFolder, repository, run } from './foreign.js'

const ADDRESS = 'https://git.example/owner/repository'
const SCRIPT = 'scripts/public-address.js'
const PACKAGES = (await readdir(join(repository, 'packages'), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `packages/${name}`)
const FILES = PACKAGES.flatMap((folder) => [`${folder}/package.json`, `${folder}/README.md`])

/** A copy of what the script reads and writes, with an address. */
async function copyWith(t: Teardown, address: unknown): Promise<string> {
  const folder = await foreignFolder(t)
  for (const path of ['package.json', SCRIPT, ...FILES]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await cp(join(repository, path), join(folder, path))
  }
  const path = join(folder, 'package.json')
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  manifest.config.publicAddress = address
  await writeFile(path, JSON.stringify(manifest))
  return folder
}

const textsOf = (folder: string) => Promise.all(FILES.map((path) => readFile(join(folder, path), 'utf8')))

const call = (folder: string, ...args: string[]) => run(process.execPath, [SCRIPT, ...args], { cwd: folder })

/** A program that prints the texts of files. */
const PRINT = `console.log(JSON.stringify(process.argv.slice(1).map((path) => fs.readFileSync(path, 'utf8'))))`

t.test('nothing is published without an address, and the message says where to put it', async (t) => {
  const message = /^Set "config.publicAddress" in package.json/m
  const folder = await copyWith(t, '')
  await t.rejects(call(folder, 'check'), { message })
  await t.rejects(call(folder, 'run', 'true'), { message })
  const { addressIn } = await import(join(repository, SCRIPT))
  for (const publicAddress of [
    undefined,
    7,
    'git.example/a/b',
    'http://git.example/a/b',
    `${ADDRESS}.git`,
    `${ADDRESS}/`
  ]) {
    t.throws(
      () => addressIn(JSON.stringify({ config: { publicAddress } })),
      { message },
      String(publicAddress)
    )
  }
  t.throws(() => addressIn('{}'), { message })
  t.equal(addressIn(JSON.stringify({ config: { publicAddress: ADDRESS } })), ADDRESS)
  const { scripts, config } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
  t.match(
    scripts['release:publish'],
    /^node scripts\/public-address\.js check && .*address\.js run changeset publish$/
  )
  t.type(config.publicAddress, 'string', 'the place is there')
})

t.test('while a command runs, the packages have the address', async (t) => {
  const folder = await copyWith(t, ADDRESS)
  await call(folder, 'check')
  const before = await textsOf(folder)
  const during = JSON.parse(await call(folder, 'run', process.execPath, '-e', PRINT, ...FILES)) as string[]
  t.strictSame(await textsOf(folder), before, 'the files are as they were')
  for (const [index, path] of FILES.entries()) {
    const text = during[index] ?? ''
    if (path.endsWith('.json')) {
      const { homepage, bugs, repository: place, ...rest } = JSON.parse(text)
      const directory = dirname(path)
      t.strictSame(rest, JSON.parse(before[index] ?? ''), path)
      t.equal(homepage, `${ADDRESS}/tree/HEAD/${directory}#readme`)
      t.strictSame(bugs, { url: `${ADDRESS}/issues` })
      t.strictSame(place, { type: 'git', url: `git+${ADDRESS}.git`, directory })
    } else {
      t.strictSame(
        linksOf(text).filter((link) => !link.startsWith('#')),
        [],
        `${path} has no relative link`
      )
      const code = /^```.*?^```$/gms
      t.strictSame(text.match(code), before[index]?.match(code), 'code stays as it is')
      for (const [, target = ''] of text.matchAll(
        /https:\/\/git\.example\/owner\/repository\/blob\/HEAD\/([\w./-]+)/g
      )) {
        await t.resolves(access(join(repository, target)), target)
      }
    }
  }
  t.ok(during.join('').includes(`${ADDRESS}/blob/HEAD/docs/reliability.md#known-limits`))
})

t.test('links to images lead to the image itself', async (t) => {
  const { readmeWith } = await import(join(repository, SCRIPT))
  const readme =
    '![a](b.png) [`c`](../d.md#e) [f](#g) <img alt="" src="h.png"> [i](https://j.example) `[k](l.md)`'
  t.equal(
    readmeWith(readme, ADDRESS, 'packages/core'),
    `![a](${ADDRESS}/raw/HEAD/packages/core/b.png) [\`c\`](${ADDRESS}/blob/HEAD/packages/d.md#e) [f](#g) ` +
      `<img alt="" src="${ADDRESS}/raw/HEAD/packages/core/h.png"> [i](https://j.example) \`[k](l.md)\``
  )
})

t.test('a command that fails leaves the files as they were, and its exit status', async (t) => {
  const folder = await copyWith(t, ADDRESS)
  const before = await textsOf(folder)
  await t.rejects(call(folder, 'run', process.execPath, '-e', 'process.exit(3)'))
  await t.rejects(call(folder, 'run', 'no-such-command'))
  t.strictSame(await textsOf(folder), before)
})
