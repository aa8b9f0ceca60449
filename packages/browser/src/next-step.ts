/** What decides whether the page asks the route by itself. */
export interface Situation {
  /** Whether the page is visible, and somebody has asked for a token and was not signed out since. */
  readonly isActive: boolean
  /** Milliseconds until the token should be replaced; 0 or less if that is now, or if there is none. */
  readonly refreshInMs: number
  /** Milliseconds for which the route is left alone after a failure; 0 or less if it may be asked. */
  readonly pauseLeftMs: number
}

/** `rest` until something happens, `ask` the route now, or look again later. */
export type NextStep = 'rest' | 'ask' | { readonly waitMs: number }

/** Decides what the page does by itself. A caller who needs a token does not wait for it. */
export const nextStep = ({ isActive, refreshInMs, pauseLeftMs }: Situation): NextStep => {
  if (!isActive) return 'rest'
  const waitMs = Math.max(refreshInMs, pauseLeftMs)
  return waitMs > 0 ? { waitMs } : 'ask'
}
