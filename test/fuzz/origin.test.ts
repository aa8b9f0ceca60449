import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { isOriginAllowed, isSerializedOrigin, nodeHeaders } from '../support/core-internals.js'
import { ALLOWED, mayPass, provenance } from './cross-origin.js'
import { runs } from './settings.js'

/** As Node hands them over: a header that is not there is no property. */
function headersOf(fields: Record<string, string | undefined>) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

t.test('lets pass whom an independent reading of the rule lets pass, and nobody else', async () => {
  fc.assert(
    fc.property(provenance, fc.subarray(ALLOWED), (from, allowed) => {
      const headers = headersOf({ host: from.host, origin: from.origin, 'sec-fetch-site': from.site })
      assert.equal(isOriginAllowed(nodeHeaders(headers), new Set(allowed)), mayPass(from, allowed))
    }),
    runs(40_000)
  )
})

t.test('takes the authority of HTTP/2 for the host, whatever Host says', async () => {
  fc.assert(
    fc.property(provenance, fc.domain(), (from, host) => {
      const fields = { ':authority': from.host, host, origin: from.origin, 'sec-fetch-site': from.site }
      assert.equal(isOriginAllowed(nodeHeaders(headersOf(fields)), new Set()), mayPass(from, []))
    }),
    runs(10_000)
  )
})

t.test('believes no other header', async () => {
  const name = fc.constantFrom(
    'x-forwarded-host',
    'forwarded',
    'x-original-host',
    'referer',
    'x-forwarded-proto'
  )
  fc.assert(
    fc.property(
      provenance,
      fc.dictionary(name, fc.constantFrom(...ALLOWED, 'evil.example')),
      (from, more) => {
        const fields = { ...more, host: from.host, origin: from.origin, 'sec-fetch-site': from.site }
        assert.equal(isOriginAllowed(nodeHeaders(headersOf(fields)), new Set()), mayPass(from, []))
      }
    ),
    runs(10_000)
  )
})

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/)
const domain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const serialized = fc.record({
  scheme: fc.constantFrom('https', 'http'),
  host: fc.oneof(domain, fc.ipV4(), fc.constantFrom('[::1]', '[2001:db8::1]', 'xn--bcher-kva.example')),
  port: fc.oneof(
    fc.constant(''),
    fc.integer({ min: 1, max: 65_535 }).map((port) => `:${port}`)
  )
})
const isDefault = ({ scheme, port }: { scheme: string; port: string }) =>
  port === (scheme === 'https' ? ':443' : ':80')

t.test('takes an allowed origin as a browser writes it and in no other way', async () => {
  fc.assert(
    fc.property(serialized, fc.nat(), (parts, which) => {
      const { scheme, host, port } = parts
      const origin = `${scheme}://${host}${port}`
      assert.equal(isSerializedOrigin(origin), !isDefault(parts), origin)
      const others = [
        `${origin}/`,
        `${origin}?`,
        `${origin}#`,
        `${origin}/path`,
        ` ${origin}`,
        `${origin}\n`,
        `${origin},${origin}`,
        `${scheme}://user@${host}${port}`,
        `${scheme}://*.${host}${port}`,
        `${scheme}:${host}${port}`,
        `${scheme}://${host}:`,
        `${scheme}://${host}:0${port.slice(1) || 1}`,
        `${scheme}://${host}:65536`,
        `${scheme}:\\\\${host}${port}`,
        `${scheme.toUpperCase()}://${host}${port}`,
        `${scheme}://${host}.example.%41${port}`,
        `${scheme}://bücher.${host}${port}`,
        `${host}${port}`,
        `//${host}${port}`
      ]
      const other = others[which % others.length] as string
      assert.equal(isSerializedOrigin(other), false, other)
    }),
    runs(10_000)
  )
})

t.test('takes nothing for an allowed origin that is no text', async () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      if (typeof value !== 'string') assert.equal(isSerializedOrigin(value), false)
    }),
    runs(5_000)
  )
})
