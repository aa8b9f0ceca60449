import type { Readable } from 'node:stream'
import type { Failure } from '../failure.js'
import { abortable } from '../support/abortable.js'
import { VERSION } from '../support/version.js'
import { networkFailure } from './network-failure.js'
import { type Grant, parseGrant, parseOauthError, parseRetryAfter, statusFailure } from './parse.js'

/** The part of an undici `Dispatcher` that is used, so that one of version 6, 7 or 8 fits. */
export interface TokenDispatcher {
  request(options: {
    origin: string
    path: string
    method: 'POST'
    headers: Record<string, string>
    body: string
    signal: AbortSignal
    headersTimeout: number
    bodyTimeout: number
  }): Promise<{
    statusCode: number
    headers: Record<string, string | string[] | undefined>
    body: Readable
  }>
}

export interface Endpoint {
  readonly tokenUrl: string
  readonly scope: string
  readonly dispatcher: TokenDispatcher
}

/** How a client proves who it is (RFC 6749 §2.3), and what of it must never be shown. */
export interface ClientAuthentication {
  readonly authorization: string
  readonly secrets: readonly string[]
}

const MAX_BODY_BYTES = 64 * 1024
/** The statuses whose body says what is wrong (RFC 6749 §5.2). */
const EXPLAINED: ReadonlySet<number> = new Set([400, 401, 403])

/**
 * One exchange with the token endpoint: a client credentials request (RFC 6749 §4.4, Bandwidth's page). Never follows
 * a redirect and never rejects. The reason of `signal` is the failure that an aborted exchange ends with; a status
 * that has arrived by then still counts.
 */
export async function requestToken(
  endpoint: Endpoint,
  { authorization, secrets }: ClientAuthentication,
  signal: AbortSignal,
  nowMs: () => number
): Promise<Grant | Failure> {
  try {
    const { statusCode, headers, body } = await abortable(send(endpoint, authorization, signal), signal)
    if (statusCode === 200) return parseGrant(await abortable(readJson(body), signal), secrets)
    return statusFailure(
      statusCode,
      parseRetryAfter(headers['retry-after'], nowMs()),
      EXPLAINED.has(statusCode)
        ? parseOauthError(await abortable(readJson(body), signal).catch(() => undefined), secrets)
        : discard(body)
    )
  } catch (error) {
    return signal.aborted ? (signal.reason as Failure) : networkFailure(error, secrets)
  }
}

async function send(endpoint: Endpoint, authorization: string, signal: AbortSignal) {
  const { origin, pathname, search } = new URL(endpoint.tokenUrl)
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (endpoint.scope !== '') form.set('scope', endpoint.scope)
  return endpoint.dispatcher.request({
    origin,
    path: pathname + search,
    method: 'POST',
    headers: {
      Accept: 'application/json',
      Authorization: authorization,
      'Content-Type': 'application/x-www-form-urlencoded',
      'User-Agent': `@bandwidth-token/core/${VERSION}`
    },
    body: form.toString(),
    signal,
    // The provider's own clock bounds the attempt.
    headersTimeout: 0,
    bodyTimeout: 0
  })
}

/** The body as JSON; `undefined` where it is not JSON or longer than the limit. */
async function readJson(body: Readable): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder().decode(Buffer.concat(chunks)))
  } catch {
    return undefined
  }
}

/** Ends a body that nobody reads. undici calls that an error. */
function discard(body: Readable): undefined {
  body.on('error', () => {})
  body.destroy()
}
