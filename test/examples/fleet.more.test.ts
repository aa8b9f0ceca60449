import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { until } from '../processes/child.js'
import { launchChromium } from '../support/chromium.js'
import { Program } from '../support/program.js'
import { RedisServer } from '../support/redis-server.js'
import type { Teardown } from '../support/teardown.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

interface Member {
  readonly member: number
  readonly process: number
  readonly tokenId: string
  readonly age: number
  readonly left: number
}

/** The example as its users start it, with tokens that do not live long. */
class Fleet extends Program {
  /** The ids of all tokens that any member has shown. */
  readonly tokenIds = new Set<string>()

  constructor(t: Teardown, environment: Record<string, string> = {}) {
    const { REDIS_URL, ...own } = process.env
    const env = { ...own, PORT: '0', EXPIRES_IN: '8', ...environment }
    super(t, ['examples/fleet/fleet.js'], { cwd: root, env })
    // Not by SIGKILL: it has a redis-server to end.
    t.teardown(async () => {
      this.process.kill('SIGTERM')
      await this.exitCode()
    })
  }

  async addresses(): Promise<{ page: string; received: string }> {
    await until(() => /^curl .*\n/m.test(this.stdout) || this.process.exitCode !== null, 'it has started')
    const [page = '', received = ''] = this.stdout.match(/http:\S+/g) ?? []
    return { page, received }
  }

  /** Asks until every member has answered, and returns its latest answer. */
  async members(): Promise<Member[]> {
    const { page } = await this.addresses()
    const latest = new Map<number, Member>()
    await until(async () => {
      // Nobody answers what was on its way to a member that was killed.
      const answer = fetch(`${page}/member`, { signal: AbortSignal.timeout(5_000) })
      const response = await answer.catch(() => undefined)
      if (response === undefined) return false
      const member = (await response.json()) as Member
      this.tokenIds.add(member.tokenId)
      latest.set(member.member, member)
      return latest.size === 4
    }, 'all members have answered')
    return [...latest.values()]
  }

  /** Waits until all members show the same token, and it is another one than before. */
  async agreed(before?: string): Promise<Member[]> {
    let members: Member[] = []
    await until(async () => {
      members = await this.members()
      return idsOf(members).size === 1 && !idsOf(members).has(before ?? '')
    }, 'all members show the same new token')
    return members
  }

  /** How many tokens the token endpoint has granted. */
  async grants(): Promise<number> {
    const { received } = await this.addresses()
    const requests = (await (await fetch(received)).json()) as { path: string; status?: number }[]
    return requests.filter(({ path, status }) => path.endsWith('/token') && status === 200).length
  }
}

const idsOf = (members: readonly Member[]) => new Set(members.map(({ tokenId }) => tokenId))

const folder = await mkdtemp(join(tmpdir(), 'example-'))
t.teardown(() => rm(folder, { recursive: true }))

t.test('the fleet', async (t) => {
  const browser = await launchChromium(t)
  // Its own redis-server has its socket in there.
  const fleet = new Fleet(t, { TMPDIR: folder })

  await t.test('shares one token among four processes, and replaces it for all of them', async (t) => {
    const members = await fleet.agreed()
    t.equal(new Set(members.map(({ process }) => process)).size, 4)
    t.equal(await fleet.grants(), fleet.tokenIds.size, 'one request for each token')
    const [first = ''] = idsOf(members)
    const later = await fleet.agreed(first)
    t.equal(await fleet.grants(), fleet.tokenIds.size, 'one request for each token')
    for (const { age, left } of later) t.ok(age >= 0 && left > 0 && age + left <= 8, `${age} s, ${left} s`)
  })

  await t.test('replaces a member that was killed, who finds the token', async (t) => {
    const [victim] = await fleet.agreed()
    process.kill(victim?.process as number, 'SIGKILL')
    await until(async () => {
      const now = (await fleet.members()).find(({ member }) => member === victim?.member)
      return now?.process !== victim?.process
    }, 'another process has taken its place')
    await fleet.agreed()
    t.equal(await fleet.grants(), fleet.tokenIds.size, 'one request for each token')
  })

  await t.test('shows ids and times, and nothing else', async (t) => {
    for (const member of await fleet.members()) {
      t.strictSame(Object.keys(member).sort(), ['age', 'left', 'member', 'process', 'tokenId'])
      t.match(member.tokenId, /^[\w-]{24}$/)
    }
    const { page } = await fleet.addresses()
    t.equal((await fetch(`${page}/bandwidth/token`)).status, 404)
    t.notMatch(fleet.stdout, /secret|eyJ/)
  })

  await t.test('has a page that follows the members', async (t) => {
    const { page: address } = await fleet.addresses()
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('console', (message) => problems.push(message.text()))
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(address)
    await page.getByText('4 members, one token.').waitFor()
    t.equal(await page.locator('code').count(), 4)
    const texts = () => page.locator('li p').allTextContents()
    const before = await texts()
    t.match(before[0], /^\d s old, \d s left$/)
    await until(async () => (await texts()).every((text, index) => text !== before[index]), 'all are older')
    t.strictSame(problems, [])
  })

  await t.test('ends with all that it has started, even at two signals in a row', async (t) => {
    const members = await fleet.members()
    const [own = ''] = await readdir(folder)
    const redis = connect(join(folder, own, 'redis.sock')).resume()
    await once(redis, 'connect')
    const redisEnds = once(redis, 'close')
    fleet.process.kill('SIGINT')
    fleet.process.kill('SIGINT')
    t.equal(await fleet.exitCode(), 0)
    t.equal(fleet.stderr, '')
    await redisEnds
    for (const { process: pid } of members) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
    t.strictSame(await readdir(folder), [])
  })
})

t.test('the fleet uses the Redis of REDIS_URL, and leaves it running', async (t) => {
  const { url, port } = await RedisServer.start(t)
  const fleet = new Fleet(t, { REDIS_URL: url })
  await fleet.agreed()
  t.match(fleet.stdout, 'the Redis of REDIS_URL')
  fleet.process.kill('SIGTERM')
  t.equal(await fleet.exitCode(), 0)
  t.equal(fleet.stderr, '')
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
})

t.test('the fleet says in one line what it lacks', async (t) => {
  const { url } = await RedisServer.start(t)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const expected: [Record<string, string>, RegExp][] = [
    [{ PATH: '' }, /^This example needs Redis: install redis-server, or set REDIS_URL [^\n]*\n$/],
    [{ REDIS_URL: url, PORT: `${port}` }, new RegExp(`^Port ${port} is taken\\.[^\\n]*\\n$`)],
    [{ REDIS_URL: url, PORT: '65536' }, /^PORT must be a whole number from 0 to 65535\.\n$/],
    [{ REDIS_URL: url, EXPIRES_IN: '1' }, /^EXPIRES_IN must be a whole number from 5 to 600\.\n$/]
  ]
  for (const [environment, message] of expected) {
    const fleet = new Fleet(t, environment)
    t.equal(await fleet.exitCode(), 1)
    t.match(fleet.stderr, message)
  }
})
