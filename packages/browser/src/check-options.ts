import { optionInvalid } from './errors.js'
import { ownPropertiesOf } from './own-properties.js'

/** What an option must be: a test, and the words for it. */
export type OptionRule = readonly [isValid: (value: unknown) => boolean, expected: string]

/** One rule for each option, by its name. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: OptionRule }

export const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null
export const isFunction = (value: unknown): boolean => typeof value === 'function'

export const FUNCTION: OptionRule = [isFunction, 'a function']

/**
 * Checks each option against its rule. With `mayHaveState`, properties of other names are left alone unless they are
 * functions, which are misspelt.
 *
 * @returns their own properties
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown or ill-typed option
 */
export const checkOptions = <Options extends object>(
  what: string,
  given: Options,
  rules: OptionRules<Options>,
  mayHaveState?: boolean
): Options => {
  if (!isObject(given)) throw optionInvalid(what, 'an object')
  const own = ownPropertiesOf(given)
  const names = Object.keys(rules)
  for (const [name, value] of Object.entries(own)) {
    if (names.includes(name)) {
      const [isValid, expected] = rules[name as keyof Options]
      if (value !== undefined && !isValid(value)) throw optionInvalid(name, expected)
    } else if (!mayHaveState || isFunction(value)) {
      throw optionInvalid(name, `one of ${names.join(', ')}`)
    }
  }
  return own
}
