import { setTimeout as pass } from 'node:timers/promises'
import t from 'tap'
import { grant } from '../support/endpoint.js'
import { errorsOf, ProcessFleet, tellAll, untilAllAgree } from './fleet-stage.js'
import type { Told } from './told.js'

/** Of these 10 s, a token is refreshed 1.75 to 2.5 s before its end. */
const LIFETIME_S = 10
const USE_MS = 7_875

t.setTimeout(180_000)

t.test('a hundred processes make about one request for each of several short lives', async (t) => {
  const fleet = await ProcessFleet.start(t)
  const { endpoint } = fleet
  endpoint.answer = grant({ expires_in: LIFETIME_S })
  // Ten at a time: a process that starts needs a processor for itself.
  const members: Told[] = []
  while (members.length < 100) members.push(...(await fleet.join(10)))
  for (const member of members) await member.tell('get warm-up')
  const before = endpoint.count

  const startMs = performance.now()
  await tellAll(members, 'keepAsking 1000')
  await pass(3.5 * USE_MS)
  await untilAllAgree(members)
  const requests = endpoint.count - before
  const lives = 1 + (performance.now() - startMs) / USE_MS
  const perLife = requests / lives
  t.comment(`${requests} requests in ${lives.toFixed(1)} lives: ${perLife.toFixed(2)} per life`)
  t.ok(perLife <= 2, `${perLife} requests per life`)
  t.strictSame(await errorsOf(members), [])
})
