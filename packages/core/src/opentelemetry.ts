import { type BatchObservableCallback, metrics } from '@opentelemetry/api'
import { ACCOUNT_RULE } from './account/get-token-options.js'
import type { TokenStatus } from './account/status.js'
import { countEvents } from './observe/event-metrics.js'
import { check, checkOptions, hasMethods, type OptionRule } from './support/check-options.js'
import { VERSION } from './support/version.js'

/** What is observed of a provider: an object of this shape will do. */
export interface ObservableProvider {
  status(account?: string): Pick<TokenStatus, 'state' | 'expiresInMs'>
}

/** The options of `observeProvider()`, both optional. */
export interface ObserveProviderOptions {
  /** Tells the gauges of several providers apart, by the attribute `name`; 1 to 64 characters. Default: no attribute. */
  readonly name?: string | undefined
  /** The account whose token the gauges show. It is no attribute. Default: `''`. */
  readonly account?: string | undefined
}

const RULES: Readonly<Record<keyof ObserveProviderOptions, OptionRule>> = {
  name: [
    (value) => typeof value === 'string' && value.length >= 1 && value.length <= 64,
    'a string of 1 to 64 characters'
  ],
  account: ACCOUNT_RULE
}

const STATES: readonly TokenStatus['state'][] = ['empty', 'fresh', 'refreshing', 'degraded', 'cooling']

/**
 * Turns what happens in this process into metrics of OpenTelemetry. Call it once for each provider, after the SDK has
 * started. The gauges are those of this provider. The counters and the histogram count the events of all providers,
 * once each. Returns a function that ends it.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for something that is no provider, and for an unknown or ill-typed option
 *
 * @example
 * const stopObserving = observeProvider(provider, { name: 'webrtc' })
 */
export function observeProvider(provider: ObservableProvider, options?: ObserveProviderOptions): () => void {
  check('provider', provider, OBSERVABLE_SHAPE)
  const { name, account } = checkOptions(options, RULES) as ObserveProviderOptions
  const meter = metrics.getMeter('@bandwidth-token/core', VERSION)
  const attributes = name === undefined ? {} : { name }
  const stopCounting = countEvents(meter)

  const remaining = meter.createObservableGauge('bandwidth_token.token.remaining', {
    description: 'How long the token of the account still lives; 0 if there is none.',
    unit: 's'
  })
  const state = meter.createObservableGauge('bandwidth_token.state', {
    description: 'The condition of the account: 1 for the state that it is in, 0 for the others.'
  })
  let isEnded = false
  const observe: BatchObservableCallback = (result) => {
    // A series that is no longer observed would keep its last value: it ends with 0.
    const status = isEnded ? undefined : provider.status(account)
    result.observe(remaining, (status?.expiresInMs ?? 0) / 1000, attributes)
    for (const each of STATES) {
      result.observe(state, status?.state === each ? 1 : 0, { ...attributes, state: each })
    }
    // Not now: the SDK goes through its callbacks.
    if (isEnded) queueMicrotask(() => meter.removeBatchObservableCallback(observe, [remaining, state]))
  }
  meter.addBatchObservableCallback(observe, [remaining, state])

  return () => {
    isEnded = true
    stopCounting()
  }
}

const OBSERVABLE_SHAPE: OptionRule = [
  hasMethods('status'),
  'a TokenProvider, or an object with its method status'
]
