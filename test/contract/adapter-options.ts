import type { Test } from 'tap'
import {
  type AdapterOptions,
  credentialsOf,
  type Harness,
  isMounted,
  isUncacheable,
  serve,
  stage
} from '../support/adapters-harness.js'
import { ask } from '../support/adapters-http.js'
import { emulate } from '../support/emulate.js'
import { recordingLogger } from '../support/recording-logger.js'

const INVALID = 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID'

/** A provider of the user's own: nothing but the shape. */
function ownProvider(accessToken: string) {
  return {
    isClosed: false,
    getToken: async () => ({
      accessToken,
      accessTokenId: undefined,
      toResponse: () => ({ access_token: accessToken, token_type: 'Bearer' as const, expires_in: 60 })
    }),
    async close() {
      this.isClosed = true
    }
  }
}

const authorize = () => true

/** Section 3.1: where the route is, and the name on the request. */
function mountOptions(t: Test, harness: Harness): void {
  t.test('takes a literal path', async (t) => {
    const emulator = await emulate(t)
    for (const path of ['/', '/token', '/a.b/c-d_e~f/0', '/.a/..b/...', '/token/']) {
      const { origin } = await serve(t, harness, [{ ...credentialsOf(emulator), authorize, path }])
      t.equal((await ask(origin + path)).status, 200, path)
      t.equal((await ask(`${origin}/bandwidth/token`)).status, 404, 'the default path is not answered')
    }
  })

  t.test('refuses a path that is not literal', async (t) => {
    const emulator = await emulate(t)
    const patterns = ['*', '/bw/*', '/bw/:id', '/bw(x)', '/bw/{x}', '/bw?', '/bw+', '/bw#x', '/bw x', '/b%77']
    const others = [
      '',
      'bw',
      '//',
      '/bw//x',
      '/../bw',
      '/bw/./x',
      '/bw/..',
      '/bw\\x',
      'https://app.example/bw',
      '/bw\n',
      true,
      5,
      null,
      /bw/,
      ['/bw']
    ]
    for (const path of [...patterns, ...others]) {
      await t.rejects(
        serve(t, harness, [{ ...credentialsOf(emulator), authorize, path }]),
        { code: INVALID, message: /"path"/ },
        String(path)
      )
    }
  })

  t.test('mounts no route where path is false, and asks for no authorize then', async (t) => {
    const emulator = await emulate(t)
    const { origin } = await serve(t, harness, [{ ...credentialsOf(emulator), path: false }])
    t.equal((await ask(`${origin}/bandwidth/token`)).status, 404)
    t.equal((await ask(`${origin}/false`)).status, 404)
    t.equal(typeof (await ask(`${origin}/app/token`)).json.accessToken, 'string')
  })

  t.test('decorates the request under another name, beside a path of its own or none', async (t) => {
    const emulator = await emulate(t)
    for (const path of ['/other/token', false] as const) {
      const options = { ...credentialsOf(emulator), authorize, path, decorateAs: 'other' }
      const { origin } = await serve(t, harness, [options])
      t.equal(typeof (await ask(`${origin}/app/token?as=other`)).json.accessToken, 'string')
      t.strictSame((await ask(`${origin}/app/token`)).json, {}, 'the usual name is free')
      t.equal((await ask(`${origin}/other/token`)).status, path === false ? 404 : 200)
    }
  })

  t.test('asks for a path beside another name', async (t) => {
    const emulator = await emulate(t)
    await t.rejects(serve(t, harness, [{ ...credentialsOf(emulator), authorize, decorateAs: 'other' }]), {
      code: INVALID,
      message: /"path"/
    })
  })

  t.test('refuses a name that no property may have', async (t) => {
    const emulator = await emulate(t)
    for (const decorateAs of ['', 'a-b', '0a', 'a b', '__proto__', 'constructor', 'toString', 5, null]) {
      await t.rejects(
        serve(t, harness, [{ ...credentialsOf(emulator), path: false, decorateAs }]),
        { code: INVALID, message: /"decorateAs"/ },
        String(decorateAs)
      )
    }
  })

  t.test('lives twice in one app, each with tokens and a route of its own', async (t) => {
    const [one, two] = [await emulate(t), await emulate(t)]
    const { origin, providers } = await serve(t, harness, [
      { ...credentialsOf(one), authorize },
      { ...credentialsOf(two), authorize: () => false, path: '/two', decorateAs: 'two' }
    ])
    const first = (await ask(`${origin}/bandwidth/token`)).json.access_token
    t.equal((await ask(`${origin}/two`)).status, 403)
    const second = (await ask(`${origin}/app/token?as=two`)).json.accessToken
    t.equal((await ask(`${origin}/app/token`)).json.accessToken, first)
    t.not(first, second)
    t.not(providers[0], providers[1])
    t.equal(providers[0]?.peek()?.accessToken, first)
    t.equal(providers[1]?.peek()?.accessToken, second)
    t.strictSame([one.received.length, two.received.length], [1, 1])
  })
}

/** Section 2.1: the app itself mounts the handler. */
function noMountOptions(t: Test, harness: Harness): void {
  t.test('has no options of a mount', async (t) => {
    const emulator = await emulate(t)
    for (const mount of [{ path: '/token' }, { path: false }, { path: undefined }, { decorateAs: 'other' }]) {
      const [name] = Object.keys(mount)
      await t.rejects(serve(t, harness, [{ ...credentialsOf(emulator), authorize, ...mount }]), {
        code: INVALID,
        message: new RegExp(`"${name}"`)
      })
    }
  })

  t.test('lives twice in one app, each with tokens of its own', async (t) => {
    const [one, two] = [await emulate(t), await emulate(t)]
    const { providers } = await serve(t, harness, [
      { ...credentialsOf(one), authorize },
      { ...credentialsOf(two), authorize }
    ])
    for (const provider of providers) await provider.warmUp()
    t.not(providers[0]?.peek()?.accessToken, providers[1]?.peek()?.accessToken)
    t.strictSame([one.received.length, two.received.length], [1, 1])
  })
}

/** Sections 2 and 3.1: how the options are read. */
export function options(t: Test, harness: Harness): void {
  if (isMounted(harness)) mountOptions(t, harness)
  else noMountOptions(t, harness)

  t.test('answers below the place where the app mounts it', async (t) => {
    const { get, requests } = await stage(t, harness, {}, { mount: '/api/v1' })
    t.equal((await get('/api/v1/bandwidth/token')).status, 200)
    t.equal((await get('/bandwidth/token')).status, 404)
    t.equal((await get('/api/v1/bandwidth/token', { 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal(requests(), 1)
  })

  t.test("uses a provider of the user's own, known by its shape, and does not close it", async (t) => {
    const provider = ownProvider('mine')
    const logger = recordingLogger()
    const server = await serve(t, harness, [{ provider, authorize, logger }])
    t.equal(server.providers[0] as unknown, provider)
    t.strictSame((await ask(`${server.origin}/bandwidth/token`)).json, {
      access_token: 'mine',
      token_type: 'Bearer',
      expires_in: 60
    })
    t.strictSame((await ask(`${server.origin}/app/token`)).json, { accessToken: 'mine' })
    await server.close()
    t.notOk(provider.isClosed)
  })

  t.test("hands on what a provider of the user's own throws, not to be kept", async (t) => {
    const provider = { getToken: () => Promise.reject(Object.assign(new Error('mine'), { status: 507 })) }
    const server = await serve(t, harness, [{ provider, authorize }])
    const answer = await ask(`${server.origin}/bandwidth/token`)
    t.equal(answer.status, 507)
    t.equal(answer.json.message, 'mine')
    isUncacheable(t, harness, answer)
  })

  t.test('refuses every option of the core but logger beside a provider', async (t) => {
    const dispatcher = { request: () => Promise.reject(new Error('never called')) }
    const clock = { now: Date.now, monotonic: Date.now, setTimeout, clearTimeout }
    for (const core of [
      { clientId: 'id' },
      { clientSecret: 'secret' },
      { credentials: () => ({ clientId: 'id', clientSecret: 'secret' }) },
      { network: 'us' },
      { tokenUrl: 'https://id.example/token' },
      { scope: '' },
      { refreshAheadMs: 30_000 },
      { expiryMarginMs: 10_000 },
      { timeoutMs: 4_000 },
      { deadlineMs: 10_000 },
      { maxTokens: 1_000 },
      { dispatcher },
      { clock }
    ]) {
      const [name] = Object.keys(core)
      await t.rejects(
        serve(t, harness, [{ provider: ownProvider('mine'), authorize, ...core }]),
        { code: INVALID, message: new RegExp(`"${name}".*"provider"`) },
        name as string
      )
    }
  })

  t.test('refuses a provider that has no getToken', async (t) => {
    for (const provider of [null, {}, 'provider', () => 'token', { getToken: 'token' }]) {
      await t.rejects(serve(t, harness, [{ provider, authorize }]), { code: INVALID, message: /"provider"/ })
    }
  })

  t.test('takes every option of the core', async (t) => {
    const scopes: (string | undefined)[] = []
    const { emulator, get } = await stage(t, harness, {
      scope: '',
      refreshAheadMs: 20_000,
      expiryMarginMs: 5_000,
      timeoutMs: 1_000,
      deadlineMs: 2_000,
      maxTokens: 3,
      network: 'us',
      logger: recordingLogger()
    })
    t.equal((await get()).status, 200)
    scopes.push(...emulator.received.map(({ scope }) => scope))
    t.strictSame(scopes, [undefined])
  })

  t.test("refuses what the core refuses, under the option's name", async (t) => {
    const emulator = await emulate(t)
    for (const wrong of [
      { timeoutMs: '4s' },
      { network: 'mars' },
      { tokenUrl: 'http://id.example/token' },
      { clientSecret: '' },
      { logger: {} },
      { account: 'acme' }
    ]) {
      const [name] = Object.keys(wrong)
      await t.rejects(
        serve(t, harness, [{ ...credentialsOf(emulator), authorize, ...wrong }]),
        { code: INVALID, message: new RegExp(`"${name}"`) },
        name as string
      )
    }
  })

  t.test('names a misspelt option with the right spelling', async (t) => {
    const emulator = await emulate(t)
    for (const [wrong, right] of [
      ['autorize', 'authorize'],
      ['Authorize', 'authorize'],
      ['allowedOrigin', 'allowedOrigins'],
      ...(isMounted(harness) ? [['decorate', 'decorateAs'] as const] : []),
      ['acount', 'account'],
      ['clientID', 'clientId'],
      ['timeoutMS', 'timeoutMs']
    ] as const) {
      await t.rejects(
        serve(t, harness, [{ ...credentialsOf(emulator), authorize, [wrong]: authorize }]),
        { code: INVALID, message: new RegExp(`"${wrong}".*"${right}"`) },
        wrong
      )
    }
    await t.rejects(serve(t, harness, [{ ...credentialsOf(emulator), authorize, colour: 'red' }]), {
      code: INVALID,
      message: /"colour".*authorize/
    })
  })

  t.test('takes an option that is undefined for one that is not there', async (t) => {
    const emulator = await emulate(t)
    const nothing = {
      ...(isMounted(harness) && { path: undefined }),
      account: undefined,
      provider: undefined,
      allowedOrigins: undefined
    }
    const { origin } = await serve(t, harness, [{ ...credentialsOf(emulator), authorize, ...nothing }])
    t.equal((await ask(`${origin}/bandwidth/token`)).status, 200)
  })

  t.test('never writes to the options', async (t) => {
    const emulator = await emulate(t)
    const given: AdapterOptions = {
      ...credentialsOf(emulator),
      authorize,
      allowedOrigins: ['https://a.example']
    }
    const before = Object.getOwnPropertyDescriptors(given)
    const server = await serve(t, harness, [given])
    await ask(`${server.origin}/bandwidth/token`)
    await server.close()
    t.strictSame(Object.getOwnPropertyDescriptors(given), before)
    t.strictSame(given.allowedOrigins, ['https://a.example'])
  })

  t.test('takes frozen options', async (t) => {
    const emulator = await emulate(t)
    const allowedOrigins = Object.freeze(['https://a.example'])
    const given = Object.freeze({ ...credentialsOf(emulator), authorize, allowedOrigins })
    const { origin } = await serve(t, harness, [given])
    t.equal((await ask(`${origin}/bandwidth/token`)).status, 200)
  })

  t.test('goes by the options as they were when it was made', async (t) => {
    const emulator = await emulate(t)
    const allowedOrigins: string[] = []
    const given: AdapterOptions = { ...credentialsOf(emulator), authorize: () => false, allowedOrigins }
    const { origin } = await serve(t, harness, [given])
    given.authorize = () => true
    allowedOrigins.push('https://evil.example')
    t.equal((await ask(`${origin}/bandwidth/token`)).status, 403)
    const { json } = await ask(`${origin}/bandwidth/token`, { headers: { origin: 'https://evil.example' } })
    t.equal(json.code, 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN')
  })

  t.test('does not see inherited options', async (t) => {
    const emulator = await emulate(t)
    const inherited = Object.assign(Object.create({ authorize }), credentialsOf(emulator))
    await t.rejects(serve(t, harness, [inherited]), { code: INVALID, message: /"authorize"/ })
  })

  t.test('does not see what pollutes the prototype of every object', async (t) => {
    const emulator = await emulate(t)
    const polluted = { authorize, account: () => 'evil', allowedOrigins: ['https://evil.example'] }
    const prototype = Object.prototype as unknown as Record<string, unknown>
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
    }
    try {
      await t.rejects(serve(t, harness, [credentialsOf(emulator)]), { code: INVALID }, 'authorize')
      const accounts: string[] = []
      const { origin } = await serve(t, harness, [
        {
          tokenUrl: emulator.tokenUrl,
          credentials: (account: string) => {
            accounts.push(account)
            return { clientId: emulator.clientId, clientSecret: emulator.clientSecret }
          },
          authorize: () => true
        }
      ])
      t.equal((await ask(`${origin}/bandwidth/token`)).status, 200)
      t.strictSame(accounts, [''], 'account')
      const foreign = { origin: 'https://evil.example' }
      t.equal((await ask(`${origin}/bandwidth/token`, { headers: foreign })).status, 403, 'allowedOrigins')
    } finally {
      for (const name of Object.keys(polluted)) delete prototype[name]
    }
  })
}
