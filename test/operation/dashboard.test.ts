import { observeProvider } from '@bandwidth-token/core/opentelemetry'
import t from 'tap'
import { anchorsOf, read } from '../docs/documents.js'
import { startEndpoint } from '../support/endpoint.js'
import { everyEvent } from './every-event.js'
import { type Sample, startExporter } from './exporter.js'
import { dashboardQueries, missing, rules } from './queries.js'

/** A scrape over HTTP, after everything that the metrics count has happened. Prometheus adds the target's labels. */
const samples: Sample[] = []
t.before(async () => {
  const { scrape } = await startExporter(t)
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  t.teardown(observeProvider(provider, { name: 'webrtc' }))
  await everyEvent(endpoint, provider)
  for (const { name, labels, value } of await scrape()) {
    samples.push({ name, value, labels: { ...labels, job: 'app', instance: 'app:9464' } })
  }
})

function scraped(name: string, labels: Record<string, string> = {}): number | undefined {
  const has = (sample: Sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
  return samples.find((sample) => sample.name === name && has(sample))?.value
}

t.test('a scrape of the Prometheus exporter has each metric, by its name in Prometheus', async (t) => {
  const UNAVAILABLE = { error_type: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' }
  const REFUSED = { error_type: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' }
  t.equal(scraped('bandwidth_token_refreshes_total', { outcome: 'success' }), 3)
  t.equal(scraped('bandwidth_token_refreshes_total', { outcome: 'failure', ...REFUSED }), 1)
  const failures = scraped('bandwidth_token_refreshes_total', { outcome: 'failure', ...UNAVAILABLE }) ?? 0
  t.ok(failures >= 1)
  t.equal(scraped('bandwidth_token_cooldowns_total', { scope: 'account', ...UNAVAILABLE }), failures)
  t.equal(scraped('bandwidth_token_cooldowns_total', { scope: 'client', ...REFUSED }), 1)
  for (const outcome of ['replaced', 'kept', 'dropped']) {
    t.equal(scraped('bandwidth_token_invalidations_total', { outcome }), 1)
  }
  t.equal(scraped('bandwidth_token_serve_errors_total', REFUSED), 1)
  t.equal(scraped('bandwidth_token_token_remaining', { name: 'webrtc' }), 19)
  t.equal(scraped('bandwidth_token_state', { name: 'webrtc', state: 'degraded' }), 1)
  t.equal(scraped('bandwidth_token_state', { name: 'webrtc', state: 'fresh' }), 0)
  const request = { outcome: 'success', server_address: '127.0.0.1' }
  t.equal(scraped('bandwidth_token_request_duration_count', request), 3)
  t.equal(scraped('bandwidth_token_request_duration_bucket', { ...request, le: '10' }), 3)
})

t.test('each query of the dashboard is PromQL, and asks for what was scraped', async (t) => {
  const queries = await dashboardQueries()
  t.equal(queries.length, 9)
  for (const { name, expr } of queries) t.strictSame(missing(expr, samples), [], name)
})

t.test('each rule is PromQL, and asks for what was scraped or recorded', async (t) => {
  const all = await rules()
  t.equal(all.filter(({ alert }) => alert).length, 3)
  const recorded: Sample[] = []
  for (const { record, expr, alert } of all) {
    t.strictSame(missing(expr, [...samples, ...recorded]), [], `${record ?? alert}`)
    const labels = { job: 'app', instance: 'app:9464', error_type: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' }
    if (record) recorded.push({ name: record, labels, value: 1 })
  }
})

t.test('the runbook has a section for each alert, and names panels that exist', async (t) => {
  const runbook = await read('docs/runbook.md')
  const anchors = anchorsOf(runbook)
  for (const { alert, annotations } of await rules()) {
    if (alert === undefined) continue
    const [, anchor = ''] = /^docs\/runbook\.md#(.+)$/.exec(annotations?.runbook ?? '') ?? []
    t.equal(anchor, alert.toLowerCase())
    t.ok(anchors.has(anchor), alert)
  }
  const titles = (await dashboardQueries()).map(({ name }) => name)
  const text = runbook.replace(/^```.*?^```$/gms, '')
  const named = [...text.matchAll(/"([A-Z][a-z][^"]+)"/g)].map(([, name = '']) => name.replace(/\s+/g, ' '))
  t.ok(named.length > 5)
  for (const name of named) {
    t.ok(
      titles.some((title) => title.startsWith(name)),
      name
    )
  }
})

t.test('what was not scraped is found', async (t) => {
  for (const expr of [
    'bandwidth_token_refreshs_total',
    'sum by (endpoint) (bandwidth_token_refreshes_total)',
    'bandwidth_token_state{state="broken"}',
    'bandwidth_token_state{condition="fresh"}',
    'bandwidth_token_state{condition!="fresh"}',
    'sum(bandwidth_token_state'
  ]) {
    t.equal(missing(expr, samples).length, 1, expr)
  }
})
