export type {
  BandwidthListeners,
  BandwidthSession,
  BandwidthUA,
  CallOptions,
  SipMessage
} from './bandwidth-ua.js'
export type { TokenSourceError, TokenSourceErrorCode } from './errors.js'
export type { BandwidthPhone } from './phone.js'
export type { PageToken, TokenSourceOptions } from './route.js'
export {
  createTokenSource,
  type TokenSource,
  type TokenSourceEvent,
  type TokenSourceListener
} from './token-source.js'
