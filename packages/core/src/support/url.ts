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
