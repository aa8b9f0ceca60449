import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { circleIn, readImports, wrongArrows } from './imports.js'

const PACKAGES = fileURLToPath(new URL('../../../packages/', import.meta.url))
const CORE = join(PACKAGES, 'core/src')
const SOURCES = readdirSync(PACKAGES)
  .map((name) => join(PACKAGES, name, 'src'))
  .filter((folder) => existsSync(folder))

t.test('in the core imports lead from the adapters down to the endpoint, and never back', async (t) => {
  t.strictSame(wrongArrows(readImports(CORE)), [])
})

t.test('no file imports itself, by whatever way', async (t) => {
  t.ok(SOURCES.length > 0)
  for (const folder of SOURCES) t.equal(circleIn(readImports(folder)), undefined, folder)
})

function linesOfCode(path: string): number {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line)).length
}

t.test('no file has more than 250 lines of code', async (t) => {
  for (const folder of SOURCES) {
    for (const file of readImports(folder).keys()) {
      const count = linesOfCode(join(folder, file))
      t.ok(count <= 250, `${file} has ${count}`)
    }
  }
})

t.test('an adapter has less than 100 lines of code, because the core holds what they share', async (t) => {
  for (const name of ['express', 'fastify', 'web']) {
    const count = linesOfCode(join(PACKAGES, name, 'src/index.ts'))
    t.ok(count < 100, `${name} has ${count}`)
  }
})

t.test('no file calls `URL.canParse()`, which Node 20 and 22 get wrong once it is optimised', async (t) => {
  for (const folder of SOURCES) {
    for (const file of readImports(folder).keys()) {
      t.notMatch(readFileSync(join(folder, file), 'utf8'), /\bcanParse\(\w/, join(folder, file))
    }
  }
})

t.test('of a core that is built wrong', async (t) => {
  const copy = (files: Readonly<Record<string, string>>) => {
    const folder = t.testdir()
    cpSync(CORE, folder, { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
    return readImports(folder)
  }

  t.test('each import that leads up or aside is named, however it is written', async (t) => {
    for (const [file, text, arrow] of [
      ['token/x.ts', "import type { Account } from '../account/account.js'", 'account/account.ts'],
      ['endpoint/x.ts', "import {\n  type A,\n  b\n} from '../provider.js'\n", 'provider.ts'],
      ['support/x.ts', "export { toError } from '../failure.js'", 'failure.ts'],
      ['support/x.ts', "export * from '../token/lifetime.js'", 'token/lifetime.ts'],
      ['account/x.ts', "import '../route/origin.js'", 'route/origin.ts'],
      ['account/x.ts', "let a: import('../options.js').A", 'options.ts'],
      ['acquisition/x.ts', "const a = await import('../account/account.js')", 'account/account.ts'],
      ['route/x.ts', "import { TokenProvider } from '../index.js'", 'index.ts'],
      ['testing.ts', "import { TokenRoute } from './adapter.js'", 'adapter.ts']
    ] as const) {
      t.strictSame(wrongArrows(copy({ [file]: text })), [`${file} → ${arrow}`])
    }
  })

  t.test('a file that stands in no room is named', async (t) => {
    t.strictSame(wrongArrows(copy({ 'helpers.ts': '' })), ['helpers.ts is in no room'])
  })

  t.test('a circle is named, of types too', async (t) => {
    const first = "import type { B } from './b.js'\nexport type A = B"
    const second = "import { type C, c } from './c.js'"
    const circle = { 'token/a.ts': first, 'token/b.ts': second, 'token/c.ts': "export * from './a.js'" }
    t.equal(circleIn(copy(circle)), 'token/a.ts → token/b.ts → token/c.ts → token/a.ts')
    t.strictSame(wrongArrows(copy(circle)), [], 'though no arrow of it is wrong')
  })
})
