import { TokenProvider } from '@bandwidth-token/core'
import { pino } from 'pino'
import type { Test } from 'tap'
import { type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici'
import { ConnectProxy } from '../support/connect-proxy.js'
import { type Answer, grant } from '../support/endpoint.js'
import { createSecrets, huntFor } from '../support/leak-hunt/index.js'
import { TlsEndpoint } from '../support/tls-endpoint.js'
import { VirtualClock } from '../support/virtual-clock.js'

export const secrets = createSecrets()
export const hunt = huntFor(secrets)

/** The n-th token of an endpoint: a secret one, and known by its id. */
const answerToken: Answer = (exchange) => {
  // Each phase of a connection is to be gone through again.
  exchange.response.shouldKeepAlive = false
  grant({ access_token: `${secrets.accessToken}${exchange.number}` })(exchange)
}

export const TIMEOUT_MS = 2_000
const BACKOFF_MS = 400

/** The way from a provider to the endpoint. */
export type Route = 'direct' | 'ProxyAgent' | 'EnvHttpProxyAgent'

/** A provider on a virtual clock, and a real endpoint and a real proxy that can fail at every phase. */
export interface Stage {
  readonly clock: VirtualClock
  readonly endpoint: TlsEndpoint
  readonly proxy: ConnectProxy
  readonly provider: TokenProvider
  /** The log, as pino writes it. */
  readonly lines: readonly string[]
  /** Said by a fault that hangs, when it has got there. */
  readonly hangs: () => void
  readonly heal: () => void
  /**
   * Real sockets at their own pace while time stands still, until it is so: back-off passes at once, and an attempt
   * runs out of time where the fault says that it hangs.
   */
  readonly until: (isSo: () => boolean) => Promise<void>
  /** The value, or the error, once there is one. */
  readonly outcome: (promise: Promise<unknown>) => Promise<unknown>
  /** Lives on until the provider does something by itself, to its very instant. */
  readonly nextTimer: () => Promise<void>
  /** Closes the provider, then its dispatcher, as whoever made them does. */
  readonly close: () => Promise<void>
}

export async function setStage(t: Test, route: Route = 'direct'): Promise<Stage> {
  const endpoint = await TlsEndpoint.start(t, answerToken)
  const proxy = await ConnectProxy.start(t, () => endpoint.port)
  const ended = new AbortController()
  const dispatcher = dispatcherOf(route, endpoint, proxy, ended.signal)
  const clock = new VirtualClock()
  const lines: string[] = []
  const provider = new TokenProvider({
    clientId: secrets.clientId,
    clientSecret: secrets.clientSecret,
    tokenUrl: endpoint.tokenUrl,
    timeoutMs: TIMEOUT_MS,
    clock,
    dispatcher,
    logger: pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  })
  const close = async () => {
    await provider.close()
    await dispatcher.destroy()
    ended.abort()
  }
  t.teardown(close)

  let hanging = 0
  const nextTimerInMs = () => Math.min(...[...clock.timers].map(({ atMs }) => atMs)) - clock.monotonic()
  const until = async (isSo: () => boolean) => {
    const deadlineMs = performance.now() + 20_000
    while (!isSo()) {
      if (performance.now() > deadlineMs) throw new Error(`still not so after 20 s: ${isSo}`)
      if (hanging > 0) {
        hanging = 0
        await clock.advance(TIMEOUT_MS)
      } else if (nextTimerInMs() <= BACKOFF_MS) await clock.advance(nextTimerInMs())
      else await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  return {
    clock,
    endpoint,
    proxy,
    provider,
    lines,
    hangs: () => {
      hanging++
    },
    heal() {
      endpoint.heal()
      endpoint.answer = answerToken
      proxy.onConnect = undefined
    },
    until,
    async outcome(promise) {
      let outcome: { value: unknown } | undefined
      const settle = (value: unknown) => {
        outcome = { value }
      }
      promise.then(settle, settle)
      await until(() => outcome !== undefined)
      return outcome?.value
    },
    nextTimer: () => clock.advance(nextTimerInMs()),
    close
  }
}

function dispatcherOf(
  route: Route,
  endpoint: TlsEndpoint,
  proxy: ConnectProxy,
  signal: AbortSignal
): Dispatcher {
  const requestTls = { ca: endpoint.authority.cert }
  if (route === 'ProxyAgent') return new ProxyAgent({ uri: proxy.url, requestTls })
  if (route === 'EnvHttpProxyAgent') {
    return new EnvHttpProxyAgent({ httpsProxy: proxy.url, noProxy: 'localhost', requestTls })
  }
  return endpoint.agent(signal)
}
