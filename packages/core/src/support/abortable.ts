import { setMaxListeners } from 'node:events'

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it aborts. The work itself goes on, because
 * others may wait for it too.
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
 * A controller that is aborted together with `outer`. Keep it no longer than `outer`: its listener is never removed.
 * `AbortSignal.any()` would be shorter, but some versions of Node keep a record of each signal it makes until a full
 * garbage collection.
 */
export function controllerWithin(outer: AbortSignal): AbortController {
  const controller = new AbortController()
  const abort = () => controller.abort(outer.reason)
  if (outer.aborted) abort()
  else outer.addEventListener('abort', abort)
  return controller
}

/** Many callers may share one signal. Node 20 warns of a leak at the eleventh listener. */
function allowManyListeners(signal: AbortSignal): void {
  try {
    setMaxListeners(0, signal)
  } catch {
    // A signal from another library: it does not warn.
  }
}
