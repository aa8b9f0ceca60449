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
  const isOther = (name: unknown) => !kept.has(String(name).toLowerCase())
  const withoutKept = (argument: unknown) => {
    // Names and values in turn.
    if (Array.isArray(argument))
      return argument.filter((_item, index) => isOther(argument[index - (index % 2)]))
    if (typeof argument !== 'object' || argument === null) return argument
    return Object.fromEntries(Object.entries(argument).filter(([name]) => isOther(name)))
  }
  const { writeHead } = response
  response.writeHead = (...args: unknown[]) => {
    set()
    // It may throw for what it was given, and be called again.
    const result = Reflect.apply(writeHead, response, args.map(withoutKept))
    response.writeHead = writeHead
    return result
  }
}
