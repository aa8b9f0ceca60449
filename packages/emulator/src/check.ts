import { EmulatorError } from './errors.js'

/** With a longer delay, a timer of Node fires at once. */
export const longestTimerMs = 2 ** 31 - 1

/**
 * Copies the value's own properties to an object without a prototype. So a polluted prototype adds no setting,
 * and later changes to the caller's object have no effect.
 */
export function ownProperties(
  value: unknown,
  known: readonly string[],
  what: string
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what} must be an object, not ${describe(value)}`)
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw invalid(`${what}: there is no "${unknown}"; known are ${known.join(', ')}`)
  }
  return Object.assign(Object.create(null), value)
}

export function wholeNumber(value: unknown, name: string, min: number, max: number, unit = ''): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw invalid(`${name} must be a whole number${unit} from ${min} to ${max}, not ${describe(value)}`)
}

export function oneOf<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === value)
  if (choice !== undefined) return choice
  const listed = choices.map((each) => `"${each}"`).join(' or ')
  throw invalid(`${name} must be ${listed}, not ${describe(value)}`)
}

/** The type of a value in words. It never shows the content of a string, which may be a misplaced secret. */
export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number') return String(value)
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'a string'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

export function invalid(message: string): EmulatorError {
  return new EmulatorError('ERR_BANDWIDTH_EMULATOR_OPTION_INVALID', message)
}
