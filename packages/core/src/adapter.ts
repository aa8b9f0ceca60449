export { optionInvalid } from './errors.js'
export type { TokenProviderLike, TokenRouteOptions } from './route/route-options.js'
export { TokenRoute } from './route/token-route.js'
export { checkOptions, type OptionRule } from './support/check-options.js'
