export type {
  BandwidthListeners,
  BandwidthSession,
  BandwidthUA,
  CallOptions,
  SipMessage
} from './bandwidth-ua.js'
export type { TokenSourceError, TokenSourceErrorCode } from './errors.js'
export type { TokenSourceEvent, TokenSourceListener } from './events.js'
export type { PageToken } from './held-token.js'
export type { TokenSourceOptions } from './options.js'
export type { BandwidthPhone } from './phone.js'
export { createTokenSource, type TokenSource } from './token-source.js'
