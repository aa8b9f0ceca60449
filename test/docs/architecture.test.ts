import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = readFileSync(`${root}docs/architecture.md`, 'utf8')
const ruleNumbers = rowsOf('Where each rule is').map(([, number = '']) => number)
const rules = [
  ...rowsOf('Where each rule is').map(([rule, , file, names]) => ruleOf('core', rule, file, names)),
  ...rowsOf('Where each rule of the page is').map(([rule, file, names]) =>
    ruleOf('browser', rule, file, names)
  )
]

t.test('names a file and at least one name for every rule', async (t) => {
  t.ok(rules.length >= 90)
  for (const { rule, file, names } of rules) {
    t.ok(existsSync(file), `${rule}: ${file}`)
    t.ok(names.length > 0, rule)
  }
})

t.test('names only what its file declares', async (t) => {
  for (const { rule, file, names } of rules) {
    const source = readFileSync(file, 'utf8')
    for (const [, name = ''] of names) t.ok(declares(source, name), `${rule}: ${name} in ${file}`)
  }
})

t.test('has a place for each of the 16 rules that a token lives by', async (t) => {
  const numbers = new Set(ruleNumbers.filter((number) => number !== ''))
  t.strictSame([...numbers].map(Number), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
})

t.test('notices a name that its file does not declare', async (t) => {
  const source = 'export class Sealer {\n  seal(text: string) {\n    open(text)\n  }\n  #key = 1\n}\n'
  t.ok(declares(source, 'Sealer'))
  t.ok(declares(source, 'Sealer.seal'))
  t.ok(declares(source, 'Sealer.#key'))
  for (const name of ['Seal', 'Sealer.open', 'Sealer.key', 'Other.seal'])
    t.notOk(declares(source, name), name)
})

t.test('explains each word once, in the order of the alphabet', async (t) => {
  const words = [...sectionOf('Glossary').matchAll(/^\| (?!word |-)([^|]+?) +\|/gm)].map(
    ([, word = '']) => word
  )
  t.ok(words.length >= 30)
  t.strictSame(
    words,
    [...new Set(words)].sort((a, b) => a.localeCompare(b, 'en', { sensitivity: 'base' }))
  )
})

t.test('links only to what exists', async (t) => {
  const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link)
  t.ok(links.length > 0)
  for (const link of links) t.ok(existsSync(`${root}docs/${link}`), link)
})

function sectionOf(title: string): string {
  return page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
}

/** The cells of each row of the table in a section, but for its head. */
function rowsOf(title: string): string[][] {
  return sectionOf(title)
    .split('\n')
    .filter((line) => /^\| (?!rule |-)/.test(line))
    .map((line) =>
      line
        .slice(2, -2)
        .split('|')
        .map((cell) => cell.trim())
    )
}

function ruleOf(folder: string, rule = '', file = '', names = '') {
  return {
    rule,
    file: `${root}packages/${folder}/src/${file.replaceAll('`', '')}`,
    names: [...names.matchAll(/`([^`]+)`/g)]
  }
}

/** Whether a source declares `name` at its top level, or the member of a class of that name: `Places.take`. */
function declares(source: string, name: string): boolean {
  const [outer = '', member] = name.split('.')
  const isDeclared = new RegExp(
    `^(?:export )?(?:async )?(?:class|function|const|interface|type) ${outer}\\b`,
    'm'
  ).test(source)
  if (member === undefined) return isDeclared
  const body = new RegExp(`^(?:export )?class ${outer}\\b.*?^}`, 'ms').exec(source)?.[0] ?? ''
  return new RegExp(`^  (?:(?:readonly|async|get) )*${member}\\b`, 'm').test(body)
}
