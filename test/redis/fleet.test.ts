import type { TokenStore } from '@bandwidth-token/core'
import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t from 'tap'
import { accessTokens } from '../core/store/fleet.js'
import { until } from '../processes/child.js'
import { grant } from '../support/endpoint.js'
import { freePort } from '../support/free-port.js'
import { processEvents } from '../support/process-events.js'
import { RedisServer } from '../support/redis-server.js'
import type { Teardown } from '../support/teardown.js'
import {
  ACQUISITION_MS,
  COMMAND_MS,
  commonClients,
  type Member,
  RedisFleet,
  requestsForNextToken,
  untilItKnows
} from './fleet-stage.js'

const unhandled = processEvents(t, 'unhandledRejection')
t.teardown(() => {
  if (unhandled.length > 0) throw new Error(`Rejections that nobody handled: ${unhandled}`)
})

for (const [client, connect] of commonClients) {
  const start = (t: Parameters<typeof RedisFleet.start>[0], settings?: readonly string[]) =>
    RedisFleet.start(t, connect, settings)

  t.test(
    `${client}: a server that is killed in mid-fetch and restarted costs no caller an error`,
    async (t) => {
      const fleet = await start(t)
      const { endpoint } = fleet
      const members = await fleet.members(3)
      endpoint.answer = endpoint.held()
      const calls = members.map(({ provider }) => provider.getToken())
      await endpoint.clock.advance(100)
      t.equal(endpoint.count, 1, 'one fetches, the others wait')
      await fleet.kill()
      await Promise.all(members.map(untilItKnows))
      await endpoint.clock.advance(ACQUISITION_MS)
      t.equal(endpoint.count, 3, 'those who waited fetch for themselves')
      await endpoint.release()
      t.equal((await accessTokens(calls)).length, 3)
      await fleet.restart(members)
      endpoint.answer = grant()

      const late = await fleet.join()
      t.strictSame(await accessTokens([late.provider.getToken()]), ['token-4'], 'the new server is empty')
      await endpoint.clock.settle()
      t.equal((await fleet.admin.keys('*')).length, 1, 'and nobody has written late')
      t.equal(await requestsForNextToken(fleet, [...members, late]), 1, 'all agree on the next token')
    }
  )

  t.test(`${client}: a server that is down for a life of the token is noticed by no caller`, async (t) => {
    const fleet = await start(t)
    const members = await fleet.members(3)
    t.equal(await requestsForNextToken(fleet, members), 1)
    await fleet.kill()
    await Promise.all(members.map(untilItKnows))
    t.equal(await requestsForNextToken(fleet, members), members.length, 'each for itself')
    for (const { logger } of members) t.equal(logger.warnings().length, 1, 'one warning an outage')
    await fleet.restart(members)
    t.equal(await requestsForNextToken(fleet, members), 1, 'as before')
  })

  t.test(`${client}: a frozen server costs a cold caller one command, and writes nothing late`, async (t) => {
    const fleet = await start(t)
    const { endpoint } = fleet
    const [warm, cold] = (await fleet.members(2)) as [Member, Member]
    await warm.provider.getToken()
    await fleet.admin.flushall()
    fleet.freeze()
    t.equal((await warm.provider.getToken()).accessToken, 'token-1', 'at once')
    const call = cold.provider.getToken()
    await endpoint.clock.advance(COMMAND_MS - 1)
    t.equal(endpoint.count, 1)
    await endpoint.clock.advance(1)
    t.equal((await call).accessToken, 'token-2')
    await fleet.thaw()
    t.equal(await fleet.admin.dbsize(), 0)
    const late = await fleet.join()
    t.equal((await late.provider.getToken()).accessToken, 'token-3')
    t.equal((await (await fleet.join()).provider.getToken()).accessToken, 'token-3')
  })

  t.test(`${client}: a server that freezes in mid-fetch costs the holder one command`, async (t) => {
    const fleet = await start(t)
    const { endpoint } = fleet
    const [holder] = (await fleet.members(1)) as [Member]
    endpoint.answer = endpoint.held()
    const call = holder.provider.getToken()
    await endpoint.clock.settle()
    fleet.freeze()
    await endpoint.release()
    await endpoint.clock.advance(COMMAND_MS)
    t.equal((await call).accessToken, 'token-1')
    await fleet.thaw()
    const late = await fleet.join()
    t.equal((await late.provider.getToken()).accessToken, 'token-1', 'its lock was still its own')
    t.equal(endpoint.count, 1)
  })

  t.test(`${client}: a server without memory is read, and costs no time`, async (t) => {
    const fleet = await start(t, ['--maxmemory-policy', 'noeviction'])
    const members = await fleet.members(3)
    const [first, ...others] = members as [Member, Member, Member]
    await first.provider.getToken()
    await fleet.admin.config('SET', 'maxmemory', '1')
    t.strictSame(await accessTokens(others.map(({ provider }) => provider.getToken())), ['token-1'])
    const stranger = await fleet.join({ clientSecret: 'another' })
    t.equal((await stranger.provider.getToken()).accessToken, 'token-2')
    t.match(stranger.logger.warnings(), [{ message: /store failed/ }])
    await stranger.provider.close()
    t.equal(await requestsForNextToken(fleet, members), 3, 'each for itself')
    await fleet.admin.config('SET', 'maxmemory', '0')
    t.equal(await requestsForNextToken(fleet, members), 1, 'as before')
  })

  t.test(`${client}: a replica that may only be read is read, and costs no time`, async (t) => {
    const fleet = await start(t, ['--repl-diskless-sync-delay', '0'])
    const [first] = (await fleet.members(1)) as [Member]
    await first.provider.getToken()
    const replica = await RedisServer.start(t, ['--replicaof', `127.0.0.1 ${fleet.server.port}`])
    await until(async () => /slave0:.*state=online/.test(await fleet.admin.info('replication')), 'in step')
    const members = [await fleet.join({ url: replica.url }), await fleet.join({ url: replica.url })]
    t.strictSame(await accessTokens(members.map(({ provider }) => provider.getToken())), ['token-1'])
    for (const { provider } of members) await provider.getToken({ account: 'ada' })
    t.equal(fleet.endpoint.count, 3, 'each for itself')
    for (const { logger } of members) t.match(logger.warnings(), [{ message: /store failed/ }])
  })

  t.test(
    `${client}: a wrong password costs a caller at most one command, and is in no log line`,
    async (t) => {
      const fleet = await start(t)
      const { url } = await RedisServer.start(t, ['--requirepass', 'Cr00k$h@nk$'])
      fleet.expectSilence()
      const member = fleet.joinWith(unconnected(t, client, url.replace('//', '//:wrong-password@')))
      const call = member.provider.getToken()
      await fleet.endpoint.clock.advance(COMMAND_MS)
      t.equal((await call).accessToken, 'token-1')
      t.equal(member.logger.warnings().length, 1)
      t.notMatch(JSON.stringify(member.logger.lines), /wrong-password|WRONGPASS|NOAUTH/)
    }
  )

  t.test(`${client}: a client that never connects costs each caller one command`, async (t) => {
    const fleet = await start(t)
    fleet.expectSilence()
    const url = `redis://127.0.0.1:${await freePort()}`
    const member = fleet.joinWith(unconnected(t, client, url))
    for (const account of ['', 'ada']) {
      const before = fleet.endpoint.count
      const call = member.provider.getToken({ account })
      await fleet.endpoint.clock.advance(COMMAND_MS)
      t.equal((await call).accessToken, `token-${before + 1}`)
    }
  })

  t.test(`${client}: a disconnected client queues nothing, and its callers wait for nothing`, async (t) => {
    const fleet = await start(t)
    const { endpoint } = fleet
    const members = await fleet.members(2)
    const [first, second] = members as [Member, Member]
    await first.provider.getToken()
    await fleet.kill()
    await Promise.all(members.map(untilItKnows))
    for (const account of ['ada', 'bob', 'cleo']) {
      t.ok((await second.provider.getToken({ account })).accessToken, 'without a tick of the clock')
    }
    t.equal(second.logger.warnings().length, 1)
    await fleet.restart(members)
    t.equal(await fleet.admin.dbsize(), 0, 'nothing was queued')
    const before = endpoint.count
    t.equal((await second.provider.getToken()).accessToken, `token-${before + 1}`)
    t.ok(second.logger.lines.some(({ message }) => message === 'The store answers again.'))
  })
}

/** A store as an app has it before its client's first connection. */
function unconnected(t: Teardown, name: string, url: string): TokenStore {
  if (name === 'ioredis') {
    const client = new Redis(url).on('error', () => {})
    t.teardown(() => client.disconnect())
    return redisTokenStore({ client })
  }
  const client = createClient({ url }).on('error', () => {})
  client.connect().catch(() => {})
  t.teardown(() => client.destroy())
  return redisTokenStore({ client })
}
