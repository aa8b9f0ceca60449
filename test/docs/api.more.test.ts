import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import t from 'tap'
import { run } from '../packaging/foreign.js'
import { read, root } from './documents.js'

t.setTimeout(300_000)

/** What a module exports by name. */
async function exportsOf(path: string): Promise<string[]> {
  const source = await read(path)
  const lists = [...source.matchAll(/^export (?:type )?{([^}]*)}/gms)].flatMap(([, list = '']) =>
    list.split(',')
  )
  return lists.map((name) => name.trim().replace(/^type /, '')).filter((name) => /^\w+$/.test(name))
}

t.test(
  'pnpm run docs:api makes a page for everything that the core exports, without a warning',
  async (t) => {
    const out = t.testdir()
    const reference = join(root, 'scripts/api-reference')
    const typedoc = join(reference, 'node_modules/typedoc/bin/typedoc')
    await run(process.execPath, [typedoc, '--out', out], { cwd: reference })
    const pages = (await readdir(out, { recursive: true })).map((path) => basename(path))
    for (const entry of await readdir(join(root, 'packages'), { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name === 'cli') continue
      t.ok(pages.includes(`_bandwidth-token_${entry.name}.html`), entry.name)
    }
    for (const path of ['packages/core/src/index.ts', 'packages/core/src/adapter.ts']) {
      const names = await exportsOf(path)
      t.ok(names.length > 8, path)
      // What several modules export has its page in one of them.
      for (const name of names)
        t.ok(
          pages.some((page) => page.endsWith(`.${name}.html`)),
          name
        )
    }
  }
)

t.test('the map of the documentation names the command', async (t) => {
  t.match(await read('docs/README.md'), '`npx -y pnpm@12 run docs:api`')
  const { scripts } = JSON.parse(await read('package.json'))
  t.match(scripts['docs:api'], 'api-reference')
})
