import { hasMethods, type OptionRule } from './check-options.js'

/** What a provider that is passed as an option must be. */
export const PROVIDER_SHAPE: OptionRule = [
  hasMethods('getToken'),
  'a TokenProvider, or an object with its method getToken'
]
