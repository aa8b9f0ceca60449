import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Attributes, Meter } from '@opentelemetry/api'
import type {
  CooldownMessage,
  FailureFacts,
  InvalidateMessage,
  RefreshMessage,
  RequestMessage
} from './channels.js'

/** In seconds, as OpenTelemetry advises for the requests of an HTTP client. */
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

type Subscriber = (message: never) => void
type Subscribers = Readonly<Record<string, Subscriber>>

interface Counting {
  observers: number
  subscribers: Subscribers
}

/**
 * The counting of this process. An app can load this module twice, as an ES module and as CommonJS, but each event must
 * count once.
 */
const SHARED = Symbol.for('@bandwidth-token/core/opentelemetry')
const shared = globalThis as { [SHARED]?: Counting }

/** Counts the events of this process by the instruments of `meter`. Returns a function that ends it. */
export function countEvents(meter: Meter): () => void {
  shared[SHARED] ??= { observers: 0, subscribers: {} }
  const counting = shared[SHARED]
  counting.observers++
  // The first call may have come before the SDK had started: the meter of the last one counts.
  unsubscribeAll(counting.subscribers)
  counting.subscribers = createSubscribers(meter)
  for (const [name, subscriber] of Object.entries(counting.subscribers)) {
    subscribe(name, subscriber as never)
  }
  let isEnded = false
  return () => {
    if (isEnded) return
    isEnded = true
    if (--counting.observers === 0) unsubscribeAll(counting.subscribers)
  }
}

function unsubscribeAll(subscribers: Subscribers): void {
  for (const [name, subscriber] of Object.entries(subscribers)) unsubscribe(name, subscriber as never)
}

function createSubscribers(meter: Meter): Subscribers {
  const duration = meter.createHistogram('bandwidth_token.request.duration', {
    description: 'The duration of one HTTP request to the token endpoint.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS_S }
  })
  const counter = (name: string, description: string, unit: string) =>
    meter.createCounter(`bandwidth_token.${name}`, { description, unit })
  const refreshes = counter('refreshes', 'Acquisitions of a token that have ended.', '{refresh}')
  const invalidations = counter('invalidations', 'Rejections of the cached token.', '{invalidation}')
  const cooldowns = counter('cooldowns', 'Pauses without requests that have begun.', '{cooldown}')
  const serveErrors = counter('serve_errors', 'Callers who got no token.', '{error}')

  return {
    'tracing:bandwidth-token:request:asyncEnd': (message: RequestMessage) => {
      const { durationMs = 0, serverAddress } = message
      duration.record(durationMs / 1000, { ...outcomeOf(message), 'server.address': serverAddress })
    },
    'bandwidth-token:refresh': (message: RefreshMessage) => refreshes.add(1, outcomeOf(message)),
    'bandwidth-token:invalidate': (message: InvalidateMessage) => invalidations.add(1, outcomeOf(message)),
    'bandwidth-token:cooldown': (message: CooldownMessage) => {
      if (message.outcome === 'began') cooldowns.add(1, { ...errorTypeOf(message), scope: message.scope })
    },
    'bandwidth-token:serve-error': (message: FailureFacts) => serveErrors.add(1, errorTypeOf(message))
  }
}

// Attributes are bounded in number: never an account, a status or a text of the endpoint.
function outcomeOf(message: FailureFacts & { readonly outcome?: string }): Attributes {
  return { outcome: message.outcome, ...errorTypeOf(message) }
}

function errorTypeOf({ code }: FailureFacts): Attributes {
  return code === undefined ? {} : { 'error.type': code }
}
