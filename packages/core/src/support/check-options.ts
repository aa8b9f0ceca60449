import { optionInvalid, typeName } from '../errors.js'

/**
 * What an option must be: a check, the words for it, and optionally a function that describes a bad value whose type
 * alone does not show the problem ("a string that ends with a line break"). No message may repeat the value.
 */
export type OptionRule = readonly [
  isValid: (value: unknown) => boolean,
  expected: string,
  describe?: (value: unknown) => string | undefined
]

/**
 * Checks one value against a rule.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for a bad value
 */
export function check(name: string, value: unknown, [isValid, expected, describe]: OptionRule): void {
  if (!isValid(value)) throw optionInvalid(name, value, expected, describe?.(value))
}

/**
 * Checks each of the given options against its rule and returns a copy without a prototype. Reads own properties only.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for the first bad or unknown option. The message for an unknown one
 *   suggests the nearest name, or lists all names if none is near.
 */
export function checkOptions(
  given: unknown,
  rules: Readonly<Record<string, OptionRule>>,
  prefix = ''
): Record<string, unknown> {
  // No prototype: a polluted `Object.prototype` must not add options.
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
    check(prefix + name, value, rule)
    checked[name] = value
  }
  return checked
}

/** A check that a value has these methods: dispatchers, loggers and clocks are recognised by their shape. */
export function hasMethods(...names: string[]): OptionRule[0] {
  return (value) =>
    names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function')
}

/** The rule of a list with at least `least` entries, all of them valid. The error says which entry is the first bad one. */
export function listOf(isValid: OptionRule[0], expected: string, least = 0): OptionRule {
  const indexOfBad = (value: unknown) =>
    Array.isArray(value) ? [...value].findIndex((each) => !isValid(each)) : -1
  return [
    (value) => Array.isArray(value) && value.length >= least && indexOfBad(value) === -1,
    expected,
    (value) => {
      const index = indexOfBad(value)
      return index === -1
        ? undefined
        : `an array whose entry [${index}] is ${typeName((value as unknown[])[index])}`
    }
  ]
}

function suggestion(name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= name.length / 3 || isMostOf(name, candidate))
    .sort((a, b) => a.distance - b.distance)
  return nearest === undefined
    ? `one of the options ${known.join(', ')}`
    : `the spelling "${nearest.candidate}"`
}

/** Whether a name is the beginning of another one and at least half of it, as `refreshA` of `refreshAheadMs`. */
function isMostOf(name: string, candidate: string): boolean {
  return name.length >= candidate.length / 2 && candidate.toLowerCase().startsWith(name.toLowerCase())
}

/** The Levenshtein distance, row by row. */
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
