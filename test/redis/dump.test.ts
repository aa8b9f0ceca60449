import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TokenProvider } from '@bandwidth-token/core'
import { startEmulator } from '@bandwidth-token/emulator'
import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import t from 'tap'
import { until } from '../processes/child.js'
import { createSecrets, LeakHunt } from '../support/leak-hunt/index.js'
import { RedisServer } from '../support/redis-server.js'

/** All that is in a Redis: its dump on the disk, and each key with its value as it is and decoded. */
async function allOf(admin: Redis): Promise<Record<string, string>> {
  await admin.save()
  const [, folder = ''] = (await admin.config('GET', 'dir')) as string[]
  const things: Record<string, string> = {
    'dump.rdb': (await readFile(join(folder, 'dump.rdb'))).toString('latin1')
  }
  for (const key of await admin.keys('*')) {
    const value = (await admin.get(key)) ?? ''
    things[`the key ${key.slice(0, 24)}…`] = key
    things[`the value of ${key.slice(0, 24)}…`] = value
    things[`the value of ${key.slice(0, 24)}…, decoded`] = Buffer.from(value, 'base64').toString('latin1')
  }
  return things
}

t.test('a dump of the whole Redis has no twelve characters in a row of a token or a secret', async (t) => {
  // Compressed, it would show less than there is.
  const server = await RedisServer.start(t, ['--rdbcompression', 'no'])
  const admin = new Redis(server.url)
  t.teardown(() => admin.disconnect())
  const { clientId, clientSecret, basic } = createSecrets()
  const emulator = await startEmulator({ clientId, clientSecret })
  t.teardown(() => emulator.close())
  const storeKeys = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64url')] as const
  const provider = new TokenProvider({
    clientId,
    clientSecret,
    tokenUrl: emulator.tokenUrl,
    store: redisTokenStore({ client: admin }),
    storeKeys
  })
  t.teardown(() => provider.close())

  const accounts = ['', 'ada.lovelace@example.com', 'charles.babbage@example.com']
  const tokens = await Promise.all(accounts.map((account) => provider.getToken({ account })))
  // Another lock is held, and a failure is told.
  emulator.script([{ hang: 'headers' }])
  provider.getToken({ account: 'held-account-in-flight' }).catch(() => {})
  await until(() => emulator.received.length === accounts.length + 1, 'one is in flight')
  emulator.script([{ status: 401, body: JSON.stringify({ error: 'invalid_client' }) }])
  await t.rejects(provider.getToken({ account: 'refused-account-name' }))

  const hunt = new LeakHunt({
    'client id': clientId,
    'client secret': clientSecret,
    'Basic value': basic,
    'first store key': storeKeys[0],
    'second store key': storeKeys[1],
    'token URL': emulator.tokenUrl,
    'first account': 'ada.lovelace@example.com',
    'second account': 'charles.babbage@example.com',
    'account in flight': 'held-account-in-flight',
    'refused account': 'refused-account-name',
    ...Object.fromEntries(
      tokens.flatMap(({ accessToken, accessTokenId = '' }, number) => [
        [`token ${number}`, accessToken],
        [`id of token ${number}`, accessTokenId]
      ])
    )
  })
  const all = await allOf(admin)
  const keys = await admin.keys('*')
  t.equal(keys.filter((key) => !key.endsWith(':lock')).length, accounts.length + 1, 'tokens and a failure')
  t.equal(keys.filter((key) => key.endsWith(':lock')).length, 1)
  hunt.isSilent(t, all)

  // And the hunt would have found one.
  await admin.set('planted', `text ${tokens[0]?.accessToken.slice(100, 112)} text`)
  await admin.set('encoded', Buffer.from(`"${clientSecret}"`).toString('base64'))
  const planted = Object.entries(await allOf(admin)).filter(([, text]) => hunt.inText(text).length > 0)
  t.strictSame(planted.map(([name]) => name).sort(), [
    'dump.rdb',
    'the value of encoded…',
    'the value of encoded…, decoded',
    'the value of planted…'
  ])
})
