import type { Teardown } from './teardown.js'

/** What the process tells of during the test: warnings, or rejections that nobody handles. */
export function processEvents(
  t: Teardown,
  name: 'warning' | 'unhandledRejection' | 'uncaughtExceptionMonitor'
): unknown[] {
  const events: unknown[] = []
  const listener = (event: unknown) => void events.push(event)
  process.on(name, listener)
  t.teardown(() => process.off(name, listener))
  return events
}
