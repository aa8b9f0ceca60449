import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { codeBlocks, documents, read, root } from './documents.js'
import { compile, consumer } from './project.js'

const CODE = /^ *```(?:[jt]sx?|mjs|cjs|mts|javascript|typescript|html)$/m

/** The test that compiles or runs the blocks of a document, each as it is written. */
const TESTS: Readonly<Record<string, string>> = {
  'README.md': 'docs/readme',
  'docs/bun.md': 'docs/bun',
  'docs/migration.md': 'docs/migration',
  'docs/nestjs.md': 'recipes/nestjs',
  'docs/observability.md': 'docs/blocks',
  'docs/recipes.md': 'recipes/page',
  'docs/runbook.md': 'docs/runbook',
  'docs/scaling.md': 'docs/readme',
  'docs/sending-a-token.md': 'docs/sending-a-token',
  'docs/testing.md': 'docs/testing',
  'docs/troubleshooting.md': 'docs/readme',
  'docs/writing-a-store.md': 'docs/readme',
  'docs/writing-an-adapter.md': 'adapters/writing-an-adapter',
  'examples/postgres-store/README.md': 'docs/readme',
  'packages/browser/README.md': 'browser/readme.chromium.more',
  'packages/core/README.md': 'docs/readme',
  'packages/emulator/README.md': 'docs/blocks',
  'packages/express/README.md': 'docs/readme',
  'packages/fastify/README.md': 'docs/readme',
  'packages/redis/README.md': 'docs/readme',
  'packages/web/README.md': 'docs/web'
}

t.test('every document that shows code has a test for its blocks', async (t) => {
  const withCode: string[] = []
  for (const path of await documents()) if (CODE.test(await read(path))) withCode.push(path)
  t.strictSame(withCode, Object.keys(TESTS).sort())
  for (const name of new Set(Object.values(TESTS))) {
    await t.resolves(readFile(join(root, `test/${name}.test.ts`)), name)
  }
})

t.test('the blocks of docs/observability.md compile', async (t) => {
  const project = await consumer(t)
  const blocks = codeBlocks(await read('docs/observability.md'), 'js')
  t.ok(blocks.length >= 3)
  // The provider of the reader, and the metrics of the reader's app.
  await writeFile(
    join(project, 'an-app.d.ts'),
    "declare const provider: import('@bandwidth-token/core').TokenProvider"
  )
  for (const [index, block] of blocks.entries()) {
    // A subscriber gets its message as `unknown`; in JavaScript nobody minds.
    const own = block.replace(/\((message)\) =>/g, '($1: any) =>')
    await writeFile(join(project, `block-${index}.ts`), `${own}\nexport {}`)
  }
  t.equal(await compile(project), '')
})

t.test('the page of packages/emulator/README.md compiles', async (t) => {
  const project = await consumer(t)
  const [html = ''] = codeBlocks(await read('packages/emulator/README.md'), 'html')
  const [, script = ''] = /<script type="module">(.*?)<\/script>/s.exec(html) ?? []
  t.match(script, "import { BandwidthUA } from '@bandwidth/bw-webrtc-sdk'")
  await writeFile(join(project, 'page.ts'), script)
  const options = { strict: false, exactOptionalPropertyTypes: false, noUnusedParameters: false }
  t.equal(await compile(project, { lib: ['es2022', 'dom'], ...options }), '')
})
