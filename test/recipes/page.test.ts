import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const page = await readFile(join(root, 'docs/recipes.md'), 'utf8')

/** The blocks of the page, each with the file that the line above it names. */
const shown = new Map(
  [...page.matchAll(/\]\(\.\.\/examples\/recipes\/([\w./-]+)\)[^`]*?\n\n```\w+\n(.*?)^```$/gms)].map(
    ([, file = '', block = '']) => [file, block]
  )
)

t.test('shows each recipe as it runs in the tests', async (t) => {
  t.ok(shown.size >= 20)
  t.equal(page.match(/^```\w/gm)?.length, shown.size, 'every block is that of a file')
  for (const [file, block] of shown) {
    t.equal(block, await readFile(join(root, 'examples/recipes', file), 'utf8'), file)
  }
})

t.test('shows all recipes', async (t) => {
  const files = await readdir(join(root, 'examples/recipes'), { recursive: true })
  const recipes = files.filter((file) => /\.(js|conf|yaml)$/.test(file) && !/node_modules/.test(file))
  for (const file of recipes) t.ok(shown.has(file), file)
})

t.test('the deployment names what the recipes have', async (t) => {
  const deployment = shown.get('deployment.yaml') ?? ''
  const [, command = ''] = /command: \[node, ([\w.-]+)\]/.exec(deployment) ?? []
  const [, path = ''] = /path: (\/\w+)/.exec(deployment) ?? []
  t.match(shown.get(command), "process.once('SIGTERM'")
  t.match(shown.get('readiness.js'), `app.get('${path}'`)
  t.match(shown.get(command), /PORT \?\? 3000/)
  t.match(deployment, /port: 3000/)
})

t.test('every link leads somewhere', async (t) => {
  const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(
    ([, title = '']) =>
      `#${title
        .toLowerCase()
        .replaceAll(' ', '-')
        .replace(/[^\w-]/g, '')}`
  )
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link)
  t.ok(links.length > 40)
  for (const link of links) {
    if (link.startsWith('#')) t.ok(anchors.includes(link), link)
    else await t.resolves(access(join(root, 'docs', link)), link)
  }
})
