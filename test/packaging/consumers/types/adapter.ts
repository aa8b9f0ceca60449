import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import {
  type AdapterTraits,
  checkOptions,
  errorAnswer,
  keepHeaders,
  nodeHeaders,
  type OptionRule,
  optionInvalid,
  type RouteAnswer,
  type TokenProviderLike,
  TokenRoute,
  type TokenRouteOptions
} from '@bandwidth-token/core/adapter'

// What somebody writes who brings the token route to another framework.
export type Options = TokenRouteOptions<IncomingMessage> & { cookie?: string }

const COOKIE: OptionRule = [(value) => typeof value === 'string', 'the name of a cookie']
const traits: AdapterTraits = { extraRules: { cookie: COOKIE }, logger: console }

export async function handle(
  options: Options,
  req: IncomingMessage,
  res: ServerResponse
): Promise<AccessToken> {
  const route = new TokenRoute<IncomingMessage>(options, traits)
  const header = nodeHeaders(req.headers)
  const answer: RouteAnswer | undefined = await route
    .answer(req, { url: req.url ?? '/', header })
    .catch(errorAnswer)
  if (answer !== undefined) keepHeaders(res, answer.headers)
  const token: AccessToken = await route.tokenFor(req)
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
