/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/browser 1`] = `
modules: ES modules
dependencies: none
peer dependencies: none

@bandwidth-token/browser
  type  BandwidthListeners
  type  BandwidthPhone
  type  BandwidthSession
  type  BandwidthUA
  type  CallOptions
  type  PageToken
  type  SipMessage
  type  TokenSource
  type  TokenSourceError
  type  TokenSourceErrorCode
  type  TokenSourceEvent
  type  TokenSourceListener
  type  TokenSourceOptions
  value createTokenSource
`

exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/cli 1`] = `
modules: ES modules
dependencies: @bandwidth-token/core
peer dependencies: none
`

exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/core 1`] = `
modules: ES modules and CommonJS
dependencies: lru-cache undici
peer dependencies: @opentelemetry/api

@bandwidth-token/core
  type  AccessToken
  type  BandwidthAuthInterceptor
  type  BandwidthAuthOptions
  type  BandwidthAuthProvider
  value BandwidthTokenError
  type  BandwidthTokenErrorCode
  type  Clock
  type  CooldownMessage
  type  Credentials
  type  FailureFacts
  type  GetTokenOptions
  type  InvalidateMessage
  type  Logger
  type  RefreshMessage
  type  RejectedToken
  type  RequestMessage
  type  ServeErrorMessage
  type  TokenDispatcher
  value TokenProvider
  type  TokenProviderLike
  type  TokenProviderOptions
  type  TokenResponse
  type  TokenStatus
  type  TokenStore
  value bandwidthAuth

@bandwidth-token/core/adapter
  type  AdapterTraits
  type  HeaderReader
  type  OptionRule
  type  PolicyOptions
  type  ResolvedRouteOptions
  type  RouteAnswer
  type  RouteRequest
  type  TokenProviderLike
  value TokenRoute
  type  TokenRouteOptions
  type  UnmountedRouteOptions
  value checkOptions
  value errorAnswer
  value errorHeaders
  value keepHeaders
  value nodeHeaders
  value optionInvalid

@bandwidth-token/core/testing
  type  TestProvider
  type  TestProviderOptions
  value testProvider

@bandwidth-token/core/opentelemetry
  type  ObservableProvider
  type  ObserveProviderOptions
  value observeProvider
`

exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/emulator 1`] = `
modules: ES modules
dependencies: jose ws
peer dependencies: werift

@bandwidth-token/emulator
  type  Emulator
  value EmulatorError
  type  EmulatorErrorCode
  type  EmulatorOptions
  type  Fault
  type  FaultPoint
  type  InviteFault
  type  InvitePoint
  type  Network
  type  ReceivedRequest
  type  TokenFault
  type  TokenVerdict
  value startEmulator
`

exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/express 1`] = `
modules: ES modules and CommonJS
dependencies: @bandwidth-token/core
peer dependencies: express

@bandwidth-token/express
  type  BandwidthTokenMiddleware
  type  BandwidthTokenOptions
  value bandwidthToken
  value default
`

exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/fastify 1`] = `
modules: ES modules and CommonJS
dependencies: @bandwidth-token/core fastify-plugin
peer dependencies: fastify

@bandwidth-token/fastify
  type  FastifyBandwidthTokenOptions
  type  TokenRouteShorthand
  value default
  value fastifyBandwidthToken
`

exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/redis 1`] = `
modules: ES modules and CommonJS
dependencies: none
peer dependencies: @bandwidth-token/core

@bandwidth-token/redis
  type  GlideClient
  type  IoredisClient
  type  NodeRedisClient
  type  RedisClient
  type  RedisTokenStoreOptions
  type  SendCommand
  value redisTokenStore
`

exports[`test/build/packaging/packaging.more.test.js > TAP > every package exports and depends on what the snapshot says > @bandwidth-token/web 1`] = `
modules: ES modules and CommonJS
dependencies: @bandwidth-token/core
peer dependencies: none

@bandwidth-token/web
  type  TokenHandler
  type  TokenHandlerOptions
  value tokenHandler
`
