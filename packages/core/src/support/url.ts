/**
 * Parses a URL. `undefined` if the text is not one. `URL.canParse()` cannot be used: once V8 has optimised it, Node 20
 * and 22 refuse letters such as "ü".
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

/** Whether a host name or address is a loopback one (RFC 6761 §6.3, RFC 1122 §3.2.1.3). */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

/** Whether a value can be the URL of a token endpoint: `https:` or `http:`, without user name, password and fragment. */
export function isTokenUrl(value: unknown): value is string {
  const url = typeof value === 'string' && !value.includes('#') ? parseUrl(value) : undefined
  if (url === undefined || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || url.protocol === 'http:'
}

/** Whether what is sent to this URL crosses a network unencrypted. */
export function isInsecure(tokenUrl: string): boolean {
  const { protocol, hostname } = new URL(tokenUrl)
  return protocol === 'http:' && !isLoopback(hostname)
}

/** Whether a string is an origin as a browser writes it in `Origin` (RFC 6454 §6.2): no path, no default port. */
export function isSerializedOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\\\s*]+$/.test(value)) return false
  const origin = parseUrl(value)?.origin
  return origin === value || (origin === 'null' && value === value.toLowerCase())
}
