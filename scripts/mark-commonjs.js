// `tsc` writes CommonJS into `dist/cjs`, but the packages have `"type": "module"`. A `package.json` beside the files
// tells Node that these are CommonJS.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'

const packages = new URL('../packages/', import.meta.url)

for (const name of readdirSync(packages)) {
  const folder = new URL(`${name}/dist/cjs/`, packages)
  if (existsSync(folder)) writeFileSync(new URL('package.json', folder), '{"type":"commonjs"}\n')
}
