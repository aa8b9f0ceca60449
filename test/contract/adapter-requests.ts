import type { Test } from 'tap'
import {
  type AppRequest,
  credentialsOf,
  type Harness,
  isMounted,
  isUncacheable,
  serve,
  stage
} from '../support/adapters-harness.js'
import { ask } from '../support/adapters-http.js'
import { emulate } from '../support/emulate.js'
import { VirtualClock } from '../support/virtual-clock.js'

/** Section 2: tokens for the server's own requests, accounts, and the end. */
export function requests(t: Test, harness: Harness): void {
  const accountOf = ({ headers }: AppRequest) => headers['x-account'] as string

  t.test('gives a handler the token that the route gives to pages', async (t) => {
    const { server, get, requests } = await stage(t, harness)
    const { accessToken } = (await get('/app/token')).json
    t.equal((await get()).json.access_token, accessToken)
    t.equal((await server.providers[0]?.getToken())?.accessToken, accessToken)
    t.equal(requests(), 1)
  })

  t.test('costs nothing until a request asks', async (t) => {
    let asked = 0
    const { get, requests } = await stage(t, harness, {
      authorize: () => asked++ >= 0,
      account: () => String(asked++)
    })
    for (let i = 0; i < 5; i++) t.equal((await get('/app/plain')).text, 'plain')
    t.equal(asked, 0)
    t.equal(requests(), 0)
  })

  t.test('asks once for a hundred cold requests', async (t) => {
    const { get, requests } = await stage(t, harness, (emulator) => [
      { ...credentialsOf(emulator), authorize: () => true, account: () => 'acme' }
    ])
    const paths = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? '/app/token' : '/bandwidth/token'))
    const answers = await Promise.all(paths.map((path) => get(path)))
    t.equal(new Set(answers.map(({ json }) => json.accessToken ?? json.access_token)).size, 1)
    t.equal(requests(), 1)
  })

  t.test('serves a token that is 2 s old without a request', async (t) => {
    const clock = new VirtualClock()
    const { get, requests } = await stage(t, harness, { clock })
    const first = (await get()).json.access_token
    await clock.advance(2_000)
    t.equal((await get()).json.access_token, first)
    t.equal((await get('/app/token')).json.accessToken, first)
    t.equal(requests(), 1)
  })

  t.test('gives a token that is valid at the moment of the call', async (t) => {
    const clock = new VirtualClock()
    const { get, requests } = await stage(t, harness, { clock })
    const first = (await get('/app/token')).json.accessToken
    clock.suspend(595_000)
    const second = (await get('/app/token')).json.accessToken
    t.type(second, 'string')
    t.not(second, first)
    t.equal(requests(), 2)
  })

  t.test("lets a handler's failure to get a token reach the app's error handler", async (t) => {
    const { emulator, server, get } = await stage(t, harness)
    emulator.script([{ status: 401 }])
    const { status, json } = await get('/app/token')
    t.equal(status, 502)
    t.equal(json.code, 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED')
    t.equal(server.errors.length, 1)
  })

  t.test('does not ask authorize where a handler asks', async (t) => {
    const { get } = await stage(t, harness, { authorize: () => false })
    t.equal((await get('/app/token')).status, 200)
  })

  t.test('keeps a token for each account, and never gives one the other has', async (t) => {
    const accounts: string[] = []
    const { get } = await stage(t, harness, (emulator) => [
      {
        tokenUrl: emulator.tokenUrl,
        credentials: (account: string) => {
          accounts.push(account)
          return { clientId: emulator.clientId, clientSecret: emulator.clientSecret }
        },
        authorize: () => true,
        account: accountOf
      }
    ])
    const tokens = new Map<string, Set<string>>()
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const account = ['acme', 'umbrella', ''][i % 3] as string
        const path = i % 2 === 0 ? '/app/token' : '/bandwidth/token'
        const { json } = await get(path, { 'x-account': account })
        const seen = tokens.get(account) ?? new Set()
        tokens.set(account, seen.add(json.accessToken ?? json.access_token))
      })
    )
    const all = [...tokens.values()].flatMap((seen) => [...seen])
    t.equal(all.length, 3)
    t.equal(new Set(all).size, 3)
    t.strictSame(accounts.sort(), ['', 'acme', 'umbrella'])
  })

  t.test('asks account for every request', async (t) => {
    let asked = 0
    const { get } = await stage(t, harness, {
      account: () => {
        asked++
        return 'acme'
      }
    })
    for (const path of ['/bandwidth/token', '/bandwidth/token', '/app/token']) await get(path)
    t.equal(asked, 3)
  })

  for (const [name, account] of [
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', { toString: () => 'acme' }],
    ['a promise', Promise.resolve('acme')],
    ['257 characters', 'a'.repeat(257)]
  ] as const) {
    t.test(`answers a typed error where account returns ${name}`, async (t) => {
      const { get, requests } = await stage(t, harness, { account: () => account as string })
      for (const path of ['/bandwidth/token', '/app/token']) {
        const { status, json } = await get(path)
        t.equal(status, 500)
        t.equal(json.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
        t.match(json.message, /"account"/)
      }
      t.equal(requests(), 0)
    })
  }

  t.test("hands what account throws to the app's error handler, not to be kept", async (t) => {
    const { get, requests } = await stage(t, harness, {
      account: () => {
        throw Object.assign(new Error('no tenant'), { status: 409, code: 'APP' })
      }
    })
    const answer = await get()
    t.equal(answer.status, 409)
    t.strictSame(answer.json, { code: 'APP', message: 'no tenant' })
    isUncacheable(t, harness, answer)
    t.equal((await get('/app/token')).status, 409)
    t.equal(requests(), 0)
  })

  for (const thrown of [undefined, null, 'route', 'router', 0, '']) {
    t.test(`answers an error where account throws ${JSON.stringify(thrown)}`, async (t) => {
      const { get, requests } = await stage(t, harness, {
        account: () => {
          throw thrown
        }
      })
      const answer = await get()
      t.ok(answer.status >= 500, `status ${answer.status}`)
      isUncacheable(t, harness, answer)
      t.equal(requests(), 0)
    })
  }

  for (const thrown of [undefined, 'route']) {
    t.test(`answers an error where a provider of the user's own rejects with ${thrown}`, async (t) => {
      const provider = { getToken: () => Promise.reject(thrown) }
      const server = await serve(t, harness, [{ provider, authorize: () => true }])
      const answer = await ask(`${server.origin}/bandwidth/token`)
      t.ok(answer.status >= 500, `status ${answer.status}`)
      isUncacheable(t, harness, answer)
    })
  }

  t.test('closes its own provider, and that only', async (t) => {
    const [mine, other] = [await emulate(t), await emulate(t)]
    const user = await serve(t, harness, [{ ...credentialsOf(other), authorize: () => true }])
    const provider = user.providers[0]
    const server = await serve(t, harness, [
      { ...credentialsOf(mine), authorize: () => true },
      isMounted(harness)
        ? { provider, path: false, decorateAs: 'users' }
        : { provider, authorize: () => true }
    ])
    await ask(`${server.origin}/bandwidth/token`)
    if (isMounted(harness)) await ask(`${server.origin}/app/token?as=users`)
    await server.close()
    await t.rejects(server.providers[0]?.getToken() as Promise<unknown>, {
      code: 'ERR_BANDWIDTH_TOKEN_CLOSED'
    })
    t.type((await provider?.getToken())?.accessToken, 'string')
  })

  t.test('closes while the token endpoint hangs', async (t) => {
    const { emulator, server } = await stage(t, harness)
    emulator.script([{ hang: 'headers' }])
    const asking = server.providers[0]?.getToken() as Promise<unknown>
    const rejected = t.rejects(asking, { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
    await server.close()
    await rejected
  })
}
