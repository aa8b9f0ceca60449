import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Program } from '../support/program.js'

interface Result {
  readonly name: string
  readonly members: number
  readonly hours: number
  readonly requests: number
  readonly lives: number
  readonly requestsPerLife: number
  readonly requestsPerLifeInFault?: number
  readonly requestsAfterRestart?: number
  readonly commandsPerMemberAndLife?: number
  readonly calls: number
  readonly heldUp: number
  readonly failures: number
  readonly leastLeftMs: number
}

interface Report {
  readonly results: readonly Result[]
}

interface Timeline {
  readonly nowMs: number
  at(atMs: number, callback: () => void, owner?: { isAlive: boolean }): unknown
  cancel(event: unknown): void
  run(untilMs: number): Promise<void>
}

/** `expiryMarginMs` by default: a token with less left is never handed out. */
const HARD_MS = 10_000
const folder = new URL('../../../bench/fleet-simulation/', import.meta.url)

async function smoke(...args: string[]): Promise<Report> {
  const program = new Program(t, [fileURLToPath(new URL('run.js', folder)), '--smoke', '--json', ...args])
  t.equal(await program.exitCode(), 0, program.stderr)
  return JSON.parse(program.stdout) as Report
}

const { results } = await smoke()
const named = (name: string) => {
  const found = results.filter((result) => result.name === name)
  t.ok(found.length > 0, name)
  return found
}

t.test('a healthy fleet makes one request per life, whatever its size', async (t) => {
  for (const { members, requests, lives, hours, commandsPerMemberAndLife } of named('healthy')) {
    t.equal(requests, lives, `${members} members`)
    // A life of 600 s is replaced 20 to 30 s before its end.
    t.ok(lives >= (hours * 3600) / 580 && lives <= (hours * 3600) / 570 + 1, `${lives} lives`)
    t.ok(Number(commandsPerMemberAndLife) < 2, `${commandsPerMemberAndLife} commands`)
  }
})

t.test('without a store, each member makes one request per life', async (t) => {
  for (const { members, requestsPerLife } of named('no store')) {
    t.ok(Math.abs(requestsPerLife / members - 1) < 0.1, `${requestsPerLife} for ${members} members`)
  }
})

t.test('no caller is held up or refused, and none gets a token that is about to expire', async (t) => {
  for (const { name, calls, members, heldUp, failures, leastLeftMs } of results) {
    t.ok(calls > members, `${name}: ${calls} calls`)
    t.equal(heldUp, 0, `${name}: held up`)
    t.equal(failures, 0, `${name}: refused`)
    t.ok(leastLeftMs >= HARD_MS && leastLeftMs < 600_000, `${name}: ${leastLeftMs} ms left`)
  }
})

t.test('a restart of everything makes no request where the store has the token, else one', async (t) => {
  for (const { requestsAfterRestart } of named('restart of everything')) t.equal(requestsAfterRestart, 0)
  for (const { requestsAfterRestart } of named('restart of everything, the store too')) {
    t.equal(requestsAfterRestart, 1)
  }
  for (const { members, requestsAfterRestart } of named('restart of everything, no store')) {
    t.equal(requestsAfterRestart, members)
  }
})

t.test('a fault of the store costs at most what a fleet without one makes', async (t) => {
  for (const name of ['store down for an hour', 'store hung for an hour']) {
    for (const { members, requests, lives, requestsPerLifeInFault } of named(name)) {
      t.ok(Number(requestsPerLifeInFault) <= members, name)
      const afterwards = requests - members * Math.ceil(3600 / 570)
      t.ok(afterwards < lives, `${name}: ${requests} requests in ${lives} lives`)
    }
  }
  for (const { requestsPerLife } of named('rolling restart within an hour')) t.equal(requestsPerLife, 1)
  for (const { requestsPerLife } of named('store at 60–110 ms for an hour')) t.equal(requestsPerLife, 1)
})

t.test('the same scenario comes to the same figures', async (t) => {
  const again = await smoke('--only=store down')
  t.strictSame(again.results, named('store down for an hour'))
})

t.test(
  'virtual time brings events in order, and none that was cancelled or whose owner has died',
  async (t) => {
    const module = (await import(new URL('timeline.js', folder).href)) as { Timeline: new () => Timeline }
    const timeline = new module.Timeline()
    const seen: string[] = []
    const see = (name: string) => () => {
      seen.push(`${name} at ${timeline.nowMs}`)
      // As deep as promises of the core go, and deeper.
      let chain = Promise.resolve()
      for (let depth = 0; depth < 200; depth++) chain = chain.then(() => {})
      chain.then(() => seen.push(`promises of ${name} at ${timeline.nowMs}`))
    }
    const owner = { isAlive: true }
    timeline.at(30, see('third'))
    timeline.at(10, see('first'))
    timeline.at(20, see('second'))
    timeline.at(20, see('of the dead'), owner)
    timeline.cancel(timeline.at(15, see('cancelled')))
    timeline.at(5, () => {
      owner.isAlive = false
    })
    timeline.at(40, see('too late'))
    await timeline.run(35)
    t.strictSame(seen, [
      'first at 10',
      'promises of first at 10',
      'second at 20',
      'promises of second at 20',
      'third at 30',
      'promises of third at 30'
    ])
    t.equal(timeline.nowMs, 35)
  }
)
