import { validateHeaderName, validateHeaderValue } from 'node:http'
import { describe, invalid, ownProperties } from './check.js'

/** Checks the headers of a fault. HTTP and SIP have the same syntax for them (RFC 3261 §7.3). */
export function checkHeaders(
  value: unknown = {},
  name: string,
  protocol: 'HTTP' | 'SIP'
): Readonly<Record<string, string>> {
  const known = typeof value === 'object' && value !== null ? Object.keys(value) : []
  const headers = ownProperties(value, known, name)
  for (const [header, content] of Object.entries(headers)) {
    if (typeof content !== 'string') {
      throw invalid(`${name}["${header}"] must be a string, not ${describe(content)}`)
    }
    try {
      validateHeaderName(header)
      validateHeaderValue(header, content)
    } catch {
      throw invalid(`${name}: "${header}" has characters that ${protocol} does not allow in a header`)
    }
  }
  return headers as Record<string, string>
}
