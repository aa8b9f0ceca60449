/** Calls `callback` once after `delayMs`, unless the function that it returns is called before. */
export const startTimer = (delayMs: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}

/** What `promise` resolves to, or `undefined` if it takes longer than `ms`. */
export const within = <Value>(ms: number, promise: Promise<Value>): Promise<Value | undefined> =>
  new Promise((resolve, reject) => {
    const cancel = startTimer(ms, () => resolve(undefined))
    promise.finally(cancel).then(resolve, reject)
  })

/** Starts a watch that tells the milliseconds since. It reads two clocks and believes the one that says more. */
export const startStopwatch = (): (() => number) => {
  const wallMs = Date.now()
  const monotonicMs = performance.now()
  // The wall clock can be set back; the monotonic one may stand still while the machine sleeps.
  return () => Math.max(Date.now() - wallMs, performance.now() - monotonicMs)
}
