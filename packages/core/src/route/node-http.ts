import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { HeaderReader } from './request.js'

/** Reads the headers of a request of Node's `http` or `http2`. Only own properties count. */
export function nodeHeaders(headers: IncomingHttpHeaders): HeaderReader {
  const own = (name: string): string | undefined => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined
    return Array.isArray(value) ? value.join(', ') : value
  }
  return (name) => (name === 'host' ? (own(':authority') ?? own('host')) : own(name))
}

/**
 * Sets headers on a response of Node's `http` or `http2` and makes sure that they are sent, even if other code
 * overwrites them before: the error handlers of Express and Fastify copy the headers of an error to the response. Does
 * nothing if the response has begun.
 */
export function keepHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  if (response.headersSent) return
  const set = () => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  }
  set()
  const kept = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const withoutKept = (argument: unknown) =>
    typeof argument === 'object' && argument !== null && !Array.isArray(argument)
      ? Object.fromEntries(Object.entries(argument).filter(([name]) => !kept.has(name.toLowerCase())))
      : argument
  const { writeHead } = response
  response.writeHead = (...args: unknown[]) => {
    response.writeHead = writeHead
    set()
    return Reflect.apply(writeHead, response, args.map(withoutKept))
  }
}
