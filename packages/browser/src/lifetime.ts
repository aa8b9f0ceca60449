/** Milliseconds since it was made, by the clock that says more: neither a step nor a sleep makes anything younger. */
export const stopwatch = (): (() => number) => {
  const wallMs = Date.now()
  const monotonicMs = performance.now()
  return () => Math.max(0, Date.now() - wallMs, performance.now() - monotonicMs)
}

/**
 * With how much left a token is handed out no more, and with how much left the page asks for the next one.
 *
 * Bandwidth's page: use a token until 10 to 30 seconds before it expires. The server replaces it between 30 and 20
 * seconds before, and the page asks after that, so that it gets the next one. Both lines shrink with a short life.
 */
export const planLifetime = (
  lifetimeMs: number,
  random: number
): [marginMs: number, refreshLeftMs: number] => [
  Math.min(10_000, lifetimeMs / 2),
  Math.min(20_000, lifetimeMs * 0.75) - random * Math.min(5_000, lifetimeMs / 8)
]
