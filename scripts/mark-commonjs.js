// `tsc` writes CommonJS into `dist/cjs` of packages whose own `type` is `module`: say so beside the files.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'

const packages = new URL('../packages/', import.meta.url)

for (const name of readdirSync(packages)) {
  const folder = new URL(`${name}/dist/cjs/`, packages)
  if (existsSync(folder)) writeFileSync(new URL('package.json', folder), '{"type":"commonjs"}\n')
}
