import { createRequire } from 'node:module'
import type { Dispatcher } from 'undici'

/** undici as the core has it: the same version and the same behaviour as in an app, and no dependency of our own. */
const { EnvHttpProxyAgent } = createRequire(import.meta.resolve('@bandwidth-token/core'))(
  'undici'
) as typeof import('undici')

/** Hosts to which nobody wants a proxy, although undici would take one. */
export const DIRECT_HOSTS = ['localhost', '127.0.0.1', '[::1]']

/** Sends requests through the proxies of the environment. `undefined` if one of them is not the URL of a proxy. */
export function openDispatcher(environment: NodeJS.ProcessEnv): Dispatcher | undefined {
  const exempt = environment['no_proxy'] ?? environment['NO_PROXY'] ?? ''
  try {
    return new EnvHttpProxyAgent({ noProxy: exempt === '*' ? exempt : [exempt, ...DIRECT_HOSTS].join(',') })
  } catch {
    // Its message may contain the password of the proxy.
    return undefined
  }
}
