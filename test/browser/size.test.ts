import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import t from 'tap'

const MAX_BYTES = 3_500

const folder = fileURLToPath(new URL('.', import.meta.resolve('@bandwidth-token/browser')))

/** What a page gets that imports it: bundled and minified. */
async function bundle(source: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent'
  })
  return outputFiles[0]?.contents ?? new Uint8Array()
}

t.test(`is at most ${MAX_BYTES} bytes, minified and gzipped`, async (t) => {
  const bytes = gzipSync(await bundle("export * from '@bandwidth-token/browser'")).length
  t.comment(`${bytes} bytes`)
  t.ok(bytes > 1_000 && bytes <= MAX_BYTES, `${bytes} bytes`)
})

t.test('leaves nothing in a page that imports it and does not use it', async (t) => {
  t.equal((await bundle("import '@bandwidth-token/browser'")).length, 0)
  t.equal((await bundle("import { createTokenSource } from '@bandwidth-token/browser'")).length, 0)
})

t.test(
  'runs in a page without a build: its modules import each other by file, and nothing else',
  async (t) => {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.js'))
    t.ok(files.includes('index.js'))
    for (const file of files) {
      const code = await readFile(`${folder}${file}`, 'utf8')
      for (const [, from = ''] of code.matchAll(/(?:from|import)\s*\(?['"]([^'"]+)['"]/g)) {
        t.ok(files.includes(from.replace('./', '')), `${file} imports ${from}`)
      }
      t.notMatch(
        code,
        /\b(?:process|require|Buffer|localStorage|sessionStorage|indexedDB|cookie|console)\b\s*[.([]/
      )
    }
  }
)
