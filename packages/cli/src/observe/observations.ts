import { connect } from 'node:net'
import type { Dispatcher } from 'undici'
import { type Attempt, attempt } from './attempt.js'
import { type Environment, proxyVariable } from './proxy.js'
import { type RouteVisits, visitRoute } from './visit.js'

/** The options of the core that the app sets too. */
export interface TokenOptions {
  readonly network: 'global' | 'us'
  readonly allowInsecureTokenUrl: boolean
}

/** What `check` was asked to look at. */
export interface CheckOptions extends TokenOptions {
  readonly tryExchanged: boolean
  /** The app's token route. */
  readonly url: string | undefined
  /** The `Cookie` header of somebody who is signed in to the app. */
  readonly cookie: string | undefined
}

/** All that was seen. The checks judge it. */
export interface Observations {
  readonly environment: Environment
  readonly network: 'global' | 'us'
  readonly attempt: Attempt
  /** The attempt with id and secret exchanged, if it was asked for and made. */
  readonly exchanged: Attempt | undefined
  /** The variable that names the proxy on the way to the token endpoint, if there is one. */
  readonly proxyVariable: string | undefined
  /** Whether the token endpoint can also be reached without the proxy. */
  readonly isReachedDirectly: boolean
  readonly route: RouteVisits | undefined
}

/** Walks the way and records what it sees. Never rejects. */
export async function observe(
  { allowInsecureTokenUrl, cookie, network, tryExchanged, url }: CheckOptions,
  dispatcher: Dispatcher,
  environment: Environment
): Promise<Observations> {
  const own = { network, allowInsecureTokenUrl }
  const first = await attempt(own, dispatcher)
  const refused = first.error?.code === 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  const { BW_CLIENT_ID: clientSecret, BW_CLIENT_SECRET: clientId } = environment
  const exchanged =
    tryExchanged && refused ? await attempt({ ...own, clientId, clientSecret }, dispatcher) : undefined
  const { token, url: tokenUrl } = first
  const variable = tokenUrl === undefined ? undefined : proxyVariable(environment, tokenUrl)
  // Without a token there is a fault already, and whether there is another way does not matter.
  const hasProxiedToken = variable !== undefined && token !== undefined
  return {
    environment,
    network,
    attempt: first,
    exchanged,
    proxyVariable: variable,
    isReachedDirectly: hasProxiedToken && (await canConnect(tokenUrl ?? '')),
    route: url === undefined ? undefined : await visitRoute(url, cookie, dispatcher)
  }
}

const CONNECT_LIMIT_MS = 2_000

/** Whether something listens there. It sends nothing. */
function canConnect(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      timeout: CONNECT_LIMIT_MS
    })
    const end = (reached: boolean) => {
      socket.destroy()
      resolve(reached)
    }
    socket.on('connect', () => end(true))
    socket.on('timeout', () => end(false))
    socket.on('error', () => end(false))
  })
}
