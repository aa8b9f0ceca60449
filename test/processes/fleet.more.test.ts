import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { until } from './child.js'
import { type MemberReport, ProcessFleet, tellAll } from './fleet-stage.js'

const MEMBERS = 100
const LIVES = 6
/** L of 12 s: a token is refreshed from 3 s before its end on, and not handed out in its last 1.2 s. */
const LIFETIME_S = 12
const SOFT_MS = 3_000

t.setTimeout(600_000)

t.test('a hundred processes make one request a life, and refresh one after the other', async (t) => {
  const emulator = await startEmulator({
    clientId: 'client',
    clientSecret: 'secret',
    expiresIn: LIFETIME_S,
    latencyMs: 100
  })
  t.teardown(() => emulator.close())
  const fleet = await ProcessFleet.start(t)
  const arrivedAtMs: number[] = []
  const look = () => {
    while (arrivedAtMs.length < emulator.received.length) arrivedAtMs.push(Date.now())
    return arrivedAtMs
  }
  const members = await fleet.join(MEMBERS, emulator)
  await tellAll(members, 'keepAsking 200')
  await until(() => livesOf(look()) >= LIVES, 'the lives have passed', 300_000)
  const reports = await Promise.all(members.map((member) => member.tell<MemberReport>('report')))
  t.strictSame(
    reports.flatMap(({ errors }) => errors),
    []
  )
  const requests = look().length
  const lives = livesOf(arrivedAtMs)
  const perLife = requests / lives
  const commands = (await fleet.commands()) / MEMBERS / lives
  t.comment(`${requests} requests in ${lives} lives: ${perLife.toFixed(2)} requests a life`)
  t.comment(`${commands.toFixed(2)} commands of each member a life`)
  t.ok(perLife <= 1.2, `${perLife} requests a life`)

  // When each member went over to a token, for all that every member has had.
  const changes = new Map<string, number[]>()
  for (const [accessToken, atMs] of reports.flatMap(({ seen }) => seen)) {
    changes.set(accessToken, [...(changes.get(accessToken) ?? []), atMs])
  }
  const refreshes = [...changes.values()].slice(1).filter(({ length }) => length === MEMBERS)
  t.ok(refreshes.length >= LIVES - 2, `${refreshes.length} tokens were everybody's`)
  for (const atMs of refreshes) {
    const spreadMs = Math.max(...atMs) - Math.min(...atMs)
    t.ok(spreadMs > 500, `they went over to it within ${spreadMs} ms`)
  }
})

/** How many tokens one after the other that time took: a request while a token has more than 3 s left begins no life. */
function livesOf(arrivedAtMs: readonly number[]): number {
  let lives = 0
  let endsAtMs = 0
  for (const atMs of arrivedAtMs) {
    if (atMs < endsAtMs) continue
    lives++
    endsAtMs = atMs + LIFETIME_S * 1_000 - SOFT_MS
  }
  return lives
}
