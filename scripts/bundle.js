// Bundles the core's ES modules for publishing: to load sixty files takes an app three times as long as to load three.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const dist = new URL('../packages/core/dist/', import.meta.url)
const esm = fileURLToPath(new URL('esm/', dist))
const outdir = new URL('bundle/', dist)

await rm(outdir, { recursive: true, force: true })
await mkdir(outdir)
await bundle({
  // Nearly all of it is one file, whichever entry an app imports, and however many. What a store needs is loaded later.
  stdin: {
    contents: ['index', 'adapter', 'testing'].map((name) => `export * from './${name}.js'\n`).join(''),
    sourcefile: 'core.js',
    resolveDir: esm
  },
  entryNames: 'core',
  splitting: true
})
for (const name of ['index', 'adapter', 'testing']) {
  const names = Object.keys(await import(new URL(`esm/${name}.js`, dist)))
  await writeFile(new URL(`${name}.js`, outdir), `export { ${names.join(', ')} } from './core.js'\n`)
}
// Apart, because it needs a package that an app may not have.
await bundle({ entryPoints: [`${esm}opentelemetry.js`] })

function bundle(options) {
  return build({
    outdir: fileURLToPath(outdir),
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    ...options
  })
}
