import { stat } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { anchorsOf, documents, linksOf, read, root } from './documents.js'

const paths = await documents()

/** What `pnpm run bench:fleet` writes in half an hour. */
const MADE_ON_DEMAND = /^bench\/fleet-simulation\/(results|chart)\./

t.test('every link and every anchor of every document leads somewhere', async (t) => {
  t.ok(paths.length >= 20)
  let links = 0
  for (const path of paths) {
    for (const link of linksOf(await read(path))) {
      links++
      const problem = await problemOf(path, link)
      t.equal(problem, undefined, `${path}: ${link}`)
    }
  }
  t.ok(links >= 80, `${links} links`)
})

t.test('every page of docs is on its map, and every package and example in the README', async (t) => {
  const targets = async (map: string) =>
    linksOf(await read(map)).map((link) => normalize(join(dirname(map), link.replace(/#.*/, ''))))
  const fromDocs = await targets('docs/README.md')
  const fromRoot = await targets('README.md')
  for (const path of paths) {
    if (/^docs\/[^/]+$/.test(path) && path !== 'docs/README.md') t.ok(fromDocs.includes(path), path)
    if (/^(packages|examples)\/[^/]+\/README\.md$/.test(path)) {
      t.ok([...fromDocs, ...fromRoot].includes(path), path)
    }
  }
})

t.test('a link or an anchor that leads nowhere is found', async (t) => {
  t.match(await problemOf('README.md', 'docs/none.md'), /no such file/)
  t.match(await problemOf('README.md', 'docs/architecture.md#none'), /no such heading/)
  t.equal(await problemOf('README.md', 'docs/architecture.md#glossary'), undefined)
  t.strictSame(linksOf('[a](b.md#c) `[d](e)` [f](https://g.h)\n```\n[i](j)\n```\n<img src="k.png">'), [
    'b.md#c',
    'k.png'
  ])
  t.strictSame(
    [...anchorsOf('# A `b` & *c*\n```\n# no\n```\n## Same\n## Same\n')],
    ['a-b--c', 'same', 'same-1']
  )
})

/** What is wrong with a link of a document, if anything is. */
async function problemOf(path: string, link: string): Promise<string | undefined> {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? path : normalize(join(dirname(path), file))
  if (MADE_ON_DEMAND.test(target)) return undefined
  if ((await stat(join(root, target)).catch(() => undefined)) === undefined) return `no such file: ${target}`
  if (anchor === undefined || anchorsOf(await read(target)).has(anchor)) return undefined
  return `no such heading in ${target}: #${anchor}`
}
