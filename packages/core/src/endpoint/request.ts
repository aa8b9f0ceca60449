import type { Readable } from 'node:stream'
import { type Failure, isFailure } from '../failure.js'
import { abortable } from '../support/abortable.js'
import { VERSION } from '../support/version.js'
import { withoutPrototype } from '../support/without-prototype.js'
import { networkFailure } from './network-failure.js'
import { type Grant, parseGrant, parseOauthError, parseRetryAfter } from './parse.js'
import { statusFailure } from './status-failure.js'

/** The part of an undici `Dispatcher` that is used. The dispatchers of undici 6, 7 and 8 all have it. */
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

/** How a client authenticates (RFC 6749 §2.3). `secrets` are the parts of it that must never be shown. */
export interface ClientAuthentication {
  readonly authorization: string
  readonly secrets: readonly string[]
}

/** HTTP Basic (RFC 7617 §2), raw as Bandwidth documents it. RFC 6749 §2.3.1 would percent-encode both parts. */
export function authenticate(client: {
  readonly clientId: string
  readonly clientSecret: string
}): ClientAuthentication {
  const basic = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')
  return { authorization: `Basic ${basic}`, secrets: [client.clientSecret, basic] }
}

const MAX_BODY_BYTES = 64 * 1024
/** The error statuses whose body is read, because it says more (RFC 6749 §5.2). */
const EXPLAINED: ReadonlySet<number> = new Set([400, 401, 403])

/**
 * Sends one client credentials request (RFC 6749 §4.4, Bandwidth's page) and reads the response. Never rejects and
 * never follows a redirect. If the signal aborts, its reason is the result, which is a failure. But once the
 * headers of an error have arrived, their status is the result, even if the body never ends.
 */
export async function requestToken(
  endpoint: Endpoint,
  { authorization, secrets }: ClientAuthentication,
  signal: AbortSignal,
  nowMs: () => number
): Promise<Grant | Failure> {
  try {
    const { statusCode, headers, body } = await abortable(send(endpoint, authorization, signal), signal)
    const retryAfter = Object.hasOwn(headers, 'retry-after') ? headers['retry-after'] : undefined
    const retryAfterMs = parseRetryAfter(retryAfter, nowMs())
    if (statusCode === 200) {
      const outcome = parseGrant(await abortable(readJson(body), signal), secrets)
      return isFailure(outcome) ? { ...outcome, retryAfterMs } : outcome
    }
    if (!EXPLAINED.has(statusCode)) {
      discard(body)
      return statusFailure(statusCode, retryAfterMs, undefined)
    }
    const explanation = await abortable(readJson(body), signal).catch(() => undefined)
    return statusFailure(statusCode, retryAfterMs, parseOauthError(explanation, secrets))
  } catch (error) {
    return signal.aborted ? (signal.reason as Failure) : networkFailure(error, secrets)
  }
}

async function send(endpoint: Endpoint, authorization: string, signal: AbortSignal) {
  const { origin, pathname, search } = new URL(endpoint.tokenUrl)
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (endpoint.scope !== '') form.set('scope', endpoint.scope)
  return endpoint.dispatcher.request(
    // undici takes many options, such as `query`, and reads inherited ones too.
    withoutPrototype({
      origin,
      path: pathname + search,
      method: 'POST' as const,
      headers: {
        Accept: 'application/json',
        Authorization: authorization,
        'Content-Type': 'application/x-www-form-urlencoded',
        'User-Agent': `@bandwidth-token/core/${VERSION}`
      },
      body: form.toString(),
      signal,
      // The provider's clock limits the attempt, through the signal.
      headersTimeout: 0,
      bodyTimeout: 0
    })
  )
}

/** Parses the body. `undefined` if it is not JSON or is larger than the limit. */
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

/** Drops an unread body. undici then emits `error`, which must be handled. */
function discard(body: Readable): void {
  body.on('error', () => {})
  body.destroy()
}
