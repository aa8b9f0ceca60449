import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Runs `work` in the async context in which the provider was made. Use it for everything that outlives a call, so that
 * no caller's context is kept alive or seen by another's work.
 */
export type InOwnContext = <T>(work: () => T) => T

/** Remembers the async context of this very call. Call it when the provider is made. */
export function rememberContext(): InOwnContext {
  return AsyncLocalStorage.snapshot() as InOwnContext
}
