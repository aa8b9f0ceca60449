/** Those who wait on a signal. One listener serves all of them: Node searches its listeners one by one. */
class Waiters extends Set<() => void> {
  readonly #signal: AbortSignal
  readonly #abort = () => {
    for (const abort of [...this]) abort()
  }

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
    signal.addEventListener('abort', this.#abort)
  }

  leave(abort: () => void): void {
    this.delete(abort)
    if (this.size > 0) return
    waiting.delete(this.#signal)
    try {
      this.#signal.removeEventListener('abort', this.#abort)
    } catch {
      // A signal from another library. Its failure is not the caller's.
    }
  }
}

const waiting = new WeakMap<AbortSignal, Waiters>()

/**
 * The outcome of `work`. As soon as the signal is aborted, it rejects with the signal's reason instead. The work goes
 * on for the others who wait for it.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason)
  })
  if (signal.aborted) {
    work.catch(() => {})
    throw signal.reason
  }
  const waiters = waiting.get(signal) ?? new Waiters(signal)
  waiting.set(signal, waiters)
  waiters.add(abort)
  try {
    return await Promise.race([work, aborted])
  } finally {
    waiters.leave(abort)
  }
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
