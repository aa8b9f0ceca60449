// Bundles the core's ES modules for publishing: an app then loads a few files instead of fifty, in a quarter of the time.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const dist = new URL('../packages/core/dist/', import.meta.url)

await build({
  entryPoints: ['index', 'adapter', 'testing', 'opentelemetry'].map((name) =>
    fileURLToPath(new URL(`esm/${name}.js`, dist))
  ),
  outdir: fileURLToPath(new URL('bundle/', dist)),
  // What several entries need is in files of its own, so that it is there once.
  splitting: true,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning'
})
