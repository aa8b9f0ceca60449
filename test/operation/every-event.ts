import type { TokenProvider } from '@bandwidth-token/core'
import { answerWith, type Endpoint, fail, grant } from '../support/endpoint.js'

/** Has a provider live through what the metrics count. At the end its token serves, and its refresh has just failed. */
export async function everyEvent(endpoint: Endpoint, provider: TokenProvider): Promise<void> {
  const first = await provider.getToken()
  await endpoint.clock.advance(5_000)
  const second = await provider.getToken({ rejected: first })
  await provider.getToken({ rejected: second })
  await endpoint.clock.advance(5_000)
  provider.invalidate(second)
  endpoint.answer = answerWith(401, { error: 'invalid_client' })
  await provider.getToken().catch(() => {})
  await endpoint.clock.advance(60_000)
  endpoint.answer = grant()
  await provider.getToken()
  endpoint.answer = fail(503)
  await endpoint.clock.advance(581_000)
}
