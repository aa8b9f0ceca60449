/** The headers of a request in one of two forms: by name, or names and values in turns. */
export type RequestHeaders = Readonly<Record<string, unknown>> | readonly unknown[]

/**
 * A copy of the headers that a request was given, in whichever form undici takes. Pairs, such as those of a `Map` or of
 * `Headers`, become names and values in turns: they may be readable only once, and undici 6 drops them at a redirect.
 * `undefined` for what is no headers, about which undici complains.
 */
export function copyHeaders(given: unknown): RequestHeaders | undefined {
  if (given === undefined || given === null) return {}
  if (typeof given !== 'object') return undefined
  if (Array.isArray(given) && !Array.isArray(given[0])) return [...given]
  if (isIterable(given)) return [...given].flat()
  return { ...given }
}

/** Whether the caller has set `Authorization`, however it is spelt. undici does not send a header that is `undefined`. */
export function hasAuthorization(headers: RequestHeaders): boolean {
  return entriesOf(headers).some(
    ([name, value]) => String(name).toLowerCase() === 'authorization' && value !== undefined
  )
}

export function withAuthorization(headers: RequestHeaders, accessToken: string): RequestHeaders {
  const authorization = `Bearer ${accessToken}`
  return isList(headers) ? [...headers, 'authorization', authorization] : { ...headers, authorization }
}

function entriesOf(headers: RequestHeaders): (readonly [name: unknown, value: unknown])[] {
  if (!isList(headers)) return Object.entries(headers)
  return headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : []))
}

function isList(headers: RequestHeaders): headers is readonly unknown[] {
  return Array.isArray(headers)
}

function isIterable(value: object): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
}
