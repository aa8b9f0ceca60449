import { createRequire } from 'node:module'
import type { Dispatcher } from 'undici'

/** undici as the core has it: the same version and the same behaviour as in an app, and no dependency of our own. */
const { EnvHttpProxyAgent } = createRequire(import.meta.resolve('@bandwidth-token/core'))(
  'undici'
) as typeof import('undici')

/** Sends requests through the proxies of the environment. `undefined` if one of them is not the URL of a proxy. */
export function openDispatcher(): Dispatcher | undefined {
  try {
    return new EnvHttpProxyAgent()
  } catch {
    // Its message may contain the password of the proxy.
    return undefined
  }
}
