// `tsc` writes CommonJS into `dist/cjs` of packages whose own `type` is `module`: say so beside the files.
import { writeFileSync } from 'node:fs'

for (const name of ['core', 'fastify', 'express', 'redis']) {
  writeFileSync(
    new URL(`../packages/${name}/dist/cjs/package.json`, import.meta.url),
    '{"type":"commonjs"}\n'
  )
}
