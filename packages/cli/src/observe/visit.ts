import type { Dispatcher } from 'undici'

/** An answer of the app's token route, or why there is none. */
export type Visit = Answer | Unreachable

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The parsed body. `undefined` if it is not JSON. */
  readonly body: unknown
}

export interface Unreachable {
  /** The code of the network error. */
  readonly failure: string
}

/** The route as different visitors see it. */
export interface RouteVisits {
  readonly url: string
  readonly hasCookie: boolean
  /** Somebody who is not signed in. */
  readonly anonymous: Visit
  /** Somebody who is signed in, if there is a cookie; else the same as `anonymous`. */
  readonly visitor: Visit
  /** A page of another origin, with the cookie of the visitor. */
  readonly foreignPage: Visit
  /** A page of the app itself, in a browser that names only its origin. */
  readonly ownPage: Visit
}

/** A name that can belong to nobody (RFC 2606 §2). */
const FOREIGN_ORIGIN = 'https://another-origin.invalid'
const MAX_BODY_BYTES = 64 * 1024
const TIME_LIMIT_MS = 5_000

/** Asks the route for a token as each of the visitors. */
export async function visitRoute(
  url: string,
  cookie: string | undefined,
  dispatcher: Dispatcher
): Promise<RouteVisits> {
  const signedIn: Record<string, string> = cookie === undefined ? {} : { cookie }
  const visit = (headers: Record<string, string>) => get(url, headers, dispatcher)
  /** Once more if the first answer says nothing about who may have a token. */
  const visitTwice = async (headers: Record<string, string>) => {
    const first = await visit(headers)
    return cookie !== undefined && saysNothing(first) ? visit(headers) : first
  }
  const anonymous = await visitTwice({})
  const [visitor, foreignPage, ownPage] = await Promise.all([
    cookie === undefined ? anonymous : visit(signedIn),
    visitTwice({ ...signedIn, origin: FOREIGN_ORIGIN, 'sec-fetch-site': 'cross-site' }),
    visit({ ...signedIn, origin: new URL(url).origin })
  ])
  return { url, hasCookie: cookie !== undefined, anonymous, visitor, foreignPage, ownPage }
}

/** Whether a visit tells neither that a visitor gets a token nor that the app refuses it. */
export function saysNothing(visit: Visit): boolean {
  return 'failure' in visit || visit.status >= 500 || [408, 425, 429].includes(visit.status)
}

async function get(url: string, headers: Record<string, string>, dispatcher: Dispatcher): Promise<Visit> {
  const { origin, pathname, search } = new URL(url)
  try {
    const response = await dispatcher.request({
      origin,
      path: pathname + search,
      method: 'GET',
      headers: { accept: 'application/json', ...headers },
      signal: AbortSignal.timeout(TIME_LIMIT_MS)
    })
    const pairs = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const)
    return {
      status: response.statusCode,
      headers: Object.fromEntries(pairs),
      body: await readJson(response.body)
    }
  } catch (error) {
    return { failure: codeOf(error) }
  }
}

async function readJson(body: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}

/** The code of an error of Node, OpenSSL or undici. */
function codeOf(error: unknown): string {
  const { name, code } = error as { name?: unknown; code?: unknown }
  if (name === 'TimeoutError') return 'no answer within 5 s'
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'network error'
}
