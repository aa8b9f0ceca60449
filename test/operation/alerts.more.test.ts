import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { observeProvider } from '@bandwidth-token/core/opentelemetry'
import t, { type Test } from 'tap'
import { Outage } from '../support/outage.js'
import { recordingLogger } from '../support/recording-logger.js'
import { type Sample, startExporter } from './exporter.js'
import { RULES, rules } from './queries.js'

const run = promisify(execFile)
const PROMTOOL = '/usr/bin/promtool'
const SCRAPE_MS = 15_000
const HOUR = 240
const END = Number.POSITIVE_INFINITY
const TARGET = { job: 'app', instance: 'app:9464' }
const UNAVAILABLE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
const REFUSED = 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
const ALERTS = ['BandwidthTokenRefreshFails', 'BandwidthTokenNearlyExpired', 'BandwidthTokenMissing'] as const
const all = await rules()

type Alert = (typeof ALERTS)[number]

/** A real provider in virtual time, and a scrape of its exporter every 15 s. */
class Scraped {
  readonly scrapes: Sample[][] = []
  readonly outage: Outage
  readonly #scrape: () => Promise<Sample[]>

  private constructor(t: Test, scrape: () => Promise<Sample[]>, refreshAheadMs: number) {
    this.outage = new Outage(t, recordingLogger(), { refreshAheadMs })
    this.#scrape = scrape
    t.teardown(observeProvider(this.outage.provider))
  }

  static async start(t: Test, refreshAheadMs = 150_000): Promise<Scraped> {
    return new Scraped(t, (await startExporter(t)).scrape, refreshAheadMs)
  }

  /** Lets `count` scrapes pass, with `calls` every three seconds. */
  async pass(count: number, calls = 5): Promise<void> {
    for (let index = 0; index < count; index++) {
      await this.outage.pass(5, SCRAPE_MS / 5, calls)
      this.scrapes.push(await this.#scrape())
    }
  }

  /** Lets time pass until the token is about to be refreshed. */
  async untilNearRefresh(): Promise<void> {
    const leftMs = () => this.outage.provider.status().expiresInMs ?? 0
    while (leftMs() > 170_000 || leftMs() < 155_000) await this.pass(1)
  }

  /** The first scrape, from `from` on, with a sample like that. */
  first(isSought: (sample: Sample) => boolean, from = 0): number {
    const index = this.scrapes.findIndex((samples, index) => index >= from && samples.some(isSought))
    if (index < 0) throw new Error('no scrape has it')
    return index
  }

  get firstFailure(): number {
    return this.first(({ name, labels }) => name.endsWith('refreshes_total') && labels.outcome === 'failure')
  }

  get firstRefusal(): number {
    return this.first(({ name }) => name.endsWith('serve_errors_total'))
  }

  firstToken(from: number): number {
    return this.first(({ name, value }) => name.endsWith('token_remaining') && value > 0, from)
  }

  /** The samples as promtool reads them. `suffix` is the unit that the OpenTelemetry Collector adds to a name. */
  series(suffix: '' | '_seconds') {
    const keyOf = ({ name, labels }: Sample) =>
      `${name.endsWith('_remaining') ? name + suffix : name}{${Object.entries({ ...labels, ...TARGET })
        .map(([key, value]) => `${key}="${value}"`)
        .join()}}`
    const scrapes = this.scrapes.map((samples) => new Map(samples.map((each) => [keyOf(each), each.value])))
    const keys = new Set(scrapes.flatMap((scrape) => [...scrape.keys()]))
    return [...keys]
      .filter((key) => !/duration|target_info/.test(key))
      .map((series) => ({ series, values: scrapes.map((scrape) => scrape.get(series) ?? '_').join(' ') }))
  }
}

interface Firing {
  readonly from: number
  readonly to: number
  readonly labels?: Record<string, string>
}

/** Has promtool check at each scrape which alerts fire: those of `firing` from a scrape to another, and no other. */
async function check(
  t: Test,
  scraped: Scraped,
  firing: Partial<Record<Alert, Firing | 'any'>>,
  suffix: '' | '_seconds' = ''
): Promise<void> {
  const tests = scraped.scrapes.flatMap((_, index) =>
    ALERTS.filter((alertname) => firing[alertname] !== 'any').map((alertname) => {
      const span = firing[alertname] as Firing | undefined
      const rule = all.find(({ alert }) => alert === alertname)
      const alert = {
        exp_labels: { ...rule?.labels, ...TARGET, ...span?.labels },
        exp_annotations: rule?.annotations
      }
      const isFiring = span !== undefined && index >= span.from && index < span.to
      return { eval_time: `${index * 15}s`, alertname, exp_alerts: isFiring ? [alert] : [] }
    })
  )
  const folder = await mkdtemp(join(tmpdir(), 'alerts-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'test.yaml')
  await writeFile(
    file,
    JSON.stringify({
      rule_files: [fileURLToPath(RULES)],
      evaluation_interval: '15s',
      tests: [{ interval: '15s', input_series: scraped.series(suffix), alert_rule_test: tests }]
    })
  )
  const failed = await run(PROMTOOL, ['test', 'rules', file]).then(
    () => '',
    ({ stdout, stderr }) => `${stdout}${stderr}`.slice(0, 3_000)
  )
  t.equal(failed, '')
}

t.test('promtool finds no fault in the rules', async (t) => {
  const { stdout } = await run(PROMTOOL, ['check', 'rules', fileURLToPath(RULES)])
  t.match(stdout, /SUCCESS: 5 rules/)
})

t.test(
  'in an outage of an hour they fire one after the other, the first two before a caller is refused',
  async (t) => {
    const scraped = await Scraped.start(t)
    await scraped.untilNearRefresh()
    scraped.outage.answer = () => 503
    await scraped.pass(HOUR)
    scraped.outage.answer = () => 200
    await scraped.pass(40)
    const { firstFailure, firstRefusal } = scraped
    const firstToken = scraped.firstToken(firstRefusal)
    const isShort = ({ name, value }: Sample) => name.endsWith('token_remaining') && value > 0 && value < 60
    const firstShort = scraped.first(isShort, firstFailure)
    const lapsed = scraped.first(
      ({ name, value }) => name.endsWith('token_remaining') && value === 0,
      firstFailure
    )
    t.ok(firstFailure < firstShort)
    t.ok(firstShort <= firstRefusal - 3, 'at least half a minute before')
    await check(t, scraped, {
      BandwidthTokenRefreshFails: {
        from: firstFailure,
        to: firstRefusal,
        labels: { error_type: UNAVAILABLE }
      },
      BandwidthTokenNearlyExpired: { from: firstShort, to: lapsed },
      BandwidthTokenMissing: { from: firstRefusal + 4, to: firstToken, labels: { error_type: UNAVAILABLE } }
    })
  }
)

t.test(
  'with the default margins the first one fires as soon as a refresh fails, however short that is',
  async (t) => {
    const scraped = await Scraped.start(t, 30_000)
    await scraped.pass(20)
    scraped.outage.answer = () => 503
    await scraped.pass(60)
    const { firstFailure, firstRefusal } = scraped
    await check(t, scraped, {
      BandwidthTokenRefreshFails: {
        from: firstFailure,
        to: firstRefusal,
        labels: { error_type: UNAVAILABLE }
      },
      BandwidthTokenNearlyExpired: 'any',
      BandwidthTokenMissing: { from: firstRefusal + 4, to: END, labels: { error_type: UNAVAILABLE } }
    })
  }
)

t.test('one refusal of the credentials is enough', async (t) => {
  const scraped = await Scraped.start(t)
  await scraped.untilNearRefresh()
  scraped.outage.answer = () => 401
  while (scraped.outage.provider.status().state !== 'degraded') await scraped.pass(1)
  scraped.outage.answer = () => 200
  await scraped.pass(40)
  const { firstFailure } = scraped
  await check(t, scraped, {
    BandwidthTokenRefreshFails: {
      from: firstFailure,
      to: firstFailure + 20,
      labels: { error_type: REFUSED }
    },
    BandwidthTokenNearlyExpired: 'any'
  })
})

t.test('a process that never had a token is found', async (t) => {
  const scraped = await Scraped.start(t)
  scraped.outage.answer = () => 401
  await scraped.pass(20)
  const firing = { BandwidthTokenMissing: { from: 4, to: END, labels: { error_type: REFUSED } } }
  await check(t, scraped, firing)
  await check(t, scraped, firing, '_seconds')
})

t.test('a process with few callers that has no token is found', async (t) => {
  const scraped = await Scraped.start(t)
  scraped.outage.answer = () => 503
  for (let call = 0; call < 5; call++) {
    await scraped.pass(1, 1)
    await scraped.pass(12, 0)
  }
  await check(t, scraped, {
    BandwidthTokenMissing: { from: 4, to: END, labels: { error_type: UNAVAILABLE } }
  })
})

t.test(
  'nothing fires in an hour of use, when a token lapses that nobody uses, or at a closed provider',
  async (t) => {
    const scraped = await Scraped.start(t)
    await scraped.pass(HOUR)
    await scraped.pass(HOUR / 2, 0)
    t.equal(scraped.outage.provider.status().state, 'empty')
    await scraped.pass(4)
    await scraped.outage.provider.close()
    await scraped.pass(20)
    t.ok(scraped.firstRefusal >= HOUR * 1.5, 'callers are refused, because it is closed')
    await check(t, scraped, {})
  }
)
