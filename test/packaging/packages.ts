/** What a package promises to those who install it. */
export interface PublicFace {
  readonly esmOnly: boolean
  readonly dependencies: readonly string[]
  readonly peerDependencies: readonly string[]
  readonly values: readonly string[]
  readonly types: readonly string[]
}

/** Adding to a list is a feature; taking from one breaks somebody's build. */
export const publicFaces: Readonly<Record<string, PublicFace>> = {
  '@bandwidth-token/browser': {
    esmOnly: true,
    dependencies: [],
    peerDependencies: [],
    values: ['createTokenSource'],
    types: [
      'BandwidthListeners',
      'BandwidthPhone',
      'BandwidthSession',
      'BandwidthUA',
      'CallOptions',
      'PageToken',
      'SipMessage',
      'TokenSource',
      'TokenSourceError',
      'TokenSourceErrorCode',
      'TokenSourceEvent',
      'TokenSourceListener',
      'TokenSourceOptions'
    ]
  },
  '@bandwidth-token/core': {
    esmOnly: false,
    dependencies: ['lru-cache', 'undici'],
    peerDependencies: [],
    values: ['BandwidthTokenError', 'TokenProvider', 'TokenRoute', 'checkOptions', 'optionInvalid'],
    types: [
      'AccessToken',
      'BandwidthTokenErrorCode',
      'Clock',
      'Credentials',
      'GetTokenOptions',
      'Logger',
      'OptionRule',
      'RejectedToken',
      'TokenDispatcher',
      'TokenProviderOptions',
      'TokenRequest',
      'TokenResponse',
      'TokenRouteOptions',
      'TokenSource',
      'TokenStatus',
      'TokenStore'
    ]
  },
  '@bandwidth-token/emulator': {
    esmOnly: true,
    dependencies: ['jose', 'sdp-transform', 'werift', 'ws'],
    peerDependencies: [],
    values: ['EmulatorError', 'startEmulator'],
    types: [
      'Emulator',
      'EmulatorErrorCode',
      'EmulatorOptions',
      'Fault',
      'FaultPoint',
      'InviteFault',
      'InvitePoint',
      'ReceivedRequest',
      'TokenFault',
      'TokenVerdict'
    ]
  },
  '@bandwidth-token/express': {
    esmOnly: false,
    dependencies: ['@bandwidth-token/core'],
    peerDependencies: ['express'],
    values: ['bandwidthToken', 'default'],
    types: ['BandwidthTokenMiddleware', 'BandwidthTokenOptions']
  },
  '@bandwidth-token/fastify': {
    esmOnly: false,
    dependencies: ['@bandwidth-token/core', 'fastify-plugin'],
    peerDependencies: ['fastify'],
    values: ['default', 'fastifyBandwidthToken'],
    types: ['FastifyBandwidthTokenOptions', 'TokenRouteShorthand']
  },
  '@bandwidth-token/redis': {
    esmOnly: false,
    dependencies: [],
    peerDependencies: ['@bandwidth-token/core'],
    values: ['redisTokenStore'],
    types: [
      'GlideClient',
      'IoredisClient',
      'NodeRedisClient',
      'RedisClient',
      'RedisTokenStoreOptions',
      'SendCommand'
    ]
  }
}
