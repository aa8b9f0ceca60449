import type { Test } from 'tap'
import { credentialsOf, type Harness, isMounted, serve, stage } from '../support/adapters-harness.js'

const HOST = 'app.example'
const TRUSTED = 'https://trusted.example'

/** The cases of Go's `net/http` `TestCrossOriginProtection…`, with the answers that it has for a POST. */
const CASES: readonly (readonly [name: string, headers: Record<string, string>, passes: boolean])[] = [
  ['same-origin', { 'sec-fetch-site': 'same-origin' }, true],
  [
    'same-origin, whatever the Origin',
    { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
    true
  ],
  ['none', { 'sec-fetch-site': 'none' }, true],
  ['cross-site', { 'sec-fetch-site': 'cross-site' }, false],
  ['same-site', { 'sec-fetch-site': 'same-site' }, false],
  ['cross-site with an Origin', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
  ['same-site with an Origin', { 'sec-fetch-site': 'same-site', origin: 'https://sub.app.example' }, false],
  ['cross-site with the own Origin', { 'sec-fetch-site': 'cross-site', origin: `https://${HOST}` }, false],
  ['same-site with the own Origin', { 'sec-fetch-site': 'same-site', origin: `https://${HOST}` }, false],
  ['an unknown site', { 'sec-fetch-site': 'nearby' }, false],
  ['a doubled site', { 'sec-fetch-site': 'same-origin, cross-site' }, false],
  ['no header at all', {}, true],
  ['the own Origin', { origin: `https://${HOST}` }, true],
  ['the own Origin behind a proxy that ends TLS', { origin: `http://${HOST}` }, true],
  ['a foreign Origin', { origin: 'https://evil.example' }, false],
  ['the Origin null', { origin: 'null' }, false],
  ['an Origin that begins like the own', { origin: `https://${HOST}.evil.example` }, false],
  ['an Origin that ends like the own', { origin: `https://evil-${HOST}` }, false],
  ['an Origin with the own host as user', { origin: `https://${HOST}@evil.example` }, false],
  ['the own host on another port', { origin: `https://${HOST}:8443` }, false],
  ['an allowed Origin', { origin: TRUSTED }, true],
  ['an allowed Origin, cross-site', { 'sec-fetch-site': 'cross-site', origin: TRUSTED }, true],
  ['an allowed Origin, same-site', { 'sec-fetch-site': 'same-site', origin: TRUSTED }, true],
  ['an allowed host by http', { 'sec-fetch-site': 'cross-site', origin: 'http://trusted.example' }, false],
  ['an allowed host on another port', { origin: `${TRUSTED}:8443` }, false],
  ['a subdomain of an allowed host', { origin: 'https://sub.trusted.example' }, false],
  ['an Origin that begins like an allowed one', { origin: `${TRUSTED}.evil.example` }, false],
  ['an allowed Origin among others', { origin: `https://evil.example, ${TRUSTED}` }, false]
]

/** Section 3.2: the origin check. */
export function origins(t: Test, harness: Harness): void {
  t.test('follows the rule of Go, for GET and HEAD', async (t) => {
    const { server, get, requests } = await stage(t, harness, { allowedOrigins: [TRUSTED] })
    await server.providers[0]?.warmUp()
    for (const [name, headers, passes] of CASES) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await get('/bandwidth/token', { host: HOST, ...headers }, method)
        t.equal(answer.status, passes ? 200 : 403, `${method}: ${name} ${passes ? 'passes' : 'is refused'}`)
      }
    }
    t.equal(requests(), 1)
  })

  t.test('compares the port of its own host too', async (t) => {
    const { server, get } = await stage(t, harness)
    t.equal((await get('/bandwidth/token', { origin: server.origin })).status, 200)
    t.equal((await get('/bandwidth/token', { origin: 'http://127.0.0.1' })).status, 403)
  })

  t.test('refuses with an error that names allowedOrigins, before anybody is asked', async (t) => {
    const asked: string[] = []
    const { get, requests } = await stage(t, harness, {
      authorize: () => asked.push('authorize') > 0,
      account: () => `${asked.push('account')}`
    })
    const { status, headers, json } = await get('/bandwidth/token', { origin: 'https://evil.example' })
    t.equal(status, 403)
    t.equal(json.code, 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN')
    t.match(json.message, /allowedOrigins/)
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['pragma'], 'no-cache')
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.strictSame(asked, [])
    t.equal(requests(), 0)
  })

  t.test('refuses with errors that have a message and no stack frames', async (t) => {
    const { server, get } = await stage(t, harness, { authorize: () => false })
    await get()
    await get('/bandwidth/token', { origin: 'https://evil.example' })
    // A handler that the app mounts answers them itself.
    t.equal(server.errors.length, isMounted(harness) ? 2 : 0)
    for (const error of server.errors as Error[]) {
      t.ok(error instanceof Error)
      t.equal(error.stack, `BandwidthTokenError: ${error.message}`)
    }
  })

  for (const trustProxy of [false, true]) {
    t.test(`believes no forwarded header ${trustProxy ? 'even if the app does' : 'at all'}`, async (t) => {
      const { get } = await stage(t, harness, {}, { trustProxy })
      for (const forwarded of [
        { 'x-forwarded-host': 'evil.example' },
        { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
        { forwarded: 'host=evil.example;proto=https' },
        { 'x-original-host': 'evil.example' },
        { 'x-host': 'evil.example' }
      ]) {
        const headers = { host: HOST, origin: 'https://evil.example', ...forwarded }
        t.equal((await get('/bandwidth/token', headers)).status, 403, Object.keys(forwarded).join(' and '))
      }
      const own = { host: HOST, origin: `https://${HOST}`, 'x-forwarded-host': 'inner.example' }
      t.equal((await get('/bandwidth/token', own)).status, 200, 'nor against the host')
    })
  }

  t.test('reads headers of the request only, not of what pollutes every object', async (t) => {
    const { get } = await stage(t, harness)
    const polluted = { 'sec-fetch-site': 'same-origin', ':authority': 'evil.example' }
    const prototype = Object.prototype as unknown as Record<string, unknown>
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
    }
    try {
      for (const headers of [
        { host: HOST, origin: 'https://evil.example' },
        { host: HOST, 'sec-fetch-site': 'cross-site' }
      ] as Record<string, string>[]) {
        t.equal((await get('/bandwidth/token', headers)).status, 403, Object.keys(headers).join(' and '))
      }
      t.equal((await get('/bandwidth/token', { host: HOST, origin: `https://${HOST}` })).status, 200)
    } finally {
      for (const name of Object.keys(polluted)) delete prototype[name]
    }
  })

  t.test("leaves the app's own routes alone", async (t) => {
    const { get } = await stage(t, harness)
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    t.equal((await get('/app/plain', foreign)).status, 200)
    t.equal((await get('/app/token', foreign)).status, 200)
  })

  t.test('takes allowedOrigins only as a browser writes them', async (t) => {
    const { emulator } = await stage(t, harness)
    for (const allowedOrigins of [
      ['https://app.example/'],
      ['https://app.example/path'],
      ['https://app.example:443'],
      ['http://app.example:80'],
      ['https://APP.example'],
      ['https://*.app.example'],
      ['app.example'],
      ['*'],
      ['null'],
      [''],
      [TRUSTED, 5],
      [/app/],
      TRUSTED,
      new Set([TRUSTED]),
      true
    ]) {
      const options = { ...credentialsOf(emulator), authorize: () => true, allowedOrigins }
      await t.rejects(
        serve(t, harness, [options]),
        { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: /allowedOrigins/ },
        JSON.stringify(allowedOrigins)
      )
    }
    const allowedOrigins = ['https://app.example:8443', 'http://localhost:3000', 'capacitor://localhost']
    await serve(t, harness, [{ ...credentialsOf(emulator), authorize: () => true, allowedOrigins }])
  })
}
