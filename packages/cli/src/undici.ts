import { createRequire } from 'node:module'
import type { Dispatcher } from 'undici'
import { isLoopback } from './observe/proxy.js'

/** undici as the core has it: the same version and the same behaviour as in an app, and no dependency of our own. */
const { Agent, EnvHttpProxyAgent } = createRequire(import.meta.resolve('@bandwidth-token/core'))(
  'undici'
) as typeof import('undici')

/** Sends requests, and is closed by its maker. */
export interface Sender {
  readonly dispatcher: Dispatcher
  destroy(): Promise<unknown>
}

/**
 * Sends requests through the proxies of the environment, but for those to this machine: a proxy cannot reach it, and
 * would see the secret. `undefined` if one of them is not the URL of a proxy.
 */
export function openSender(): Sender | undefined {
  try {
    const proxied = new EnvHttpProxyAgent()
    const direct = new Agent()
    const dispatcher = proxied.compose(
      (dispatch) => (options, handler) =>
        options.origin !== undefined && isLoopback(new URL(options.origin).hostname)
          ? direct.dispatch(options, handler)
          : dispatch(options, handler)
    )
    return { dispatcher, destroy: () => Promise.all([proxied.destroy(), direct.destroy()]) }
  } catch {
    // Its message may contain the password of the proxy.
    return undefined
  }
}
