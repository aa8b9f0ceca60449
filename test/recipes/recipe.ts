import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { TokenProvider } from '@bandwidth-token/core'
import type { BandwidthTokenMiddleware } from '@bandwidth-token/express'
import type { Express } from 'express'
import type { FastifyInstance } from 'fastify'
import { type Answer, type Endpoint, grant, startEndpoint } from '../support/endpoint.js'
import type { Teardown } from '../support/teardown.js'

const folder = new URL('../../../examples/recipes/', import.meta.url)

/** A file of the recipes. */
export const fileOf = (name: string) => fileURLToPath(new URL(name, folder))

const load = (name: string) => import(new URL(name, folder).href)

const { passwords } = (await load('your-app.js')) as { passwords: ReadonlyMap<string, string> }

/** What several recipes read from the environment. */
const ENVIRONMENT = {
  NODE_ENV: 'test', // Express prints no errors then.
  SESSION_SECRET: 'a secret of the session, 32 or more characters',
  SESSION_KEY: Buffer.alloc(32, 7).toString('base64'),
  JWT_SECRET: 'a secret of the JWTs, 32 or more characters'
}

/** Starts the app of a recipe, with a token endpoint of its own, until the test ends. */
export async function serve(
  t: Teardown,
  name: string,
  { answer = grant(), env = {} }: { answer?: Answer; env?: Record<string, string> } = {}
): Promise<Served> {
  const endpoint = await startEndpoint(t, answer)
  const credentials = { BW_CLIENT_ID: 'client', BW_CLIENT_SECRET: 'secret', BW_TOKEN_URL: endpoint.tokenUrl }
  const variables = { ...ENVIRONMENT, ...credentials, ...env }
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const variable of Object.keys(variables)) delete process.env[variable]
  })
  const recipe = (await load(`${name}.js`)) as Recipe
  if ('tokens' in recipe) return new Served(await listen(t, recipe), endpoint, recipe.tokens.provider)
  t.teardown(() => recipe.app.close())
  return new Served(await recipe.app.listen({ port: 0 }), endpoint, recipe.app.bandwidthToken)
}

type Recipe =
  | { readonly app: FastifyInstance }
  | { readonly app: Express; readonly tokens: BandwidthTokenMiddleware }

async function listen(
  t: Teardown,
  { app, tokens }: { app: Express; tokens: BandwidthTokenMiddleware }
): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close().closeAllConnections()
    await tokens.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The app of a recipe, as its users see it. */
export class Served {
  readonly origin: string
  readonly endpoint: Endpoint
  readonly provider: TokenProvider

  constructor(origin: string, endpoint: Endpoint, provider: TokenProvider) {
    this.origin = origin
    this.endpoint = endpoint
    this.provider = provider
  }

  ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(new URL(path, this.origin), { headers })
  }

  token(headers?: Record<string, string>): Promise<Response> {
    return this.ask('/bandwidth/token', headers)
  }

  post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(new URL(path, this.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body)
    })
  }

  signIn(name = 'alice'): Promise<Response> {
    return this.post('/sign-in', credentialsOf(name))
  }
}

/** What a user of `your-app.js` types to sign in. */
export const credentialsOf = (name: string) => ({ name, password: passwords.get(name) })

/** The headers of a request by a user of `your-app.js`. */
export function basic(name = 'alice'): { authorization: string } {
  return { authorization: `Basic ${btoa(`${name}:${passwords.get(name)}`)}` }
}

/** The header with which a browser sends back the cookies of an answer. */
export function cookieOf(response: Pick<Response, 'headers'>): { cookie: string } {
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
  return { cookie: cookies.join('; ') }
}
