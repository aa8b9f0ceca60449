import { Writable } from 'node:stream'
import pino from 'pino'
import t, { type Test } from 'tap'
import { Outage } from '../support/outage.js'
import { codeBlocks, read } from './documents.js'

const page = await read('docs/runbook.md')
const hour = page.split('\n## An outage of an hour\n')[1]?.split('\n## ')[0] ?? ''

/** Each call stands for 500 of those made in the same second: they have the same fate. */
const CALLS_PER_SECOND = 2
const SAMPLE = 1_000 / CALLS_PER_SECOND

/** The hour of the page, in virtual time: what its subscriber prints, and what pino logs. */
async function live(t: Test) {
  const random = Math.random
  Math.random = () => 0.5
  t.teardown(() => {
    Math.random = random
  })
  let log = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log += chunk
      done()
    }
  })
  let clock: Outage['clock'] | undefined
  const now = () => new Date(clock?.now() ?? 0).toISOString().slice(11, 19)
  const options = {
    base: null,
    timestamp: () => `,"time":"${now()}"`,
    formatters: { level: (level: string) => ({ level }) }
  }
  const outage = new Outage(t, pino(options, stream), {
    tokenUrl: 'https://id.voxbone.com/api/v1/oauth2/token',
    refreshAheadMs: 150_000
  })
  clock = outage.clock
  const events: string[] = []
  t.intercept(console, 'log', {
    value: (_time: string, name: string, text: string) => events.push(`${now()} ${name} ${text}`)
  })
  const [subscriber = ''] = codeBlocks(hour, 'js')
  await import(`data:text/javascript,${encodeURIComponent(subscriber)}`)

  await outage.pass(5, 60_000, CALLS_PER_SECOND)
  outage.answer = () => 503
  await outage.pass(60 * 60, 1_000, CALLS_PER_SECOND)
  outage.answer = () => 200
  await outage.pass(60, 1_000, CALLS_PER_SECOND)
  return {
    log: log.replace(/(?<="refusedCalls":)\d+/, (calls) => `${Number(calls) * SAMPLE}`),
    events
  }
}

/** Callers who are refused one after the other are one line: that of the first of them, and their number. */
function collapse(events: readonly string[]): string[] {
  const groups: { line: string; count: number }[] = []
  for (const line of events) {
    const last = groups.at(-1)
    const isRefusal = line.includes(' serve-error ')
    if (isRefusal && last?.line.includes(' serve-error ')) last.count += SAMPLE
    else groups.push({ line, count: isRefusal ? SAMPLE : 1 })
  }
  return groups.map(({ line, count }) => (count === 1 ? line : `${line} × ${count.toLocaleString('en')}`))
}

t.test('the log and the events of an outage of an hour are those that the runbook shows', async (t) => {
  const [shownLog = '', shownEvents = ''] = codeBlocks(hour, 'text')
  const { log, events } = await live(t)
  const lines = collapse(events)
  const [beginning = '', end = ''] = shownEvents.split('…\n')
  t.equal(log, shownLog)
  t.equal(lines.slice(0, beginning.split('\n').length - 1).join('\n'), beginning.trimEnd())
  t.equal(lines.slice(-end.trimEnd().split('\n').length).join('\n'), end.trimEnd())
})
