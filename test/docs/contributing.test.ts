import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const page = await readFile(join(root, 'CONTRIBUTING.md'), 'utf8')
const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

/** What pnpm itself understands. */
const BUILT_IN = ['install', 'test', 'start']

/** What stands in blocks and between backquotes. */
const code = [...page.matchAll(/^```sh\n(.*?)^```$|`([^`\n]+)`/gms)].map(
  ([, block, inline]) => block ?? inline
)

/** What the page tells a reader to type, and what is handed to it. */
const commands = code.flatMap((text = '') =>
  [...text.matchAll(/\bpnpm(?:@12)? (?:run )?([a-z][\w:]*)(?: ([\w./-]+))?/g)].map(
    ([command, name = '', argument]) => ({ command, name, argument })
  )
)

t.test('every command exists', async (t) => {
  t.ok(commands.length >= 20)
  for (const { command, name } of commands) {
    t.ok(name === 'install' || scripts[name] !== undefined, command)
    t.ok(command.includes(' run ') || BUILT_IN.includes(name), `${command} is a command of pnpm's own`)
  }
})

t.test('every script that is not a part of another is on the page', async (t) => {
  const named = commands.map(({ name }) => name)
  const parts = Object.keys(scripts).filter((name) =>
    Object.values(scripts).some((script) => new RegExp(`pnpm run ${name}(?![\\w:])`).test(script))
  )
  for (const name of Object.keys(scripts)) t.ok(named.includes(name) || parts.includes(name), name)
})

t.test('every file that a script runs exists', async (t) => {
  const files = Object.values(scripts).flatMap(
    (script) => script.match(/(?:scripts|bench|test)\/[\w/-]+\.(?:js|sh)/g) ?? []
  )
  t.ok(files.length >= 6)
  for (const file of files) {
    if (!file.startsWith('test/build/')) await t.resolves(access(join(root, file)), file)
  }
})

t.test('every test and every source that a command names exists', async (t) => {
  const argumentsOf = (script: string) =>
    commands.flatMap(({ name, argument }) => (name === script && argument !== undefined ? [argument] : []))
  const files = [
    ...argumentsOf('test:one').map((name) => `test/${name}.test.ts`),
    ...argumentsOf('test:mutants').map((name) => `packages/${name.replace('/', '/src/')}.ts`)
  ]
  t.ok(files.length >= 4)
  for (const file of files) await t.resolves(access(join(root, file)), file)
})

t.test('every path exists', async (t) => {
  const paths = [...page.matchAll(/`((?:packages|test|scripts|docs|\.changeset)(?:\/[\w.*-]+)*)`/g)].map(
    ([, path = '']) => path
  )
  t.ok(paths.length >= 8)
  const packages = await readdir(join(root, 'packages'))
  for (const path of paths) {
    const found = path.includes('*') ? packages.map((name) => path.replace('*', name)) : [path]
    const results = await Promise.allSettled(found.map((each) => access(join(root, each))))
    t.ok(
      results.some(({ status }) => status === 'fulfilled'),
      path
    )
  }
})
