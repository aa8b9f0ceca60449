import type { BandwidthTokenError, TokenProviderOptions } from '@bandwidth-token/core'
import type { Test } from 'tap'
import { type Answer, startEndpoint } from './endpoint.js'
import { rejection } from './outcomes.js'
import { CREDENTIALS, provide } from './provide.js'

/** The error that a caller gets if the endpoint answers so. */
export async function errorOf(
  t: Test,
  answer: Answer,
  options: Omit<TokenProviderOptions, 'credentials'> = {}
) {
  const server = await startEndpoint(t, answer)
  const provider = provide(t, {
    ...CREDENTIALS,
    tokenUrl: server.tokenUrl,
    ...options
  } as TokenProviderOptions)
  return (await rejection(provider.getToken())) as unknown as BandwidthTokenError
}
