import type { IncomingHttpHeaders } from 'node:http'
import type { TokenProvider } from '@bandwidth-token/core'
import { errorAnswer, type TokenRouteOptions } from '@bandwidth-token/core/adapter'
import type { Emulator } from '@bandwidth-token/emulator'
import { type Answer, ask } from './adapters-http.js'
import { emulate } from './emulate.js'
import type { Teardown } from './teardown.js'

/** What every framework's request has. */
export interface AppRequest {
  readonly headers: IncomingHttpHeaders
}

/** Options that the suite completes: what types refuse is what some of its tests are about. */
export type AdapterOptions = Loose<TokenRouteOptions<AppRequest>>

type Loose<Options> = { -readonly [Name in keyof Options]?: Options[Name] | undefined }

/** What the app around the adapter is like. */
export interface AppSetup {
  /** Where the app mounts the adapter: Fastify's prefix, Express's mount point. Default: at its root. */
  readonly mount?: string
  /** Whether the app believes forwarded headers. Default: no. */
  readonly trustProxy?: boolean
  /**
   * A hook of the app's own that runs before `authorize`. What it throws is an error of the app's; `answer` is how a
   * time-out of the app's answers, now or later.
   */
  readonly hook?: (request: AppRequest, answer: (status: number, text: string) => void) => void
  /** Who answers for an error. Default: `'own'`, a handler of the app's that answers status, code and message. */
  readonly errorHandler?: 'own' | 'framework'
}

/** An app that listens on a real socket. `GET /app/token?as=name` asks the request for a token, `/app/plain` does not. */
export interface AppServer {
  readonly origin: string
  /** The adapters' providers, in the order of their options. */
  readonly providers: readonly TokenProvider[]
  /** What the app's own error handler was given. */
  readonly errors: readonly unknown[]
  /** Closes the adapters as their users would, and the server. Harmless when repeated. */
  close(): Promise<void>
}

/** One framework, as the contract suite sees it. */
export interface Harness {
  readonly name: string
  /** Rejects with what the adapter throws at start-up. */
  createServer(options: readonly unknown[], setup: AppSetup): Promise<AppServer>
}

/** What the app's own error handler answers: errors of ours as they say themselves, its own by status and message. */
export function answerOf(error: unknown): { status: number; body: string } {
  const { status, statusCode, code, message } = (error ?? {}) as Record<string, unknown>
  return (
    errorAnswer(error) ?? {
      status: Number(status ?? statusCode ?? 500),
      body: JSON.stringify({ code, message })
    }
  )
}

/** A token endpoint, an app in front of it, and ways to ask both. */
export interface Stage {
  readonly emulator: Emulator
  readonly server: AppServer
  /** Asks the token route, or whatever `path` names. */
  get(path?: string, headers?: Record<string, string | string[]>, method?: string): Promise<Answer>
  /** How many token requests have come in. */
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

/** A token endpoint's answer that makes it look down for a minute, after which nobody retries by himself. */
export const DOWN = { status: 503, headers: { 'retry-after': '60' } }

/** The endpoint is down for as many requests as anybody might make. */
export function takeDown(emulator: Emulator): void {
  emulator.script(Array.from({ length: 50 }, () => DOWN))
}
