import { readFile } from 'node:fs/promises'
import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'
import type { Sample } from './exporter.js'

const folder = new URL('../../../docs/operation/', import.meta.url)

/** The rules, as Prometheus reads them. */
export const RULES = new URL('alerts.yaml', folder)

export interface Query {
  /** The title of its panel, or the name of its rule. */
  readonly name: string
  readonly expr: string
}

export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Record<string, string>
  readonly annotations?: Record<string, string>
}

/** The queries of the dashboard for all jobs and instances, and those that fill its variables. */
export async function dashboardQueries(): Promise<Query[]> {
  const { panels, templating } = JSON.parse(await readFile(new URL('dashboard.json', folder), 'utf8'))
  const variables: string[] = templating.list.map(({ name }: { name: string }) => name)
  const queries = (panels as { title: string; targets: { expr: string }[] }[]).flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ name: title, expr }))
  )
  return queries.map(({ name, expr }) => {
    const all = variables.reduce((text, variable) => text.replaceAll(`"$${variable}"`, '".*"'), expr)
    return { name, expr: all }
  })
}

export async function rules(): Promise<Rule[]> {
  const { groups } = parse(await readFile(RULES, 'utf8'))
  return groups.flatMap((group: { rules: Rule[] }) => group.rules)
}

interface Matcher {
  readonly label: string
  readonly op: string
  readonly value: string
}

/** What a query asks for: the matchers of each selector, and the labels by which it groups or matches. */
export function parseQuery(expr: string): { selectors: Matcher[][]; labels: string[]; isValid: boolean } {
  const selectors: Matcher[][] = []
  const labels: string[] = []
  let isValid = true
  const textOf = ({ from, to }: { from: number; to: number }) => expr.slice(from, to)
  parser.parse(expr).iterate({
    enter(node) {
      if (node.type.isError) isValid = false
      const parts = node.node.getChildren('LabelName').map(textOf)
      if (node.name === 'GroupingLabels') labels.push(...parts)
      if (node.name === 'VectorSelector') selectors.push([])
      if (node.name === 'Identifier') {
        selectors.at(-1)?.push({ label: '__name__', op: '=', value: textOf(node) })
      }
      if (node.name === 'UnquotedLabelMatcher') {
        const [op, value] = ['MatchOp', 'StringLiteral']
          .map((name) => node.node.getChild(name))
          .map((part) => part && textOf(part))
        selectors.at(-1)?.push({ label: parts[0] ?? '', op: op ?? '', value: JSON.parse(value ?? '""') })
      }
    }
  })
  return { selectors, labels, isValid }
}

/** What a query asks for and no sample has. A label that it excludes must exist too. */
export function missing(expr: string, samples: readonly Sample[]): string[] {
  const { selectors, labels, isValid } = parseQuery(expr)
  const all = samples.map(({ name, labels }) => ({ ...labels, __name__: name }) as Record<string, string>)
  const known = new Set(all.flatMap((each) => Object.keys(each)))
  return [
    ...(isValid ? [] : [`not PromQL: ${expr}`]),
    ...labels.filter((label) => !known.has(label)),
    ...selectors
      .filter((matchers) => !all.some((each) => matchers.every((matcher) => matches(matcher, each))))
      .map((matchers) => JSON.stringify(matchers))
  ]
}

function matches({ label, op, value }: Matcher, labels: Record<string, string>): boolean {
  const actual = labels[label]
  if (actual === undefined) return false
  const isEqual = op.endsWith('~') ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
  return op.startsWith('!') ? !isEqual : isEqual
}
