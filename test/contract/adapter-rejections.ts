import type { Test } from 'tap'
import { DOWN, type Harness, type Stage, stage, takeDown } from '../support/adapters-harness.js'
import { VirtualClock } from '../support/virtual-clock.js'

/** Section 3.2: `?rejected=`, by which a page says that the gateway refused its token. */
export function rejections(t: Test, harness: Harness): void {
  /** A stage whose token is 6 s old, old enough to be believed that it was refused. */
  async function aged(
    t: Test,
    body?: object
  ): Promise<Stage & { clock: VirtualClock; id: string; token: string }> {
    const clock = new VirtualClock()
    const staged = await stage(t, harness, { clock })
    if (body !== undefined) staged.emulator.script([{ body: { expires_in: 600, ...body } }])
    const { access_token, access_token_id } = (await staged.get()).json
    await clock.advance(6_000)
    return { ...staged, clock, id: access_token_id, token: access_token }
  }
  const naming = (id: string) => `/bandwidth/token?rejected=${id}`

  t.test('replaces the token whose id a page names', async (t) => {
    const { get, requests, id, token } = await aged(t)
    const { status, headers, json } = await get(naming(id))
    t.equal(status, 200)
    t.equal(headers['cache-control'], 'no-store')
    t.not(json.access_token, token)
    t.not(json.access_token_id, id)
    t.equal(json.expires_in, 600)
    t.equal((await get()).json.access_token, json.access_token, 'everybody gets the new one')
    t.equal(requests(), 2)
  })

  t.test('makes one request for a hundred pages that name it', async (t) => {
    const { get, requests, id } = await aged(t)
    const answers = await Promise.all(Array.from({ length: 100 }, () => get(naming(id))))
    t.equal(new Set(answers.map(({ json }) => json.access_token_id)).size, 1)
    t.not(answers[0]?.json.access_token_id, id)
    t.equal(requests(), 2)
  })

  t.test('makes no request for a page that names a token replaced before', async (t) => {
    const { get, requests, clock, id } = await aged(t)
    const second = (await get(naming(id))).json.access_token_id
    await clock.advance(40_000)
    const late = await get(naming(id))
    t.equal(late.status, 200)
    t.equal(late.json.access_token_id, second)
    t.equal(requests(), 2)
  })

  t.test('keeps a token younger than 5 s, and replaces one at most every 30 s', async (t) => {
    const { get, requests, clock, id } = await aged(t)
    const second = (await get(naming(id))).json.access_token_id
    t.equal((await get(naming(second))).json.access_token_id, second, 'it is too young')
    await clock.advance(20_000)
    t.equal((await get(naming(second))).json.access_token_id, second, 'the last one was 20 s ago')
    t.equal(requests(), 2)
    await clock.advance(11_000)
    t.not((await get(naming(second))).json.access_token_id, second)
    t.equal(requests(), 3)
  })

  t.test('has no effect where the value is malformed or not the whole id', async (t) => {
    const { get, requests, id } = await aged(t)
    for (const query of [
      'rejected',
      'rejected=',
      `rejected=${id}&rejected=${id}`,
      `rejected=${id}&rejected=`,
      `rejected=other&rejected=${id}`,
      `rejected[]=${id}`,
      `rejected[x]=${id}`,
      `rejected%5Bx%5D=${id}`,
      `rejected=${id.slice(0, -1)}`,
      `rejected=${id[0]}`,
      `rejected=${id}0`,
      `rejected=${id}%20`,
      `rejected=${id}%00`,
      `rejected=${id},${id}`,
      `Rejected=${id}`,
      `x=rejected=${id}`,
      `rejected=${'a'.repeat(4000)}`
    ]) {
      const { status, json } = await get(`/bandwidth/token?${query}`)
      t.equal(status, 200, query.slice(0, 80))
      t.equal(json.access_token_id, id)
    }
    t.equal(requests(), 1)
  })

  for (const [name, id, isReplaced] of [
    ['an id of 128 characters', 'i'.repeat(128), true],
    ['an id of 129 characters', 'i'.repeat(129), false],
    ['an id of all allowed characters', 'aZ09._~-', true],
    ['an id with a space', 'a b', false],
    ['an id with a slash', 'a/b', false],
    ['an id with a letter that is none of ASCII', 'idé', false],
    ['an empty id', '', false]
  ] as const) {
    t.test(`${isReplaced ? 'replaces' : 'does not replace'} a token of ${name}`, async (t) => {
      const { get, requests } = await aged(t, { access_token: 'token', access_token_id: id })
      t.equal((await get(naming(encodeURIComponent(id)))).status, 200)
      t.equal(requests(), isReplaced ? 2 : 1)
    })
  }

  t.test('goes by the id, not by the token', async (t) => {
    const { get, requests } = await aged(t, { access_token: 'token', access_token_id: 'id' })
    t.equal((await get(naming('token'))).json.access_token, 'token')
    t.equal(requests(), 1)
  })

  t.test('has no effect where Bandwidth sent no id', async (t) => {
    const { get, requests } = await aged(t, { access_token: 'token' })
    for (const id of ['token', 'undefined', 'null', '']) {
      t.equal((await get(naming(id))).json.access_token, 'token', id)
    }
    t.equal(requests(), 1)
  })

  t.test('works below a mount point', async (t) => {
    const clock = new VirtualClock()
    const { get, requests } = await stage(t, harness, { clock }, { mount: '/api' })
    const { access_token_id: id } = (await get('/api/bandwidth/token')).json
    await clock.advance(6_000)
    t.not((await get(`/api/bandwidth/token?rejected=${id}`)).json.access_token_id, id)
    t.equal(requests(), 2)
  })

  t.test('takes nothing from the others while the token endpoint is down', async (t) => {
    const { emulator, get, requests, clock, id, token } = await aged(t)
    takeDown(emulator)
    const [named, ...others] = await Promise.all([
      get(naming(id)),
      get(),
      get('/app/token'),
      get(naming('other'))
    ])
    t.equal(named.status, 503, 'who named it gets the error')
    t.equal(named.json.code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
    t.equal(named.headers['cache-control'], 'no-store')
    t.equal(named.headers['retry-after'], '60')
    for (const { json } of others) t.equal(json.accessToken ?? json.access_token, token)
    await clock.advance(100_000)
    t.equal((await get()).json.access_token, token, 'and it stays so')
    t.equal((await get('/app/token')).json.accessToken, token)
    t.equal(requests(), 2)
  })

  t.test('starts nothing during a cool-down, and answers its error', async (t) => {
    const { emulator, get, requests, clock, id, token } = await aged(t)
    emulator.script([DOWN])
    t.equal((await get(naming(id))).status, 503)
    await clock.advance(35_000)
    const { status, headers } = await get(naming(id))
    t.equal(status, 503)
    t.equal(headers['retry-after'], '25')
    t.equal((await get()).json.access_token, token)
    t.equal(requests(), 2)
  })

  t.test('lets those who did not name it be served while a slow replacement is under way', async (t) => {
    const { emulator, get, server, requests, id, token } = await aged(t)
    emulator.script([{ hang: 'headers' }])
    const named = get(naming(id)).catch(() => undefined)
    while (requests() < 2) await new Promise(setImmediate)
    t.equal((await get()).json.access_token, token)
    t.equal((await get('/app/token')).json.accessToken, token)
    await server.close()
    await named
  })

  t.test('listens to nobody who may not have a token', async (t) => {
    const clock = new VirtualClock()
    const { get, requests } = await stage(t, harness, {
      clock,
      authorize: ({ headers }) => headers['x-user'] === 'ada'
    })
    const { access_token_id: id } = (await get('/bandwidth/token', { 'x-user': 'ada' })).json
    await clock.advance(6_000)
    t.equal((await get(naming(id))).status, 403)
    t.equal((await get(naming(id), { 'x-user': 'ada', 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal(requests(), 1)
  })

  t.test("cannot name another account's token", async (t) => {
    const clock = new VirtualClock()
    const { get, requests } = await stage(t, harness, {
      clock,
      account: ({ headers }) => headers['x-account'] as string
    })
    const acme = (await get('/bandwidth/token', { 'x-account': 'acme' })).json.access_token_id
    const umbrella = (await get('/bandwidth/token', { 'x-account': 'umbrella' })).json.access_token_id
    await clock.advance(6_000)
    t.equal((await get(naming(acme), { 'x-account': 'umbrella' })).json.access_token_id, umbrella)
    t.equal((await get('/bandwidth/token', { 'x-account': 'acme' })).json.access_token_id, acme)
    t.equal(requests(), 2)
    const replaced = (await get(naming(acme), { 'x-account': 'acme' })).json.access_token_id
    t.not(replaced, acme)
    t.equal((await get('/bandwidth/token', { 'x-account': 'acme' })).json.access_token_id, replaced)
    t.equal(requests(), 3)
  })
}
