import type { IncomingMessage } from 'node:http'
import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import {
  checkOptions,
  type OptionRule,
  optionInvalid,
  type TokenProviderLike,
  TokenRoute,
  type TokenRouteOptions
} from '@bandwidth-token/core/adapter'

// What somebody writes who brings the token route to another framework.
export interface Options extends TokenRouteOptions<IncomingMessage> {
  cookie?: string
}

const COOKIE: OptionRule = [(value) => typeof value === 'string', 'the name of a cookie']

export async function handle(options: Options, request: IncomingMessage): Promise<AccessToken> {
  const route = new TokenRoute<IncomingMessage>(options, { cookie: COOKIE })
  const token: AccessToken = await route.tokenFor(request)
  // @ts-expect-error: the token is not `any`
  token.nothing
  // @ts-expect-error: no request of this framework
  await route.tokenFor('request')
  return token
}

export function check(given: unknown, provider: TokenProvider): TokenProviderLike {
  const checked: Record<string, unknown> = checkOptions(given, { cookie: COOKIE }, 'cookies.')
  if (checked['cookie'] === 'none') throw optionInvalid('cookie', checked['cookie'], 'a cookie')
  return provider
}
