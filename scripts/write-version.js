// Writes the version into the core's source, which sends it in `User-Agent`. Run it after changesets has raised the
// versions of the packages.
import { readFileSync, writeFileSync } from 'node:fs'

const core = new URL('../packages/core/', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('package.json', core), 'utf8'))
const file = new URL('src/support/version.ts', core)
writeFileSync(file, readFileSync(file, 'utf8').replace(/'.*'/, `'${version}'`))
