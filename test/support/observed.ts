import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type {
  CooldownMessage,
  InvalidateMessage,
  RefreshMessage,
  RequestMessage,
  ServeErrorMessage
} from '@bandwidth-token/core'
import type { Teardown } from './teardown.js'

/** The messages of each channel, as they were when they were published. */
export interface Observed {
  readonly request: RequestMessage[]
  readonly refresh: RefreshMessage[]
  readonly invalidate: InvalidateMessage[]
  readonly cooldown: CooldownMessage[]
  readonly 'serve-error': ServeErrorMessage[]
  /** All of them, and each event of the tracing channel, in their order. */
  readonly all: { readonly name: string; readonly message: object }[]
}

export const REQUEST_EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(
  (event) => `tracing:bandwidth-token:request:${event}`
)
export const CHANNELS = ['refresh', 'invalidate', 'cooldown', 'serve-error'].map(
  (channel) => `bandwidth-token:${channel}`
)

/** Calls `see` with each message of this process, until the test ends. */
export function onMessage(t: Teardown, see: (message: object, name: string) => void): void {
  const subscriber = (message: unknown, name: string | symbol) => see(message as object, String(name))
  for (const name of [...REQUEST_EVENTS, ...CHANNELS]) {
    subscribe(name, subscriber)
    t.teardown(() => unsubscribe(name, subscriber))
  }
}

/** Records the messages of this process, until the test ends. */
export function observe(t: Teardown): Observed {
  const observed: Observed = {
    request: [],
    refresh: [],
    invalidate: [],
    cooldown: [],
    'serve-error': [],
    all: []
  }
  onMessage(t, (message, name) => {
    observed.all.push({ name, message: { ...message } })
    const channel = name.endsWith(':asyncEnd') ? 'request' : name.replace('bandwidth-token:', '')
    const messages = (observed as unknown as Record<string, object[]>)[channel]
    messages?.push(message)
  })
  return observed
}
