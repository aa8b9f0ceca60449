import { optionInvalid } from '../errors.js'

/** What an option must be: a test and the words for it. */
export type OptionRule = readonly [isValid: (value: unknown) => boolean, expected: string]

/**
 * A copy of the options that were given, own properties only. Each is checked against its rule; an unknown one is
 * named, with the right spelling where one is near.
 */
export function checkOptions(
  given: unknown,
  rules: Readonly<Record<string, OptionRule>>,
  prefix = ''
): Record<string, unknown> {
  // Without a prototype, so that what pollutes that of every object is not taken for an option.
  const checked: Record<string, unknown> = Object.create(null)
  if (given === undefined) return checked
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw optionInvalid('options', given, 'an object')
  }
  for (const name of Object.keys(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    const value = (given as Record<string, unknown>)[name]
    if (rule === undefined) throw optionInvalid(prefix + name, value, suggestion(name, Object.keys(rules)))
    if (value === undefined) continue
    if (!rule[0](value)) throw optionInvalid(prefix + name, value, rule[1])
    checked[name] = value
  }
  return checked
}

/** Whether a value has these methods: a thing is recognised by its shape. */
export function hasMethods(...names: string[]): OptionRule[0] {
  return (value) =>
    names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function')
}

function suggestion(name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(
      ({ candidate, distance }) =>
        distance <= name.length / 3 || candidate.toLowerCase().startsWith(name.toLowerCase())
    )
    .sort((a, b) => a.distance - b.distance)
  return nearest === undefined
    ? `one of the options ${known.join(', ')}`
    : `the spelling "${nearest.candidate}"`
}

/** Levenshtein's distance, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
