import type { IncomingHttpHeaders } from 'node:http'
import { parseUrl } from '../support/url.js'

/**
 * Whether a browser's request comes from a page of the app itself or of an allowed origin, or from no browser at
 * all: the rule of Go's `net/http` `CrossOriginProtection`, applied to GET too (Fetch Metadata, RFC 6454).
 */
export function isOriginAllowed(headers: IncomingHttpHeaders, allowedOrigins: ReadonlySet<string>): boolean {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return true
  const { origin } = headers
  if (!site && !origin) return true
  if (!site && isOwnOrigin(origin, headers)) return true
  return origin !== undefined && allowedOrigins.has(origin)
}

/** Never by a forwarded header: a caller can write those. */
function isOwnOrigin(origin: string | undefined, headers: IncomingHttpHeaders): boolean {
  const host = headers[':authority'] ?? headers.host
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`)
}

/** Whether a string is an origin as a browser writes it in `Origin` (RFC 6454 §6.2): no path, no default port. */
export function isSerializedOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\\\s*]+$/.test(value)) return false
  const origin = parseUrl(value)?.origin
  return origin === value || (origin === 'null' && value === value.toLowerCase())
}
