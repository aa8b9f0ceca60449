import type { IncomingHttpHeaders } from 'node:http'
import type { TokenProvider } from '@bandwidth-token/core'
import { errorAnswer, type TokenRouteOptions } from '@bandwidth-token/core/adapter'
import type { Emulator } from '@bandwidth-token/emulator'
import type { Test } from 'tap'
import { type Answer, ask } from './adapters-http.js'
import { emulate } from './emulate.js'
import type { Teardown } from './teardown.js'

/** The part of a request that every framework has. */
export interface AppRequest {
  readonly headers: IncomingHttpHeaders
}

/** Options that the suite completes. They are untyped, because some tests pass what types refuse. */
export type AdapterOptions = Loose<TokenRouteOptions<AppRequest>>

type Loose<Options> = { -readonly [Name in keyof Options]?: Options[Name] | undefined }

/** Settings of the app around the adapter. */
export interface AppSetup {
  /** Where the app mounts the adapter: Fastify's prefix, Express's mount point. Default: at its root. */
  readonly mount?: string
  /** Whether the app trusts forwarded headers. Default: no. */
  readonly trustProxy?: boolean
  /**
   * A hook of the app that runs before `authorize`. What it throws is an error of the app. It can call `answer`, at
   * once or later, as a time-out of the app would.
   */
  readonly hook?: (request: AppRequest, answer: (status: number, text: string) => void) => void
  /** What answers an error. Default: `'own'`, a handler of the app that answers with status, code and message. */
  readonly errorHandler?: 'own' | 'framework'
}

/** An app on a real socket. `GET /app/token?as=name` calls the request's method for a token, `/app/plain` does not. */
export interface AppServer {
  readonly origin: string
  /** The adapters' providers, in the order of their options. */
  readonly providers: readonly TokenProvider[]
  /** The errors that the app's own error handler got. */
  readonly errors: readonly unknown[]
  /** Closes the adapters as their users would, and the server. You may call it more than once. */
  close(): Promise<void>
}

/** One framework, for the contract suite. */
export interface Harness {
  readonly name: string
  /**
   * `false` if the app mounts a handler itself: it then has no options of a mount, answers other methods with 405, and
   * answers the errors of this package without an error handler of the app. Default: `true`.
   */
  readonly isMounted?: boolean
  /** Rejects with what the adapter throws at start-up. */
  createServer(options: readonly unknown[], setup: AppSetup): Promise<AppServer>
}

/** Whether the adapter mounts the route, and so writes to the app's own reply. */
export function isMounted({ isMounted = true }: Harness): boolean {
  return isMounted
}

/**
 * Checks that nobody may keep the answer to an error that is the app's own. A handler that the app mounts throws it on,
 * and has no reply on which to set headers.
 */
export function isUncacheable(
  t: Pick<Test, 'equal'>,
  harness: Harness,
  { headers }: Pick<Answer, 'headers'>
): void {
  if (!isMounted(harness)) return
  t.equal(headers['cache-control'], 'no-store')
  t.equal(headers['pragma'], 'no-cache')
  t.equal(headers['x-content-type-options'], 'nosniff')
}

/** The answer of the app's own error handler: status, code and message, as the error has them. */
export function answerOf(error: unknown): { status: number; body: string } {
  const { status, statusCode, code, message } = (error ?? {}) as Record<string, unknown>
  return (
    errorAnswer(error) ?? {
      status: Number(status ?? statusCode ?? 500),
      body: JSON.stringify({ code, message })
    }
  )
}

/** A token endpoint, an app that uses it, and functions to send requests to both. */
export interface Stage {
  readonly emulator: Emulator
  readonly server: AppServer
  /** Sends a request to the token route, or to `path`. */
  get(path?: string, headers?: Record<string, string | string[]>, method?: string): Promise<Answer>
  /** How many token requests the endpoint has received. */
  requests(): number
}

/** Credentials of an emulator, as options. */
export function credentialsOf({ tokenUrl, clientId, clientSecret }: Emulator) {
  return { tokenUrl, clientId, clientSecret }
}

/** An app with one adapter, whose options get the emulator's credentials and an `authorize` that lets everybody in. */
export async function stage(
  t: Teardown,
  harness: Harness,
  options: AdapterOptions | ((emulator: Emulator) => readonly unknown[]) = {},
  setup: AppSetup = {}
): Promise<Stage> {
  const emulator = await emulate(t)
  const instances =
    typeof options === 'function'
      ? options(emulator)
      : [{ ...credentialsOf(emulator), authorize: () => true, ...options }]
  const server = await serve(t, harness, instances, setup)
  return {
    emulator,
    server,
    get: (path = '/bandwidth/token', headers = {}, method = 'GET') =>
      ask(server.origin + path, { headers, method }),
    requests: () => emulator.received.length
  }
}

export async function serve(
  t: Teardown,
  harness: Harness,
  options: readonly unknown[],
  setup: AppSetup = {}
): Promise<AppServer> {
  const server = await harness.createServer(options, setup)
  t.teardown(() => server.close())
  return server
}

/** An answer as if the token endpoint were down for a minute. No attempt follows before that. */
export const DOWN = { status: 503, headers: { 'retry-after': '60' } }

/** The endpoint is down for as many requests as anybody might make. */
export function takeDown(emulator: Emulator): void {
  emulator.script(Array.from({ length: 50 }, () => DOWN))
}
