import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import { startEmulator } from '@bandwidth-token/emulator'
import { redisTokenStore } from '@bandwidth-token/redis'
import { Redis } from 'ioredis'
import t from 'tap'
import { KEY, startFleet } from '../core/store/fleet.js'
import { grant } from '../support/endpoint.js'
import { RedisServer } from '../support/redis-server.js'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')
const page = await read('docs/scaling.md')

t.test('each part of the page on scaling names tests that exist', async (t) => {
  const parts = page.split('\n## ').slice(1)
  t.ok(parts.length >= 10)
  for (const part of parts) {
    const proofs = [...part.matchAll(/^- `(test\/.*?)`: (.*)$/gm)]
    t.ok(proofs.length > 0, `${part.split('\n')[0]}`)
    for (const [, file = '', name = ''] of proofs) {
      const text = await read(file)
      t.ok(text.includes(`'${name}'`) || text.includes(`\`${name}\``), `${file}: ${name}`)
    }
  }
})

t.test('the figures of the page on scaling are those of the last simulation', async (t) => {
  const folder = 'bench/fleet-simulation'
  const { toDocs, toMarkdown } = await import(new URL(`${folder}/report.js`, root).href)
  const report = JSON.parse(await read(`${folder}/results.json`))
  t.ok(page.includes(`\n${toDocs(report)}\n`))
  t.equal(await read(`${folder}/results.md`), toMarkdown(report))
  const healthy = report.results.filter(({ name }: { name: string }) => name === 'healthy')
  t.strictSame(
    healthy.map(({ members }: { members: number }) => members),
    [10, 100, 1_000, 10_000, 100_000]
  )
  for (const { members, requestsPerLife } of healthy) {
    t.equal(requestsPerLife.toFixed(2), '1.00', `${members} members`)
  }
})

t.test('the page on scaling gives the ACL of packages/redis', async (t) => {
  const [line = ''] = /^ACL SETUSER .*$/m.exec(await read('packages/redis/README.md')) ?? []
  t.match(line, /\+eval/)
  t.ok(page.includes(`\n${line}\n`))
})

t.test('a token takes 5 commands to fetch, 1 to read, and less than 2 kB of Redis', async (t) => {
  const { url } = await RedisServer.start(t)
  const client = new Redis(url)
  t.teardown(() => client.disconnect())
  const emulator = await startEmulator()
  t.teardown(() => emulator.close())
  const { clientId, clientSecret, tokenUrl } = emulator
  const commands: string[] = []
  const store = redisTokenStore({
    sendCommand: (name, ...args) => {
      commands.push(name)
      return client.call(name, ...args)
    }
  })
  const join = () => {
    const provider = new TokenProvider({ clientId, clientSecret, tokenUrl, store, storeKeys: [KEY] })
    t.teardown(() => provider.close())
    return provider
  }
  const { accessToken } = await join().getToken()
  t.ok(accessToken.length > 600 && accessToken.length < 680, `${accessToken.length} characters`)
  t.equal(commands.length, 5)
  t.equal((await join().getToken()).accessToken, accessToken)
  t.equal(commands.length, 6)

  const keys = await client.keys('*')
  t.equal(keys.length, 1)
  const bytes = (await client.memory('USAGE', keys[0] ?? '')) ?? 0
  t.ok(bytes > accessToken.length && bytes < 2_000, `${bytes} bytes`)
})

t.test('an entry of more than 8 kB is not written', async (t) => {
  for (const [length, sets] of [
    [5_000, 1],
    [7_000, 0]
  ] as const) {
    const { commands, join } = await startFleet(t, grant({ access_token: 'x'.repeat(length) }))
    t.equal((await join().getToken()).accessToken.length, length)
    t.equal(commands.filter((command) => command === 'set').length, sets, `${length} characters`)
  }
})

t.test('members with old keys and members with new ones make at most two requests a life', async (t) => {
  const next = randomBytes(32).toString('base64url')
  const mixtures: [TokenProviderOptions['storeKeys'], TokenProviderOptions['storeKeys']][] = [
    [
      [KEY, next],
      [next, KEY]
    ],
    [[KEY], [next, KEY]],
    [[KEY], [next]]
  ]
  for (const mixture of mixtures) {
    const { endpoint, join } = await startFleet(t)
    const members = mixture.flatMap((storeKeys) => Array.from({ length: 5 }, () => join({ storeKeys })))
    const all = async () => {
      let waiting = members.length
      for (const member of members) member.getToken().then(() => waiting--)
      while (waiting > 0) await endpoint.clock.advance(100)
    }
    const lives = 3
    await all()
    for (let second = 0; second < lives * 570; second += 10) {
      await all()
      await endpoint.clock.advance(10_000)
    }
    t.ok(endpoint.count > lives && endpoint.count <= 2 * (lives + 1), `${endpoint.count} requests`)
    await Promise.all(members.map((member) => member.close()))
  }
})

t.test('an account that had to make room finds its token in the store', async (t) => {
  const { endpoint, join } = await startFleet(t)
  const member = join({ maxTokens: 1 })
  for (const account of ['ada', 'bob', 'ada', 'bob']) await member.getToken({ account })
  t.equal(endpoint.count, 2)
})

for (const minutes of [-60, -5, 5, 60]) {
  t.test(
    `a member whose clock is far ahead or behind hands out valid tokens: ${minutes} minutes`,
    async (t) => {
      const { endpoint, join } = await startFleet(t)
      const { clock } = endpoint
      const skewed = join({
        clock: {
          now: () => clock.now() + minutes * 60_000,
          monotonic: () => clock.monotonic(),
          setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
          clearTimeout: (handle) => clock.clearTimeout(handle as never)
        }
      })
      const right = join()
      const token = await right.getToken()
      await clock.advance(100_000)
      const other = await skewed.getToken()
      const expected = { '-60': [1, 500], '-5': [1, 500], '5': [1, 260], '60': [2, 600] }[minutes] ?? []
      t.strictSame([endpoint.count, other.expiresIn], expected)
      t.ok(token.expiresIn <= 500)
      // And the others take what it has written for what it is.
      await clock.advance(400_000)
      for (const member of [right, skewed]) {
        const { expiresIn } = await member.getToken()
        t.ok(expiresIn >= 10 && expiresIn <= 600, `${expiresIn} s`)
      }
    }
  )
}
