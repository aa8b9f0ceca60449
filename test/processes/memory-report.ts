/** What a provider has made and kept. */
export interface MemoryReport {
  readonly requests: number
  /** Bytes by which the heap has grown in the last three quarters of the run. */
  readonly growth: number
  /** How many of the tokens that it handed out are still there. */
  readonly kept: number
  readonly timers: number
  /** On the signal that its callers share. */
  readonly listeners: number
  readonly warnings: readonly string[]
  readonly keptWhenClosed: number
  readonly timersWhenClosed: number
}
