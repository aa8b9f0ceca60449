import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { grant } from '../support/endpoint.js'
import { until } from './child.js'
import { errorsOf, ProcessFleet, tellAll } from './fleet-stage.js'
import type { Told } from './told.js'

/** Within this, a fleet gets over the loss of the member that held the lock. */
const RECOVERY_MS = 5_000
/** What a busy machine may add. The limit itself is tested on a virtual clock. */
const TOLERANCE_MS = 3_000

t.setTimeout(120_000)

/** On a machine that is too busy to answer within 250 ms, a member fetches alone. Then the next account tries again. */
const TRIES = 4

t.test('twenty processes make one request for each token that they need', async (t) => {
  const fleet = await ProcessFleet.start(t)
  const members = await fleet.join(20)
  // What a process does for the first time takes it longer, and they have few processors.
  for (const member of members) await member.tell('get warm-up')
  const expected = {
    'all of them, cold': ['token 1'],
    'ten that have seen it rejected': ['token 2'],
    'one that has not': ['token 1'],
    'nine that name it later': ['token 2'],
    'all of them, once the refresh is due': ['token 3'],
    requests: 3
  }
  let seen: unknown
  for (let number = 1; number <= TRIES && !isDeepStrictEqual(seen, expected); number++) {
    seen = await liveOn(fleet, members, `account-${number}`)
  }
  t.strictSame(seen, expected)
  t.strictSame(await errorsOf(members), [], 'and no caller sees an error')
})

/** What the members get while an account's token is fetched, rejected, replaced and refreshed. */
async function liveOn(fleet: ProcessFleet, members: readonly Told[], account: string): Promise<unknown> {
  const { endpoint } = fleet
  const before = endpoint.count
  const tell = async (some: readonly Told[], rest = '') =>
    (await tellAll(some, `get ${account}${rest}`)).map(
      (accessToken) => `token ${Number(accessToken.slice('token-'.length)) - before}`
    )
  endpoint.answer = endpoint.held()
  const cold = tell(members)
  const commands = await fleet.commands()
  await fleet.untilRequest(before + 1)
  await until(async () => (await fleet.commands()) > commands + members.length, 'others wait')
  await endpoint.release()
  endpoint.answer = grant()
  const first = await cold
  const [name] = first
  const rejected = ` token-${Number(name?.slice('token '.length)) + before}`
  // A rejected token counts only if it is 5 s old.
  await tellAll(members, 'advance 10000')
  const second = await tell(members.slice(10), rejected)
  const served = await tell(members.slice(0, 1))
  const late = await tell(members.slice(1, 10), rejected)
  // Of its 600 s, 15 are left: the refresh of each is due.
  await tellAll(members, 'advance 585000')
  await tell(members)
  await until(async () => (await tell(members)).every((each) => !second.includes(each)), 'all have refreshed')
  return {
    'all of them, cold': first,
    'ten that have seen it rejected': second,
    'one that has not': served,
    'nine that name it later': late,
    'all of them, once the refresh is due': await tell(members),
    requests: endpoint.count - before
  }
}

t.test('a holder of the lock that is killed in mid-fetch costs one request and no error', async (t) => {
  const fleet = await ProcessFleet.start(t)
  const { endpoint } = fleet
  const [holder, ...others] = await fleet.join(4)
  endpoint.answer = endpoint.held()
  holder?.tell('get')
  await fleet.untilRequest(1)
  const waiting = tellAll(others, 'get')
  endpoint.answer = grant()
  const killedAtMs = performance.now()
  await holder?.kill()
  t.strictSame(await waiting, ['token-2'])
  t.ok(performance.now() - killedAtMs < RECOVERY_MS + TOLERANCE_MS)
  t.equal(endpoint.count, 2)
})

t.test('a holder of the lock that is frozen in mid-fetch and thawed overwrites nothing newer', async (t) => {
  // What it waits for arrives on the thaw, before any limit of its own comes due.
  const fleet = await ProcessFleet.start(t, { timeoutMs: 60_000, deadlineMs: 60_000 })
  const { endpoint, admin } = fleet
  const [holder, ...others] = await fleet.join(4)
  endpoint.answer = endpoint.held()
  const asked = holder?.tell<string>('get')
  await fleet.untilRequest(1)
  const waiting = tellAll(others, 'get')
  endpoint.answer = grant()
  holder?.process.kill('SIGSTOP')
  t.strictSame(await waiting, ['token-2'])
  const [key = ''] = await admin.keys('bandwidth-token:*')
  const entry = await admin.get(key)
  await endpoint.release()
  holder?.process.kill('SIGCONT')
  t.equal(await asked, 'token-1', 'it gets its own token all the same')
  t.equal(await admin.get(key), entry)
  t.strictSame(await tellAll(await fleet.join(1), 'get'), ['token-2'])
  t.equal(endpoint.count, 2)
})
