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
// @ts-expect-error: a misspelt option
const misspelt: TokenProviderOptions = { clientID: 'id' }
// @ts-expect-error: not one of the networks
const elsewhere: TokenProviderOptions = { network: 'mars' }

const fromEnvironment: TokenProviderOptions = {
  clientId: process.env['CLIENT_ID'],
  clientSecret: process.env['CLIENT_SECRET'],
  tokenUrl: process.env['TOKEN_URL']
}
// @ts-expect-error: two sources of credentials
const contradictory: TokenProviderOptions = {
  clientId: 'id',
  credentials: () => ({ clientId: 'id', clientSecret: 's' })
}
// @ts-expect-error: two sources of the secret
new TokenProvider({ clientSecret: 's', credentials: () => ({ clientId: 'id', clientSecret: 's' }) })

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

export { contradictory, elsewhere, fromEnvironment, misspelt, perAccount }
