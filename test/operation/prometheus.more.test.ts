import { observeProvider } from '@bandwidth-token/core/opentelemetry'
import t from 'tap'
import { until } from '../processes/child.js'
import { startEndpoint } from '../support/endpoint.js'
import { startPrometheus } from '../support/prometheus.js'
import { everyEvent } from './every-event.js'
import { startExporter } from './exporter.js'
import { dashboardQueries } from './queries.js'

t.test('each query of the dashboard returns data from a real Prometheus', async (t) => {
  const { target } = await startExporter(t)
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.teardown(observeProvider(provider, { name: 'webrtc' }))
  await everyEvent(endpoint, provider)
  const ask = await startPrometheus(t, target)
  const refreshes = 'sum(bandwidth_token_refreshes_total{outcome="success"})'
  const isScraped = (value: string) => async () => (await ask(refreshes))[0]?.value[1] === value
  await until(isScraped('3'), 'the first scrape')
  const another = await startEndpoint(t)
  await everyEvent(another, another.provider(t))
  await until(isScraped('6'), 'another scrape')

  const queries = await dashboardQueries()
  for (const { name, expr } of queries) {
    const series = await ask(expr)
    t.ok(series.length > 0, name)
    t.strictSame(
      series.filter(({ value }) => !Number.isFinite(Number(value[1]))),
      [],
      `${name}: all are numbers`
    )
  }
  const shown = async (title: string, labels: Record<string, string>) => {
    const { expr = '' } = queries.find(({ name }) => name.startsWith(title)) ?? {}
    const entries = Object.entries(labels)
    const found = (await ask(expr)).find(({ metric }) =>
      entries.every(([key, value]) => metric[key] === value)
    )
    return Number(found?.value[1])
  }
  t.equal(await shown('State', { name: 'webrtc' }), 4, 'degraded')
  t.equal(await shown('Life left', { name: 'webrtc' }), 19)
  const refused = { error_type: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' }
  t.equal(await shown('Callers', refused), 2, 'the first one counts too')
  t.equal(await shown('Refreshes', { outcome: 'failure', ...refused }), 2)
  t.equal(await shown('Rejected', { outcome: 'replaced' }), 2)
  t.equal(await shown('Cool-downs', { scope: 'client' }), 2)
  t.equal(await shown('Requests', { outcome: 'success' }), 6)
  t.ok((await shown('Duration', {})) <= 0.005)
})
