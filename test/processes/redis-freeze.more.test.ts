import { setTimeout as pass } from 'node:timers/promises'
import t from 'tap'
import { grant } from '../support/endpoint.js'
import { errorsOf, ProcessFleet, tellAll, untilAllAgree } from './fleet-stage.js'

const FREEZE_MS = 10_000
const LIFETIME_S = 10

t.setTimeout(180_000)

t.test('a Redis that stands still for 10 s gives no caller an error', async (t) => {
  const fleet = await ProcessFleet.start(t)
  const { endpoint, server } = fleet
  endpoint.answer = grant({ expires_in: LIFETIME_S })
  const members = await fleet.join(5)
  await tellAll(members, 'keepAsking 200')
  await untilAllAgree(members)
  const before = endpoint.count

  server.freeze()
  const cold = members.map((member, index) => member.tell<string>(`get account-${index}`))
  await pass(FREEZE_MS)
  t.match(await Promise.all(cold), Array(5).fill(/^token-/), 'nor one who has no token yet')
  t.ok(endpoint.count >= before + 2 * members.length, 'each has fetched what it needed')
  server.thaw()

  await untilAllAgree(members)
  const agreedAt = endpoint.count
  await pass(2 * LIFETIME_S * 1_000)
  await untilAllAgree(members)
  t.ok(endpoint.count - agreedAt < 2 * members.length, 'they share their tokens again')
  t.strictSame(await errorsOf(members), [])
})
