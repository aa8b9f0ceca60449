import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import type { Teardown } from './teardown.js'

/** For tests in which any credentials will do. */
export const CREDENTIALS = { clientId: 'client', clientSecret: 'secret' }

/** A provider that ends with the test. */
export function provide(t: Teardown, options: TokenProviderOptions): TokenProvider {
  const provider = new TokenProvider(options)
  t.teardown(() => provider.close())
  return provider
}
