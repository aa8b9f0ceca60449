import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDaemon } from './daemon.js'
import { freePort } from './free-port.js'
import type { Teardown } from './teardown.js'

export interface Series {
  readonly metric: Record<string, string>
  /** The time in seconds, and the value. */
  readonly value: [number, string]
}

/** A real Prometheus that scrapes `target` each second, until the test ends. Returns what asks it a query. */
export async function startPrometheus(
  t: Teardown,
  target: string
): Promise<(query: string) => Promise<Series[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'))
  const port = await freePort()
  const config = join(folder, 'prometheus.yml')
  await writeFile(
    config,
    `global: { scrape_interval: 1s }
scrape_configs: [{ job_name: app, static_configs: [{ targets: ['${target}'] }] }]`
  )
  const url = `http://127.0.0.1:${port}`
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`
  ]
  await startDaemon(
    t,
    folder,
    ['/usr/bin/prometheus', ...args],
    async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok ?? false
  )

  return async (query) => {
    const response = await fetch(`${url}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query })
    })
    const { error, data } = await response.json()
    if (error !== undefined) throw new Error(`${query}: ${error}`)
    return data.result
  }
}
