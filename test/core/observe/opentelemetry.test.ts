import { createRequire } from 'node:module'
import { TokenProvider } from '@bandwidth-token/core'
import { observeProvider } from '@bandwidth-token/core/opentelemetry'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader
} from '@opentelemetry/sdk-metrics'
import t, { type Test } from 'tap'
import { answerWith, grant, startEndpoint } from '../../support/endpoint.js'
import { thrownBy } from '../../support/outcomes.js'

interface Point {
  readonly attributes: Record<string, unknown>
  readonly value:
    | number
    | { readonly sum: number; readonly count: number; readonly buckets: { boundaries: number[] } }
}

/** The real SDK, which exports into memory, until the test ends. */
function startSdk(t: Test) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const sdk = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(sdk)
  t.teardown(async () => {
    metrics.disable()
    await sdk.shutdown()
  })
  return async () => {
    exporter.reset()
    await reader.forceFlush()
    const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
    return new Map(
      scopes.flatMap((scope) =>
        scope.metrics.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          {
            unit: descriptor.unit,
            description: descriptor.description,
            points: dataPoints as unknown as Point[]
          }
        ])
      )
    )
  }
}

type Collected = Awaited<ReturnType<ReturnType<typeof startSdk>>>

/** Each series of a metric: its attributes as text, and its value. */
function series(collected: Collected, name: string): Record<string, unknown> {
  const points = collected.get(`bandwidth_token.${name}`)?.points ?? []
  return Object.fromEntries(
    points.map(({ attributes, value }) => [
      Object.entries(attributes)
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(),
      value
    ])
  )
}

t.test('an hour of a provider is counted by the names of the contract', async (t) => {
  const collect = startSdk(t)
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.teardown(observeProvider(provider, { name: 'webrtc' }))
  const first = await provider.getToken()
  await endpoint.clock.advance(5_000)
  await provider.getToken({ rejected: first })
  provider.invalidate('id-2')
  endpoint.answer = answerWith(401, { error: 'invalid_client' })
  await t.rejects(provider.getToken({ account: 'ada' }))
  await t.rejects(provider.getToken({ account: 'bob' }))
  await endpoint.clock.advance(60_000)

  const collected = await collect()
  const REFUSED = 'error.type=ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
  t.strictSame(series(collected, 'refreshes'), { 'outcome=success': 2, [`${REFUSED},outcome=failure`]: 1 })
  t.strictSame(series(collected, 'invalidations'), { 'outcome=replaced': 1, 'outcome=kept': 1 })
  t.strictSame(series(collected, 'cooldowns'), { [`${REFUSED},scope=client`]: 1 })
  t.strictSame(series(collected, 'serve_errors'), { [REFUSED]: 2 })
  t.strictSame(Object.keys(series(collected, 'request.duration')), [
    'outcome=success,server.address=127.0.0.1',
    `${REFUSED},outcome=failure,server.address=127.0.0.1`
  ])
  t.strictSame(
    Object.fromEntries(
      [...collected].map(([name, { unit }]) => [name.replace('bandwidth_token.', ''), unit])
    ),
    {
      'request.duration': 's',
      refreshes: '{refresh}',
      invalidations: '{invalidation}',
      cooldowns: '{cooldown}',
      serve_errors: '{error}',
      'token.remaining': 's',
      state: ''
    }
  )
  for (const [name, { description }] of collected) t.match(description, /^[A-Z].+\.$/, name)
  t.strictSame(series(collected, 'token.remaining'), { 'name=webrtc': 540 })
  t.strictSame(series(collected, 'state'), {
    'name=webrtc,state=empty': 0,
    'name=webrtc,state=fresh': 0,
    'name=webrtc,state=refreshing': 0,
    'name=webrtc,state=degraded': 1,
    'name=webrtc,state=cooling': 0
  })
  t.equal(collected.size, 7)
  t.notMatch(JSON.stringify([...collected]), /ada|bob/, 'no account')
})

t.test('durations are in seconds, and so are the buckets', async (t) => {
  const collect = startSdk(t)
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.teardown(observeProvider(provider))
  endpoint.answer = endpoint.held()
  const token = provider.getToken()
  await endpoint.clock.advance(250)
  await endpoint.release()
  await token
  const [duration] = (await collect()).get('bandwidth_token.request.duration')?.points ?? []
  t.match(duration?.value, {
    sum: 0.25,
    count: 1,
    buckets: { boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] }
  })
})

t.test('events count once however many providers are observed, by whatever copy of the module', async (t) => {
  const collect = startSdk(t)
  const endpoint = await startEndpoint(t)
  const copy = createRequire(import.meta.url)('@bandwidth-token/core/opentelemetry')
  t.not(copy.observeProvider, observeProvider)
  const providers = ['a', 'b', 'c'].map((name) => ({ name, provider: endpoint.provider(t) }))
  const stops = providers.flatMap(({ name, provider }) => [
    observeProvider(provider, { name }),
    copy.observeProvider(provider, { name: `copy of ${name}` })
  ])
  const count = async () => Object.values(series(await collect(), 'refreshes'))
  for (const { provider } of providers) await provider.getToken()
  t.strictSame(await count(), [3])
  t.equal(Object.keys(series(await collect(), 'token.remaining')).length, 6, 'but each has its gauges')

  const [a, copyOfA, ...others] = stops as [() => void, () => void, ...(() => void)[]]
  for (const stop of [...others, a]) stop()
  // To end twice is to end once.
  for (const stop of others) stop()
  await endpoint.provider(t).getToken()
  t.strictSame(await count(), [4], 'as long as one is observed')
  t.match(series(await collect(), 'token.remaining'), { 'name=a': 0, 'name=b': 0, 'name=copy of a': 600 })
  copyOfA()
  await endpoint.provider(t).getToken()
  t.strictSame(await count(), [4])
  const states = Object.entries(series(await collect(), 'state'))
  t.strictSame(
    states.filter(([, value]) => value !== 0),
    [],
    'nothing keeps its last state'
  )
  const again = observeProvider(endpoint.provider(t))
  await endpoint.provider(t).getToken()
  t.strictSame(await count(), [5], 'and it can begin again')
  again()
})

t.test('observes another account than the default one, and has zeros where there is no token', async (t) => {
  const collect = startSdk(t)
  const endpoint = await startEndpoint(t, grant({ expires_in: 100 }))
  const provider = endpoint.provider(t)
  t.teardown(observeProvider(provider, { account: 'ada' }))
  t.strictSame(series(await collect(), 'token.remaining'), { '': 0 })
  t.match(series(await collect(), 'state'), { 'state=empty': 1, 'state=fresh': 0 })
  await provider.getToken({ account: 'ada' })
  t.strictSame(series(await collect(), 'token.remaining'), { '': 100 })
  t.match(series(await collect(), 'state'), { 'state=empty': 0, 'state=fresh': 1 })
})

t.test('is not asked any more once it has ended', async (t) => {
  const collect = startSdk(t)
  const endpoint = await startEndpoint(t)
  const meter = Object.getPrototypeOf(metrics.getMeter('any'))
  const removed = t.capture(meter, 'removeBatchObservableCallback', meter.removeBatchObservableCallback)
  const end = observeProvider(endpoint.provider(t))
  await collect()
  t.equal(removed().length, 0)
  end()
  for (let turn = 0; turn < 2; turn++) {
    t.strictSame(series(await collect(), 'token.remaining'), { '': 0 })
  }
  t.equal(removed().length, 1)
})

t.test('counts by the SDK that has started meanwhile', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.teardown(observeProvider(provider))
  const collect = startSdk(t)
  t.teardown(observeProvider(endpoint.provider(t)))
  await provider.getToken()
  t.strictSame(series(await collect(), 'refreshes'), { 'outcome=success': 1 })
})

t.test('counts no longer by an SDK that another one has replaced', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  const first = startSdk(t)
  t.teardown(observeProvider(provider))
  metrics.disable()
  const second = startSdk(t)
  t.teardown(observeProvider(endpoint.provider(t)))
  await provider.getToken()
  t.strictSame(series(await second(), 'refreshes'), { 'outcome=success': 1 })
  t.strictSame(series(await first(), 'refreshes'), {})
})

t.test('refuses what is no provider and what is no option', async (t) => {
  const provider = new TokenProvider({ clientId: 'client', clientSecret: 'secret' })
  t.teardown(() => provider.close())
  t.teardown(observeProvider(provider, { name: 'x'.repeat(64) }))
  for (const [args, named] of [
    [[undefined], /"provider".*method status/],
    [[{ getToken() {} }], /"provider"/],
    [[provider, { name: '' }], /"name".*1 to 64/],
    [[provider, { name: ['a'] }], /"name".*a string/],
    [[provider, { name: 'x'.repeat(65) }], /"name"/],
    [[provider, { account: 7 }], /"account".*at most 256/],
    [[provider, { acount: 'x' }], /"acount".*spelling "account"/],
    [[provider, 'webrtc'], /"options"/]
  ] as const) {
    const error = thrownBy(() => (observeProvider as (...args: unknown[]) => unknown)(...args))
    t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
    t.match(error.message, named)
  }
  observeProvider(provider, Object.create({ name: 'polluted' }))()
})
