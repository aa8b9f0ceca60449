import { abortable } from './abortable.js'
import { setBackgroundTimeout } from './background-timer.js'
import type { Clock } from './clock.js'

/** Resolves after `delayMs`, or as soon as the signal is aborted. */
export async function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  let timer: unknown
  const slept = new Promise<void>((resolve) => {
    timer = setBackgroundTimeout(clock, resolve, delayMs)
  })
  await abortable(slept, signal).catch(() => {})
  clock.clearTimeout(timer)
}
