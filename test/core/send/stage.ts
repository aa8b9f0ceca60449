import { bandwidthAuth, type TokenProvider } from '@bandwidth-token/core'
import type { Test } from 'tap'
import type { Dispatcher } from 'undici'
import { type Answer, answerWith, type Endpoint, startEndpoint } from '../../support/endpoint.js'
import type { Undici } from './undici.js'

export interface Stage {
  /** The token endpoint, with the clock of the provider. */
  readonly tokens: Endpoint
  readonly provider: TokenProvider
  /** A server of the listed origin. It answers 200. */
  readonly api: Endpoint
  readonly dispatcher: Dispatcher
  /** The `Authorization` of each request that the server has received. */
  sent(): (string | undefined)[]
}

/** A server that needs a token, and a dispatcher that sends one. */
export async function setStage(
  t: Test,
  { Agent }: Undici,
  change: { account?: string; before?: Dispatcher.DispatcherComposeInterceptor[] } = {}
): Promise<Stage> {
  const { before = [], ...options } = change
  const [tokens, api] = await Promise.all([startEndpoint(t), startEndpoint(t, answerWith(200, 'well'))])
  const provider = tokens.provider(t)
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  return {
    tokens,
    provider,
    api,
    dispatcher: agent.compose(bandwidthAuth(provider, { origins: [api.origin], ...options }), ...before),
    sent: () => api.requests.map(({ headers }) => headers.authorization)
  }
}

/** Answers 401 to requests with one of these tokens, and 200 to all others. */
export function refuse(...tokens: string[]): Answer {
  return (exchange) => {
    const { authorization } = exchange.request.headers
    const isRefused = tokens.some((token) => authorization === `Bearer ${token}`)
    const answer = isRefused
      ? answerWith(401, 'refused', { 'WWW-Authenticate': 'Bearer' })
      : answerWith(200, 'well')
    return answer(exchange)
  }
}
