import { Readable } from 'node:stream'
import type { TokenProviderOptions } from '@bandwidth-token/core'
import type { Test } from 'tap'
import { type Endpoint, type ReceivedRequest, startEndpoint } from './endpoint.js'
import { rejection } from './outcomes.js'
import { CREDENTIALS, provide } from './provide.js'

/** The one request that a provider with these options makes. */
export async function requestOf(
  t: Test,
  options: TokenProviderOptions,
  path = '/api/v1/oauth2/token'
): Promise<ReceivedRequest & { server: Endpoint }> {
  const server = await startEndpoint(t)
  await provide(t, { tokenUrl: server.origin + path, ...options }).getToken()
  t.equal(server.requests.length, 1)
  return { ...(server.requests[0] as ReceivedRequest), server }
}

/** Where a provider sends its request, and the body, without sending it. */
export async function destinationOf(
  t: Test,
  options: Omit<TokenProviderOptions, 'credentials'>
): Promise<{ url: string; body: string }> {
  let destination = { url: '', body: '' }
  const dispatcher: NonNullable<TokenProviderOptions['dispatcher']> = {
    async request({ origin, path, body }) {
      destination = { url: origin + path, body }
      // It is not sent, and not tried again.
      return { statusCode: 404, headers: {}, body: Readable.from([]) }
    }
  }
  const given = { ...CREDENTIALS, ...options, dispatcher } as TokenProviderOptions
  await rejection(provide(t, given).getToken())
  return destination
}

export const basic = (text: string) => `Basic ${Buffer.from(text, 'utf8').toString('base64')}`
