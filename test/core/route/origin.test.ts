import fc from 'fast-check'
import t from 'tap'
import { isOriginAllowed, isSerializedOrigin, nodeHeaders } from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))

t.test('the origin of a request', async (t) => {
  const HOSTS = ['app.example', 'app.example:8443', 'other.example', 'evil.example'] as const
  const host = fc.constantFrom(...HOSTS)
  const origin = fc.oneof(
    fc.constantFrom(
      undefined,
      '',
      'null',
      'https://app.example.evil.example',
      'app.example',
      'https://APP.example',
      // What a missing host would be taken for.
      'https://undefined'
    ),
    fc.tuple(fc.constantFrom('https', 'http', 'ftp'), host).map(([scheme, host]) => `${scheme}://${host}`)
  )
  const site = fc.constantFrom(
    undefined,
    '',
    'same-origin',
    'none',
    'same-site',
    'cross-site',
    'Same-Origin',
    'NONE',
    'same-origin, cross-site'
  )
  const allowed = fc.uniqueArray(fc.constantFrom('https://other.example', 'https://app.example:8443'))
  const optional = fc.option(host, { nil: undefined })

  /** Go's `CrossOriginProtection.Check`, in its own order. */
  function check(headers: Record<string, string | undefined>, allowedOrigins: readonly string[]): boolean {
    const origin = headers['origin'] ?? ''
    const isTrusted = allowedOrigins.includes(origin)
    switch (headers['sec-fetch-site'] ?? '') {
      case '':
        break
      case 'same-origin':
      case 'none':
        return true
      default:
        return isTrusted
    }
    if (origin === '') return true
    const host = headers[':authority'] ?? headers['host']
    return isTrusted || (/^https?:/.test(origin) && origin.replace(/^https?:\/\//, '') === host)
  }

  t.test("is judged as Go's CrossOriginProtection does", async () => {
    fc.assert(
      fc.property(
        site,
        origin,
        optional,
        optional,
        host,
        allowed,
        (site, origin, host, authority, forwarded, allowed) => {
          const headers = {
            ...(site !== undefined && { 'sec-fetch-site': site }),
            ...(origin !== undefined && { origin }),
            ...(host !== undefined && { host }),
            ...(authority !== undefined && { ':authority': authority }),
            'x-forwarded-host': forwarded,
            forwarded: `host=${forwarded}`
          }
          return isOriginAllowed(nodeHeaders(headers), new Set(allowed)) === check(headers, allowed)
        }
      )
    )
  })

  t.test('of another site is refused whatever else it says', async () => {
    fc.assert(
      fc.property(fc.constantFrom('same-site', 'cross-site'), origin, host, (site, origin, host) => {
        const headers = { 'sec-fetch-site': site, host, ...(origin !== undefined && { origin }) }
        return !isOriginAllowed(nodeHeaders(headers), new Set())
      })
    )
  })
})

t.test('an origin in its serialized form', async (t) => {
  const origin = fc
    .webUrl({ authoritySettings: { withPort: true, withIPv4: true, withIPv6: true } })
    .map((url) => new URL(url).origin)

  t.test('is what a URL says of itself', async () => {
    fc.assert(fc.property(origin, (origin) => isSerializedOrigin(origin)))
  })

  t.test('has nothing before, after or between', async () => {
    const extra = fc.constantFrom('/', '/path', '?query', '#fragment', '/*', ' ', '\n', '\\', '@', '*')
    fc.assert(
      fc.property(origin, extra, (origin, extra) => {
        return !isSerializedOrigin(origin + extra) && !isSerializedOrigin(extra + origin)
      })
    )
  })

  t.test('has no capital letter, default port, user or other spelling', async (t) => {
    for (const value of [
      'https://App.example',
      'HTTPS://app.example',
      'https://app.example:443',
      'http://app.example:80',
      'https://app.example:08443',
      'https://user@app.example',
      'https://user:pw@app.example',
      'https://größe.example',
      'https://127.1',
      'https://0x7f.0.0.1',
      'https://[0:0::1]',
      'https://*.example',
      'https://',
      'https:app.example',
      'app.example',
      '//app.example',
      'null',
      '*',
      '',
      'chrome-extension://ABC',
      'capacitor://',
      ' capacitor://localhost',
      'https://app.example:99999',
      'mailto:a@app.example',
      'file:///',
      undefined,
      null,
      7,
      {},
      [],
      ['https://app.example'],
      ['capacitor://localhost'],
      new URL('https://app.example')
    ]) {
      t.notOk(isSerializedOrigin(value), String(value))
    }
    for (const value of [
      'https://app.example',
      'http://app.example',
      'https://app.example:8443',
      'http://localhost:3000',
      'http://127.0.0.1:3000',
      'http://[::1]:3000',
      'https://xn--gre-6ka8i.example',
      'chrome-extension://abc',
      'capacitor://localhost',
      'web+app://localhost',
      'x://localhost',
      'https://app.example:80'
    ]) {
      t.ok(isSerializedOrigin(value), value)
    }
  })

  t.test('is told of any text without a throw', async () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.anything()), (value) => typeof isSerializedOrigin(value) === 'boolean')
    )
  })
})
