import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { grant } from '../support/endpoint.js'
import { type Connect, clients } from '../support/redis-clients.js'
import { type Member, RedisFleet, requestsForNextToken } from './fleet-stage.js'

/** What is in Redis does not depend on the client. */
const start = (t: Test, settings?: readonly string[]) =>
  RedisFleet.start(t, clients.ioredis as Connect, settings)

t.test('evicted keys cost one request', async (t) => {
  const fleet = await start(t, ['--maxmemory-policy', 'allkeys-lru'])
  const { endpoint } = fleet
  const members = await fleet.members(3)
  t.equal(await requestsForNextToken(fleet, members), 1)
  await evictAll(fleet)
  t.equal(await requestsForNextToken(fleet, members), 1, 'nobody has missed it')
  await evictAll(fleet)
  const late = await fleet.join()
  const before = endpoint.count
  await late.provider.getToken()
  t.equal(endpoint.count, before + 1)
})

t.test('a lock that is evicted in mid-fetch costs one request, and the newer token stays', async (t) => {
  const fleet = await start(t, ['--maxmemory-policy', 'allkeys-lru'])
  const { endpoint } = fleet
  const [slow, quick] = (await fleet.members(2)) as [Member, Member]
  endpoint.answer = endpoint.held()
  const call = slow.provider.getToken()
  await endpoint.clock.settle()
  await evictAll(fleet)
  endpoint.answer = grant()
  t.equal((await quick.provider.getToken()).accessToken, 'token-2')
  await endpoint.release()
  t.equal((await call).accessToken, 'token-1')
  t.equal((await (await fleet.join()).provider.getToken()).accessToken, 'token-2')
  t.equal(endpoint.count, 2)
})

for (const [what, spoil] of Object.entries<(fleet: RedisFleet, key: string) => Promise<unknown>>({
  garbage: ({ admin }, key) => admin.set(key, randomBytes(900).toString('base64url'), 'PX', 600_000),
  'bytes that are no text': ({ admin }, key) => admin.set(key, randomBytes(900), 'PX', 600_000),
  'a list': async ({ admin }, key) => {
    await admin.del(key)
    await admin.lpush(key, 'a', 'list')
  },
  'a megabyte': ({ admin }, key) => admin.set(key, 'A'.repeat(1_000_000), 'PX', 600_000),
  'a part of it': async ({ admin }, key) =>
    admin.set(key, ((await admin.get(key)) as string).slice(0, -4), 'PX', 600_000),
  'an entry of another identity': async (fleet, key) => {
    const stranger = await fleet.join({ clientSecret: 'another' })
    const before = await fleet.admin.keys('*')
    await stranger.provider.getToken()
    const [other = ''] = (await fleet.admin.keys('*')).filter((each) => !before.includes(each))
    await fleet.admin.copy(other, key, 'REPLACE')
    await fleet.admin.del(other)
  }
})) {
  t.test(`${what} in place of the entry counts as none and is replaced`, async (t) => {
    const fleet = await start(t)
    const { endpoint } = fleet
    const [first, second, third] = (await fleet.members(3)) as [Member, Member, Member]
    await first.provider.getToken()
    await spoil(fleet, await fleet.entryKey())
    const before = endpoint.count
    const { accessToken } = await second.provider.getToken()
    t.equal(accessToken, `token-${before + 1}`)
    t.equal((await third.provider.getToken()).accessToken, accessToken, 'and is shared again')
    t.equal(endpoint.count, before + 1)
    t.equal((await first.provider.getToken()).accessToken, 'token-1', 'who has a token has missed nothing')
  })
}

for (const [what, lock] of Object.entries<(fleet: RedisFleet, key: string) => Promise<unknown>>({
  'a text without an end': ({ admin }, key) => admin.set(key, 'forever'),
  'a list': ({ admin }, key) => admin.lpush(key, 'a list')
})) {
  t.test(`${what} in place of the lock keeps nobody waiting`, async (t) => {
    const fleet = await start(t)
    const [first, second] = (await fleet.members(2)) as [Member, Member]
    await first.provider.getToken()
    const key = await fleet.entryKey()
    await fleet.admin.del(key)
    await lock(fleet, `${key}:lock`)
    const { accessToken } = await second.provider.getToken()
    t.equal(accessToken, 'token-2')
    t.equal((await (await fleet.join()).provider.getToken()).accessToken, accessToken)
  })
}

t.test('an older entry that is replayed after its end counts as none', async (t) => {
  const fleet = await start(t)
  const { endpoint, admin } = fleet
  const [first, second] = (await fleet.members(2)) as [Member, Member]
  await first.provider.getToken()
  const key = await fleet.entryKey()
  const old = (await admin.get(key)) as string
  await first.provider.close()
  // Its 600 s, and the minute that clocks may be apart.
  await endpoint.clock.advance(660_001)
  await admin.set(key, old, 'PX', 600_000)
  t.equal((await second.provider.getToken()).accessToken, 'token-2')
  t.not(await admin.get(key), old, 'and it is replaced')
})

/** Writes so much that nothing of what was there before is left. */
async function evictAll({ admin }: RedisFleet): Promise<void> {
  await admin.config('SET', 'maxmemory', '4mb')
  for (let number = 0; number < 200; number++) await admin.set(`filler:${number}`, 'x'.repeat(100_000))
  await admin.config('SET', 'maxmemory', '0')
  const keys = await admin.keys('bandwidth-token:*')
  if (keys.length > 0) throw new Error(`Not evicted: ${keys}`)
}
