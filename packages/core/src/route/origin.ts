import type { HeaderReader } from './request.js'

/**
 * Whether a request comes from a page of the app itself, from a page of an allowed origin, or from no browser at all.
 * The rule is that of Go's `net/http` `CrossOriginProtection`, applied to GET too (Fetch Metadata, RFC 6454).
 */
export function isOriginAllowed(header: HeaderReader, allowedOrigins: ReadonlySet<string>): boolean {
  const site = header('sec-fetch-site')
  if (site === 'same-origin' || site === 'none') return true
  const origin = header('origin')
  if (!site && !origin) return true
  if (!site && isOwnOrigin(origin, header('host'))) return true
  return origin !== undefined && allowedOrigins.has(origin)
}

function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`)
}
