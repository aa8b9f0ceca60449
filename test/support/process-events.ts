import type { Teardown } from './teardown.js'

/** Records events of the process during the test: warnings, or unhandled rejections. */
export function processEvents(
  t: Teardown,
  name: 'warning' | 'unhandledRejection' | 'uncaughtException' | 'uncaughtExceptionMonitor'
): unknown[] {
  const events: unknown[] = []
  const listener = (event: unknown) => void events.push(event)
  process.on(name, listener)
  t.teardown(() => process.off(name, listener))
  return events
}
