/**
 * Reads a header of a request by its name in lower case. `'host'` is the request's own host: the `:authority` of
 * HTTP/2, else `Host`. It is never a forwarded header, because a caller can write those.
 */
export type HeaderReader = (name: string) => string | undefined

/** What the token route reads of a request, whatever the framework. */
export interface RouteRequest {
  /** The URL, or the path and query. Only the query is read. */
  readonly url: string
  readonly header: HeaderReader
  /** Ends the wait of this caller, such as when the client has disconnected. Default: none. */
  readonly signal?: AbortSignal | undefined
}

/** The id of the token that the gateway refused, as the page says (`?rejected=`). Only one well-formed value counts. */
export function rejectedTokenId(url: string): string | undefined {
  const queryAt = url.indexOf('?')
  if (queryAt === -1) return undefined
  // The query with its "?", which the parser drops.
  const values = new URLSearchParams(url.slice(queryAt)).getAll('rejected')
  const [id] = values
  return values.length === 1 && /^[A-Za-z0-9._~-]{1,128}$/.test(String(id)) ? id : undefined
}
