import { readFile } from 'node:fs/promises'
import t from 'tap'
import type * as CommandLine from '../../packages/cli/dist/command-line.js'
import type * as Finding from '../../packages/cli/dist/finding.js'
import { load } from './diagnose.js'

const manifest = import.meta.resolve('@bandwidth-token/cli/package.json')
const readme = await readFile(new URL('README.md', manifest), 'utf8')
const { CODES } = await load<typeof Finding>('finding.js')
const { HELP, readCommandLine } = await load<typeof CommandLine>('command-line.js')

t.test('lists every finding, and no other', async (t) => {
  for (const code of CODES) t.match(readme, `\`${code}\``, code)
  const rows = [...readme.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, code = '']) => code)
  const known: readonly string[] = CODES
  t.strictSame(
    rows.filter((code) => !code.startsWith('--') && !known.includes(code)),
    []
  )
  t.equal(new Set(CODES).size, CODES.length)
})

t.test('lists every option, as the command does', async (t) => {
  const options = [...HELP.matchAll(/--[a-z-]+/g)].map(([option]) => option)
  for (const option of options.filter((name) => name !== '--env-file')) t.match(readme, `| \`${option}\``)
})

t.test('has commands that are understood', async (t) => {
  const commands = [...readme.matchAll(/npx @bandwidth-token\/cli ([^\n)]+)/g)]
  t.equal(commands.length, 3)
  for (const [, line = ''] of commands) {
    const args = line.split(' ').map((arg) => arg.replace(/^'|'$/g, ''))
    t.not(readCommandLine(args).name, 'wrong', line)
  }
})
