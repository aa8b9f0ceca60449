import fc from 'fast-check'

/** What an option may be, and what it may not. */
export interface OptionValues {
  readonly good: fc.Arbitrary<unknown>
  readonly bad: fc.Arbitrary<unknown>
}

/** In what is wrong with an option, so that it can be seen whether a message repeats it. */
export const MARK = 'MARKED-4711'

const LONGEST_MS = 2_147_483_647

/** Whatever JavaScript has, but for `undefined`, which says that an option was not given. */
export const junk: fc.Arbitrary<unknown> = fc
  .oneof(
    fc.anything({ withBigInt: true, withBoxedValues: true, withDate: true, withNullPrototype: true }),
    fc.constantFrom(
      null,
      Number.NaN,
      -0,
      Symbol(MARK),
      () => MARK,
      class {},
      new Map(),
      /x/,
      new Proxy({}, {})
    )
  )
  .filter((value) => value !== undefined)

const junkBut = (...types: string[]) => junk.filter((value) => !types.includes(typeof value))
const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 30 })
)

function isControl(character: string): boolean {
  const code = character.charCodeAt(0)
  return code < 0x20 || (code >= 0x7f && code <= 0x9f)
}

const secrets = text.filter((secret) => ![...secret].some(isControl))
const clientIds = secrets.filter((id) => !id.includes(':'))

const duration = (least: number): OptionValues => ({
  good: fc.oneof(
    fc.integer({ min: least, max: LONGEST_MS }),
    fc.double({ min: least, max: 10_000, noNaN: true })
  ),
  bad: fc.oneof(
    fc.constantFrom(-1, -0.5, Number.NaN, Infinity, -Infinity, LONGEST_MS + 1, '5000', 5n, null, ''),
    fc.constant(least === 0 ? -1 : 0),
    junkBut('number')
  )
})

const withMethods = (...names: string[]): OptionValues => ({
  good: fc.constantFrom(
    Object.fromEntries(names.map((name) => [name, () => {}])),
    Object.create(Object.fromEntries(names.map((name) => [name, () => {}]))),
    Object.assign(() => {}, Object.fromEntries(names.map((name) => [name, () => {}])))
  ),
  bad: fc.oneof(
    fc.constantFrom(
      ...names.map((name) => Object.fromEntries(names.map((each) => [each, each === name ? MARK : () => {}])))
    ),
    junk
  )
})

const path = fc.constantFrom('', '/', '/token', '/a/b?c=d&e', '/%20', '/ä')
const secureHost = fc.oneof(
  fc.domain(),
  fc.constantFrom('localhost', '127.0.0.1:8443', '[::1]', '10.0.0.1', 'bücher.example')
)
const loopback = fc.oneof(
  fc.constantFrom(
    'localhost',
    'LOCALHOST:3000',
    '127.0.0.1',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '[::1]',
    'x.localhost'
  ),
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => `127.${parts.join('.')}`)
)
const elsewhere = fc.constantFrom(
  ...['localhost.evil.example', '127.0.0.1.evil.example', '127.evil.example', 'evil-localhost', 'localhost.'],
  ...[
    '0.0.0.0',
    '128.0.0.1',
    '10.0.0.1',
    '[::]',
    '[::2]',
    '[::ffff:10.0.0.1]',
    '[::1%25lo]',
    'id.example',
    '127.0.0.1@evil.example'
  ]
)

const tokenUrl: OptionValues = {
  good: fc
    .oneof(
      fc.tuple(fc.constant('https://'), secureHost, path),
      fc.tuple(fc.constant('http://'), loopback, path)
    )
    .map((parts) => parts.join('')),
  bad: fc.oneof(
    fc.tuple(fc.constant('http://'), elsewhere, path).map((parts) => parts.join('')),
    fc
      .tuple(
        fc.constantFrom('https://', 'http://'),
        fc.constant('localhost'),
        path,
        fc.constantFrom('#', '#x')
      )
      .map((parts) => parts.join('')),
    fc.constantFrom(
      `https://${MARK}@id.example/`,
      `https://a:${MARK}@id.example/`,
      `http://:${MARK}@localhost/`
    ),
    fc.constantFrom(
      `/${MARK}`,
      MARK,
      '',
      '//id.example',
      'https://',
      'https:// ',
      'ftp://id.example',
      'wss://localhost'
    ),
    fc.constantFrom(
      'javascript:0',
      'data:,x',
      'file:///x',
      'localhost:3000',
      'https://a b',
      'https://\ud800',
      null,
      5
    ),
    junkBut('string')
  )
}

const scopeWord = fc.stringMatching(/^[!#-[\]-~]{1,12}$/)
const scope: OptionValues = {
  good: fc.array(scopeWord, { maxLength: 4 }).map((words) => words.join(' ')),
  bad: fc.oneof(
    fc.constantFrom(
      ' ',
      ' a',
      'a ',
      'a  b',
      'a\tb',
      'a\nb',
      'a"b',
      'a\\b',
      'ä',
      '\u007f',
      '\u0000',
      '\ud800',
      null,
      5
    ),
    fc.tuple(scopeWord, fc.constantFrom('  ', '\n', '\u00a0', '"'), scopeWord).map((parts) => parts.join('')),
    junkBut('string')
  )
}

/** Contract 1.1, an option each. */
export const CORE: Readonly<Record<string, OptionValues>> = {
  clientId: {
    good: clientIds,
    bad: fc.oneof(
      fc.constantFrom('', ':', `${MARK}:x`, `${MARK}\n`, '\u0000', 'a\u007f', 'a\u0085'),
      junkBut('string')
    )
  },
  clientSecret: {
    good: secrets,
    bad: fc.oneof(fc.constantFrom('', `${MARK}\n`, `\t${MARK}`, 'a\u0000b', '\u0085'), junkBut('string'))
  },
  network: {
    good: fc.constantFrom('global', 'us'),
    bad: fc.oneof(
      fc.constantFrom('', 'US', 'Global', 'eu', 'toString', '__proto__', 'constructor', MARK),
      junkBut('string')
    )
  },
  tokenUrl,
  allowInsecureTokenUrl: {
    // Only the default: what it allows is tested with the token URL.
    good: fc.constant(false),
    bad: fc.oneof(fc.constantFrom('true', 1, 0, null, ''), junkBut('boolean'))
  },
  scope,
  refreshAheadMs: duration(0),
  expiryMarginMs: duration(0),
  timeoutMs: duration(1),
  deadlineMs: duration(1),
  maxTokens: {
    // Up to 1,000,000, for which the cache takes its memory at once.
    good: fc.integer({ min: 1, max: 2_000 }),
    bad: fc.oneof(
      fc.constantFrom(0, -1, 1.5, 1_000_001, Number.NaN, Infinity, '5', 5n, null),
      junkBut('number')
    )
  },
  dispatcher: withMethods('request'),
  logger: withMethods('debug', 'info', 'warn', 'error'),
  clock: withMethods('now', 'monotonic', 'setTimeout', 'clearTimeout')
}

const functions: OptionValues = {
  good: fc.constantFrom(
    () => true,
    async () => true,
    function named() {},
    class {}
  ),
  bad: fc.oneof(fc.constantFrom(null, true, 'authorize', MARK, {}), junkBut('function'))
}

const segment = fc.stringMatching(/^[A-Za-z0-9._~-]{1,8}$/).filter((text) => text !== '.' && text !== '..')
const property = fc.stringMatching(/^[A-Za-z_$][A-Za-z0-9_$]{0,10}$/)
const inherited = Object.getOwnPropertyNames(Object.prototype)

/** Contract 3.1 and section 2, the options of both adapters. */
export const ADAPTER: Readonly<Record<string, OptionValues>> = {
  path: {
    good: fc.oneof(
      fc.constantFrom('/', false),
      fc
        .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '/'))
        .map(([parts, end]) => `/${parts.join('/')}${end}`)
    ),
    bad: fc.oneof(
      fc.constantFrom(
        '',
        'token',
        '//',
        '/a//b',
        '/a b',
        '/:id',
        '/*',
        '/a*',
        '/{a}',
        '/(a)',
        '/a?',
        '/a?b=c',
        '/a#b'
      ),
      fc.constantFrom(
        '/%61',
        '/ä',
        '/a\n',
        '/a+',
        '/[a]',
        '/a|b',
        '/\\a',
        '/a!',
        '/a@b',
        '/../a',
        '/a/.',
        'https://app.example/a',
        true,
        null,
        /a/
      ),
      junkBut('string').filter((value) => value !== false)
    )
  },
  decorateAs: {
    good: property.filter((name) => !inherited.includes(name)),
    bad: fc.oneof(
      fc.constantFrom('', '1a', 'a b', 'a-b', 'a.b', 'ä', 'a\n', MARK, ...inherited),
      junkBut('string')
    )
  },
  authorize: functions,
  account: functions,
  allowedOrigins: {
    good: fc.subarray([
      'https://a.example',
      'http://localhost:3000',
      'capacitor://localhost',
      'https://[::1]:8443'
    ]),
    bad: fc.oneof(
      fc.constantFrom('https://a.example', new Set(['https://a.example']), { length: 0 }, null, true),
      fc.constantFrom(
        [null],
        ['*'],
        ['null'],
        [''],
        [/./],
        ['https://a.example', 5],
        [['https://a.example']]
      ),
      fc.constantFrom(['https://a.example/'], [`https://${MARK}.example`], ['https://a.example:443']),
      junk.filter((value) => !Array.isArray(value))
    )
  }
}

/** The accounts that a caller may name, and what is none. */
export const accounts = fc.oneof(
  fc.constantFrom(undefined, '', 'a', '__proto__', 'x'.repeat(256), 'x'.repeat(257), '\ud800', null, 5, [
    'a'
  ]),
  fc.string({ unit: 'binary', maxLength: 300 }),
  junk
)
export const isAccount = (value: unknown) =>
  value === undefined || (typeof value === 'string' && value.length < 257)
