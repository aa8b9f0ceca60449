import fc from 'fast-check'

/** What a request says of where it comes from; `undefined` is a header that is not there. */
export interface Provenance {
  readonly site: string | undefined
  readonly origin: string | undefined
  readonly host: string | undefined
}

export const ALLOWED = ['https://trusted.example', 'http://localhost:8080', 'capacitor://localhost']

/**
 * Contract 3.2, read anew after Go's `net/http` `CrossOriginProtection.Check`, whose `Header.Get` knows no difference
 * between a header that is absent and one that is empty.
 */
export function mayPass({ site = '', origin = '', host }: Provenance, allowed: readonly string[]): boolean {
  switch (site) {
    case 'same-origin':
    case 'none':
      return true
    case '':
      if (origin === '' || authorityOf(origin) === host) return true
  }
  return allowed.some((each) => each === origin)
}

/** The host and port of an origin as `Origin` has it: a web page's, hence of http or https, and nothing behind. */
function authorityOf(origin: string): string | null {
  const [scheme, authority, ...more] = origin.split('//')
  const isWeb = scheme === 'http:' || scheme === 'https:'
  return isWeb && authority !== undefined && more.length === 0 ? authority : null
}

const hosts = fc.oneof(
  fc.constantFrom(
    'app.example',
    'app.example:8443',
    'localhost:3000',
    '127.0.0.1:80',
    '[::1]:3000',
    'APP.example'
  ),
  fc.domain(),
  fc.ipV6().map((address) => `[${address}]`)
)

/** An origin that has something of the host in it, as an enemy would have it registered or written. */
const nearly = (host: string) =>
  fc.constantFrom(
    `https://${host}`,
    `http://${host}`,
    ...['ftp', 'ws', 'HTTPS', 'null', 'javascript'].map((scheme) => `${scheme}://${host}`),
    ...[`${host}.evil.example`, `evil-${host}`, `evil.${host}`, `${host}:8443`, `${host}:443`, `${host}.`],
    ...['/', '/path', '?', '#', ' ', '%00', '\\'].map((end) => `https://${host}${end}`),
    ...[
      `https://evil.example/${host}`,
      `https://evil.example?https://${host}`,
      `https:/${host}`,
      `https:${host}`
    ],
    ...[`https://${host}@evil.example`, `https://user@${host}`, `https://${host}, https://evil.example`],
    ...[`//${host}`, host, `https://${host.toUpperCase()}`, `https://https://${host}`, `http://${host}//`]
  )

const odd = fc.oneof(
  fc.constantFrom('null', 'https://', 'http://', '//', 'undefined', '*', 'https://*', 'https://evil.example'),
  fc.webUrl(),
  fc.stringMatching(/^[!-~\x80-\xff]{0,30}$/)
)

const sites = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  fc.constantFrom('same-origin', 'none', 'same-site', 'cross-site', ''),
  fc.constantFrom(
    'Same-Origin',
    'NONE',
    'same-origin, cross-site',
    'none;',
    '"none"',
    'sameorigin',
    'nearby'
  ),
  fc.stringMatching(/^[!-~\x80-\xff]{0,20}$/)
)

/** Requests of pages, of programs and of enemies. */
export const provenance: fc.Arbitrary<Provenance> = hosts.chain((host) =>
  fc.record({
    host: fc.oneof({ weight: 9, arbitrary: fc.constant(host) }, odd),
    site: sites,
    origin: fc.oneof(
      fc.constantFrom(undefined, ''),
      fc.constantFrom(...ALLOWED, ...ALLOWED.map((origin) => `${origin}/`), 'https://sub.trusted.example'),
      nearly(host),
      fc.constantFrom(...ALLOWED).chain((origin) => nearly(origin.split('//')[1] as string)),
      odd
    )
  })
)
