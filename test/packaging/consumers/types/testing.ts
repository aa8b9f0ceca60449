import type { AccessToken, GetTokenOptions, TokenStatus } from '@bandwidth-token/core'
import type { TokenProviderLike } from '@bandwidth-token/core/adapter'
import { type TestProvider, type TestProviderOptions, testProvider } from '@bandwidth-token/core/testing'
import { bandwidthToken } from '@bandwidth-token/express'

const options: TestProviderOptions = { accessToken: 'token', accessTokenId: 'id', expiresIn: 60 }
const provider: TestProvider = testProvider(options)
export const middleware = bandwidthToken({ provider, authorize: () => true })
export const like: TokenProviderLike = provider
export const failing = testProvider({ error: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })

export async function look(): Promise<readonly GetTokenOptions[]> {
  const token: AccessToken = await provider.getToken({ account: 'a' })
  const status: TokenStatus = provider.status()
  const accessToken: () => Promise<string> = provider.accessToken
  await provider.warmUp(await accessToken())
  provider.invalidate(token)
  // @ts-expect-error: the calls are for reading
  provider.calls.push({})
  // @ts-expect-error: the calls are not `any`
  provider.calls[0].nothing
  await provider.close()
  return status.state === 'empty' ? [] : provider.calls
}

// @ts-expect-error: no such code
testProvider({ error: 'ERR_BANDWIDTH_TOKEN_NOTHING' })
// @ts-expect-error: a misspelt option
testProvider({ acessToken: 'token' })
