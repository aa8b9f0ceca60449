import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { HeaderReader } from './request.js'

/** Reads the headers of a request of Node's `http` or `http2`, their own properties only. */
export function nodeHeaders(headers: IncomingHttpHeaders): HeaderReader {
  const own = (name: string): string | undefined => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined
    return Array.isArray(value) ? value.join(', ') : value
  }
  return (name) => (name === 'host' ? (own(':authority') ?? own('host')) : own(name))
}

/**
 * Sets headers on a response of Node's `http` or `http2`, and sets them again just before they are sent. Until then
 * error handlers run, and some of them, Express's own among them, write the headers that an error brings along.
 */
export function keepHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const set = () => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  }
  set()
  const { writeHead } = response
  response.writeHead = (...args: unknown[]) => {
    response.writeHead = writeHead
    set()
    return Reflect.apply(writeHead, response, args)
  }
}
