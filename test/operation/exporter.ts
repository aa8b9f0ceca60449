import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { Teardown } from '../support/teardown.js'

/** One line of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The real SDK with its Prometheus exporter, at a port of its own, until the test ends. */
export async function startExporter(t: Teardown) {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const sdk = new MeterProvider({ readers: [exporter] })
  metrics.setGlobalMeterProvider(sdk)
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(async () => {
    metrics.disable()
    await sdk.shutdown()
    server.closeAllConnections()
    server.close()
  })
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { target, scrape: async () => parse(await (await fetch(`http://${target}/metrics`)).text()) }
}

/** The samples of a scrape, without the labels of the SDK. */
export function parse(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      const pairs = [...labels.matchAll(/(\w+)="(.*?)"/g)].map(([, key = '', text = '']) => [key, text])
      return {
        name,
        labels: Object.fromEntries(pairs.filter(([key]) => !key?.startsWith('otel_scope_'))),
        value: Number(value)
      }
    })
}
