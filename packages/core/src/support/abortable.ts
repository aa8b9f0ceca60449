import { setMaxListeners } from 'node:events'

/**
 * The outcome of `work`, or a rejection with the signal's reason as soon as it is aborted. The work goes on for
 * whoever else waits for it.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  allowManyListeners(signal)
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * A controller that is aborted with `outer` at the latest, and is not to outlive it. `AbortSignal.any()` would do as
 * well, but some versions of Node keep a record of each of its signals until they collect all of their memory.
 */
export function controllerWithin(outer: AbortSignal): AbortController {
  const controller = new AbortController()
  const abort = () => controller.abort(outer.reason)
  if (outer.aborted) abort()
  else outer.addEventListener('abort', abort)
  return controller
}

/** Callers may share a signal. Node 20 warns of a leak when more than ten wait; later versions count none. */
function allowManyListeners(signal: AbortSignal): void {
  try {
    setMaxListeners(0, signal)
  } catch {
    // It is not Node's own, and warns of nothing.
  }
}
