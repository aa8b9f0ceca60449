import {
  type AccessToken,
  BandwidthTokenError,
  type BandwidthTokenErrorCode,
  type Clock,
  type Credentials,
  type Logger,
  TokenProvider,
  type TokenProviderOptions,
  type TokenResponse,
  type TokenStatus
} from '@bandwidth-token/core'

const options: TokenProviderOptions = { network: 'us', refreshAheadMs: 30_000, logger: console }
const perAccount: TokenProviderOptions = {
  credentials: async (account): Promise<Credentials> => ({ clientId: account, clientSecret: 'secret' })
}
/** Variables of the environment may be missing. */
const fromEnvironment: TokenProviderOptions = {
  clientId: process.env['MY_CLIENT_ID'],
  clientSecret: process.env['MY_CLIENT_SECRET'],
  tokenUrl: process.env['MY_TOKEN_URL'],
  credentials: undefined
}
const credentials = (): Credentials => ({ clientId: 'id', clientSecret: 'secret' })
// @ts-expect-error: either `credentials` or a fixed id and secret
const contradictory: TokenProviderOptions = { credentials, clientId: 'id' }
// @ts-expect-error: and not with the secret either
const contradictoryToo: TokenProviderOptions = { credentials, clientSecret: 'secret' }
// @ts-expect-error: a misspelt option
const misspelt: TokenProviderOptions = { clientID: 'id' }
// @ts-expect-error: not one of the networks
const elsewhere: TokenProviderOptions = { network: 'mars' }

export async function use(logger: Logger, clock: Clock, signal: AbortSignal): Promise<TokenResponse> {
  const provider = new TokenProvider({ ...options, logger, clock })
  const token = await provider.getToken({ account: 'a', minimumLifetimeMs: 20_000, signal })
  await provider.getToken({ rejected: token })
  await provider.warmUp()
  // @ts-expect-error: a token cannot be written to
  token.accessToken = ''
  // @ts-expect-error: and is not `any`
  token.nothing
  await provider.close()
  const typed: AccessToken = token
  return typed.toResponse()
}

export function look(provider: TokenProvider, token: AccessToken) {
  const cached: AccessToken | undefined = provider.peek('a')
  const accessToken: () => Promise<string> = provider.accessToken
  const dropped: boolean = provider.invalidate(token.accessToken)
  const status: TokenStatus = provider.status()
  const expiresAt: Date = token.expiresAt
  return { cached, accessToken, dropped, status, expiresAt }
}

export function codeOf(error: unknown): BandwidthTokenErrorCode | undefined {
  return error instanceof BandwidthTokenError ? error.code : undefined
}

export { contradictory, contradictoryToo, elsewhere, fromEnvironment, misspelt, perAccount }
