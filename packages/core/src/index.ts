export type { RejectedToken } from './account/cached-token.js'
export type { GetTokenOptions } from './account/get-token-options.js'
export type { TokenStatus } from './account/status.js'
export type { Credentials } from './acquisition/credentials.js'
export type { TokenDispatcher } from './endpoint/request.js'
export { BandwidthTokenError, type BandwidthTokenErrorCode } from './errors.js'
export type {
  CooldownMessage,
  FailureFacts,
  InvalidateMessage,
  RefreshMessage,
  RequestMessage,
  ServeErrorMessage
} from './observe/channels.js'
export type { TokenProviderOptions } from './options.js'
export { TokenProvider } from './provider.js'
export type { TokenProviderLike } from './route/adapter-options.js'
export {
  type BandwidthAuthInterceptor,
  type BandwidthAuthOptions,
  type BandwidthAuthProvider,
  bandwidthAuth
} from './send/bandwidth-auth.js'
export type { TokenStore } from './store/token-store.js'
export type { Clock } from './support/clock.js'
export type { Logger } from './support/logger.js'
export type { AccessToken, TokenResponse } from './token/access-token.js'
