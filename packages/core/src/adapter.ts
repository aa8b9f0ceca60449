// What an adapter for another framework is made of. docs/writing-an-adapter.md shows how.
export { optionInvalid } from './errors.js'
export type {
  AdapterTraits,
  ResolvedRouteOptions,
  TokenProviderLike,
  TokenRouteOptions,
  UnmountedRouteOptions
} from './route/adapter-options.js'
export { errorAnswer, errorHeaders, type RouteAnswer } from './route/answers.js'
export { keepHeaders, nodeHeaders } from './route/node-http.js'
export type { PolicyOptions } from './route/policy.js'
export type { HeaderReader, RouteRequest } from './route/request.js'
export { TokenRoute } from './route/token-route.js'
export { checkOptions, type OptionRule } from './support/check-options.js'
