import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { MockAgent } from 'undici'
import { startEndpoint } from '../support/endpoint.js'
import { memoryTokenStore } from '../support/memory-token-store.js'
import { rejection, thrownBy } from '../support/outcomes.js'
import { recordingLogger } from '../support/recording-logger.js'
import { shiftableClock } from '../support/shiftable-clock.js'

const CREDENTIALS = { clientId: 'client', clientSecret: 'secret' }
const ENVIRONMENT = ['BW_CLIENT_ID', 'BW_CLIENT_SECRET', 'BW_TOKEN_URL']
/** Part of every bad text below: no message may repeat it. */
const VALUE = 'hunter2'

t.beforeEach(() => {
  for (const name of ENVIRONMENT) delete process.env[name]
})

function provide(t: Test, options: unknown = CREDENTIALS): TokenProvider {
  const provider = new TokenProvider(options as TokenProviderOptions)
  t.teardown(() => provider.close())
  return provider
}

/** Fails unless the error is the one for that option, of that type, and keeps the value to itself. */
function isOptionError(t: Test, error: Error & Record<string, unknown>, name: string, got: string): void {
  const what = `${name}: ${got}`
  t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', what)
  t.equal(error['statusCode'], 500, what)
  t.ok(error.message.startsWith(`Invalid option "${name}": expected `), error.message)
  t.ok(error.message.endsWith(`; got ${got}.`), error.message)
  t.notOk(error.message.includes(VALUE), what)
  t.equal(error.cause, undefined, what)
}

function throwsFor(t: Test, options: unknown, name: string, got: string): string {
  const error = thrownBy(() => new TokenProvider(options as TokenProviderOptions))
  isOptionError(t, error, name, got)
  return error.message
}

const WRONG_TYPES: readonly [value: unknown, got: string][] = [
  [null, 'null'],
  [true, 'a boolean'],
  [1n, 'a bigint'],
  [Symbol(VALUE), 'a symbol'],
  [[], 'an array'],
  [[VALUE], 'an array'],
  [{}, 'an object'],
  [{ toString: () => VALUE }, 'an object']
]
const NUMBERS: typeof WRONG_TYPES = [
  [7, 'a number'],
  [Number.NaN, 'NaN']
]
const NO_DURATIONS: typeof WRONG_TYPES = [
  ...WRONG_TYPES,
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, 'a number'],
  [Number.NEGATIVE_INFINITY, 'a number'],
  [-1, 'a number'],
  [-0.001, 'a number'],
  [2 ** 31, 'a number'],
  ['', 'an empty string'],
  ['1000', 'a string'],
  [VALUE, 'a string'],
  [() => 1000, 'a function']
]
const texts = (...values: string[]): typeof WRONG_TYPES =>
  values.map((value) => [value, value === '' ? 'an empty string' : 'a string'])
/** Texts with a control character, and what a message says of them. */
const CONTROLLED: typeof WRONG_TYPES = [
  [`${VALUE}\n`, 'a string that ends with a line break'],
  [`${VALUE}\r\n`, 'a string that ends with a line break'],
  [`\r${VALUE}`, 'a string that begins with a line break'],
  [`${VALUE}\t`, 'a string that ends with a tab'],
  [`\n${VALUE}`, 'a string that begins with a line break'],
  [`\0${VALUE}`, 'a string that begins with a control character'],
  [`${VALUE}\x7f`, 'a string that ends with a control character'],
  [`${VALUE}\x85`, 'a string that ends with a control character'],
  [`${VALUE}\n${VALUE}`, 'a string that contains a line break'],
  ['\n', 'a string that ends with a line break']
]
const noFunction: [unknown, string] = [() => VALUE, 'a function']

interface Cases {
  readonly bad: readonly (readonly [value: unknown, got: string])[]
  readonly good: readonly unknown[]
  /** What the message says to do. */
  readonly fix: string
}

const method = () => {}
const logger = { debug: method, info: method, warn: method, error: method }
const clock = shiftableClock()
const without = (object: object, name: string) => ({ ...object, [name]: undefined })

const OPTIONS: Readonly<Record<keyof TokenProviderOptions, Cases>> = {
  clientId: {
    fix: 'without ":" and control characters',
    bad: [...WRONG_TYPES, ...NUMBERS, noFunction, ...texts('', `${VALUE}:`, ':'), ...CONTROLLED],
    good: ['a', 'größe', 'with space', '%3A', '🔑']
  },
  clientSecret: {
    fix: 'a non-empty string without control characters',
    bad: [...WRONG_TYPES, ...NUMBERS, noFunction, ...texts(''), ...CONTROLLED],
    good: ['a', 'with:colon', ' ', 'пароль']
  },
  credentials: {
    fix: 'a function of the account that returns { clientId, clientSecret }',
    bad: [
      ...WRONG_TYPES,
      ...NUMBERS,
      ...texts('', VALUE),
      [{ clientId: VALUE, clientSecret: VALUE }, 'an object']
    ],
    good: [() => CREDENTIALS, async () => CREDENTIALS]
  },
  network: {
    fix: '"global" or "us"',
    bad: [
      ...WRONG_TYPES,
      ...NUMBERS,
      noFunction,
      [['us'], 'an array'],
      ...texts('', VALUE, 'US', 'eu', 'toString', '__proto__', 'constructor')
    ],
    good: ['global', 'us']
  },
  tokenUrl: {
    fix:
      'an https: URL without user name, password and fragment; http: is for loopback hosts, or needs ' +
      '"allowInsecureTokenUrl"',
    bad: [
      ...WRONG_TYPES,
      ...NUMBERS,
      noFunction,
      [new URL('https://id.example'), 'an object'],
      ...texts(
        '',
        VALUE,
        '/token',
        '//id.example/token',
        'https://',
        'http://id.example/token',
        'http://localhost.example/token',
        'http://127.0.0.1.example/token',
        'http://127.example/token',
        'http://10.0.0.1/token',
        'http://0.0.0.0/token',
        'http://[::2]/token',
        'http://notlocalhost/token',
        'http://.localhost/token',
        'ftp://id.example/token',
        'ws://localhost/token',
        'file:///token',
        `javascript:${VALUE}`,
        `data:,${VALUE}`,
        `https://${VALUE}@id.example/token`,
        `https://user:${VALUE}@id.example/token`,
        `https://:${VALUE}@id.example/token`,
        `https://id.example/token#${VALUE}`,
        'https://id.example/token#'
      )
    ],
    good: [
      'https://id.example',
      'https://id.example:8443/token?tenant=a',
      'HTTPS://ID.EXAMPLE/token',
      'https://10.0.0.1/token',
      'http://localhost/token',
      'http://LOCALHOST:3000/token',
      'http://id.localhost/token',
      'http://127.0.0.1:3000/token',
      'http://127.1.2.3/token',
      'http://[::1]:3000/token'
    ]
  },
  scope: {
    fix: 'a string of scopes with one space between them, or an empty one to send none',
    bad: [
      ...WRONG_TYPES,
      ...NUMBERS,
      noFunction,
      ...texts(
        ' ',
        ` ${VALUE}`,
        `${VALUE} `,
        `a  ${VALUE}`,
        `a\n${VALUE}`,
        `"${VALUE}"`,
        'a\\b',
        'größe',
        'a\tb'
      )
    ],
    good: ['', 'voice.webrtc', 'a b c', 'https://api.example/scope', '!#[]~']
  },
  allowInsecureTokenUrl: {
    fix: 'true or false',
    bad: [
      ...WRONG_TYPES.filter(([, got]) => got !== 'a boolean'),
      ...NUMBERS,
      noFunction,
      ...texts('', VALUE)
    ],
    good: [true, false]
  },
  refreshAheadMs: {
    fix: 'a number of milliseconds',
    bad: NO_DURATIONS,
    good: [10_000, 2 ** 31 - 1, 10_000.5]
  },
  expiryMarginMs: { fix: 'a number of milliseconds', bad: NO_DURATIONS, good: [0, 1, 0.5, 30_000] },
  timeoutMs: {
    fix: 'a number of milliseconds above 0',
    bad: [...NO_DURATIONS, [0, 'a number'], [-0, 'a number']],
    good: [1, 2 ** 31 - 1]
  },
  deadlineMs: {
    fix: 'a number of milliseconds above 0',
    bad: [...NO_DURATIONS, [0, 'a number'], [-0, 'a number']],
    good: [1, 2 ** 31 - 1]
  },
  store: {
    fix: 'a TokenStore',
    bad: [
      ['redis', 'a string'],
      [{}, 'an object'],
      [{ get() {}, set() {} }, 'an object']
    ],
    good: []
  },
  storeKeys: {
    fix: 'randomBytes(32)',
    bad: [
      ['A'.repeat(43), 'a string'],
      [[], 'an array'],
      [['A'.repeat(42)], 'an array whose entry [0] is a string'],
      [['A'.repeat(43), 'A'.repeat(45)], 'an array whose entry [1] is a string'],
      [[`${'A'.repeat(42)}!`], 'an array whose entry [0] is a string'],
      [[7], 'an array whose entry [0] is a number'],
      [[['A'.repeat(43)]], 'an array whose entry [0] is an array'],
      // biome-ignore lint/suspicious/noSparseArray: a hole is no key
      [['A'.repeat(43), , 'A'.repeat(43)], 'an array whose entry [1] is undefined']
    ],
    good: []
  },
  maxTokens: {
    fix: 'a whole number from 1',
    bad: [...NO_DURATIONS, [0, 'a number'], [1.5, 'a number'], [1_000_001, 'a number']],
    good: [1, 1_000_000]
  },
  dispatcher: {
    fix: 'an undici Dispatcher',
    bad: [...WRONG_TYPES, ...NUMBERS, noFunction, ...texts('', VALUE), [{ request: VALUE }, 'an object']],
    good: [new MockAgent(), { request: method }, Object.assign(() => {}, { request: method })]
  },
  logger: {
    fix: 'a logger with the methods debug, info, warn and error',
    bad: [
      ...WRONG_TYPES,
      ...NUMBERS,
      noFunction,
      ...texts('', VALUE),
      ...Object.keys(logger).map((name) => [without(logger, name), 'an object'] as const)
    ],
    good: [logger, console, Object.create(logger)]
  },
  clock: {
    fix: 'a clock with the methods now, monotonic, setTimeout and clearTimeout',
    bad: [
      ...WRONG_TYPES,
      ...NUMBERS,
      noFunction,
      ...texts('', VALUE),
      [Date, 'a function'],
      ...['now', 'monotonic', 'setTimeout', 'clearTimeout'].map(
        (name) => [without(clock, name), 'an object'] as const
      )
    ],
    good: [clock, Object.create(clock)]
  }
}

for (const [name, { bad, good, fix }] of Object.entries(OPTIONS)) {
  const others = name === 'credentials' ? {} : CREDENTIALS

  t.test(`refuses a bad ${name} and names the fix`, async (t) => {
    for (const [value, got] of bad) {
      const message = throwsFor(t, { ...others, [name]: value }, name, got)
      t.ok(message.includes(fix), message)
    }
  })

  t.test(`takes a good ${name}`, async (t) => {
    for (const value of good) {
      t.doesNotThrow(() => provide(t, { ...others, [name]: value }), String(value))
    }
  })

  t.test(`takes an undefined ${name} for none`, async (t) => {
    Object.assign(process.env, { BW_CLIENT_ID: 'env-id', BW_CLIENT_SECRET: 'env-secret' })
    t.doesNotThrow(() => provide(t, { ...others, [name]: undefined }))
  })
}

t.test('refuses options that are no object', async (t) => {
  for (const [value, got] of [...WRONG_TYPES, ...NUMBERS, ...texts('', VALUE), noFunction]) {
    if (got === 'an object') continue
    throwsFor(t, value, 'options', got)
  }
})

t.test('takes no options at all from an environment that has the credentials', async (t) => {
  Object.assign(process.env, { BW_CLIENT_ID: 'id', BW_CLIENT_SECRET: 'secret' })
  t.doesNotThrow(() => new TokenProvider())
  t.doesNotThrow(() => provide(t, {}))
  t.doesNotThrow(() => provide(t, Object.create(null)))
})

t.test('names a missing credential and both ways to give it', async (t) => {
  for (const [options, name, variable] of [
    [{}, 'clientId', 'BW_CLIENT_ID'],
    [{ clientId: 'id' }, 'clientSecret', 'BW_CLIENT_SECRET'],
    [{ clientSecret: 'secret' }, 'clientId', 'BW_CLIENT_ID'],
    [{ clientId: undefined, clientSecret: 'secret' }, 'clientId', 'BW_CLIENT_ID']
  ] as const) {
    const message = throwsFor(t, options, name, 'undefined')
    t.ok(message.includes(`pass the option or set ${variable} in the environment`), message)
  }
})

t.test('refuses bad values in the environment without showing them', async (t) => {
  process.env['BW_CLIENT_SECRET'] = VALUE
  const inEnvironment = CONTROLLED.filter(([value]) => !String(value).includes('\0'))
  for (const [value, got] of [...texts('', `${VALUE}:`), ...inEnvironment]) {
    process.env['BW_CLIENT_ID'] = value as string
    t.match(throwsFor(t, {}, 'clientId', got), 'BW_CLIENT_ID')
  }
  process.env['BW_CLIENT_ID'] = 'id'
  for (const [value, got] of inEnvironment) {
    process.env['BW_CLIENT_SECRET'] = value as string
    t.match(throwsFor(t, {}, 'clientSecret', got), 'expected BW_CLIENT_SECRET in the environment to be')
  }
  process.env['BW_CLIENT_ID'] = 'id'
  process.env['BW_CLIENT_SECRET'] = ''
  t.match(throwsFor(t, {}, 'clientSecret', 'an empty string'), 'BW_CLIENT_SECRET')
  for (const [value, got] of texts(
    VALUE,
    'http://id.example',
    `https://${VALUE}@id.example`,
    'https://a.example#'
  )) {
    process.env['BW_TOKEN_URL'] = value as string
    t.match(throwsFor(t, CREDENTIALS, 'BW_TOKEN_URL', got), OPTIONS.tokenUrl.fix)
  }
})

t.test('ignores a bad environment where the option is given', async (t) => {
  Object.assign(process.env, { BW_CLIENT_ID: ':', BW_CLIENT_SECRET: '', BW_TOKEN_URL: 'nowhere' })
  t.doesNotThrow(() => provide(t, { ...CREDENTIALS, tokenUrl: 'https://id.example' }))
  t.doesNotThrow(() => provide(t, { credentials: () => CREDENTIALS, tokenUrl: 'https://id.example' }))
})

t.test('names the right spelling of a misspelt option', async (t) => {
  for (const [misspelt, right] of [
    ['clientID', 'clientId'],
    ['client_id', 'clientId'],
    ['clientsecret', 'clientSecret'],
    ['credential', 'credentials'],
    ['networks', 'network'],
    ['tokenURL', 'tokenUrl'],
    ['tokenUri', 'tokenUrl'],
    ['scopes', 'scope'],
    ['refreshAhead', 'refreshAheadMs'],
    ['expiryMargin', 'expiryMarginMs'],
    ['timeout', 'timeoutMs'],
    ['deadLineMS', 'deadlineMs'],
    ['maxToken', 'maxTokens'],
    ['dispacther', 'dispatcher'],
    ['loger', 'logger'],
    ['clocks', 'clock'],
    ['CLIENT_SECRET', 'clientSecret'],
    ['clntid', 'clientId'],
    ['scopa', 'scope'],
    ['scoopes', 'scope'],
    ['refreshA', 'refreshAheadMs'],
    ['dispa', 'dispatcher'],
    ['refresh', 'refreshAheadMs'],
    ['clo', 'clock'],
    ['clientid', 'clientId']
  ] as const) {
    const message = throwsFor(t, { ...CREDENTIALS, [misspelt]: VALUE }, misspelt, 'a string')
    t.ok(message.includes(`the spelling "${right}"`), message)
  }
})

t.test('lists the options beside an unknown one that is like none', async (t) => {
  for (const unknown of ['followRedirects', 't', 'c', 'cl', 'to', 'url', 'ms', '']) {
    const message = throwsFor(t, { ...CREDENTIALS, [unknown]: true }, unknown, 'a boolean')
    t.notOk(message.includes('the spelling'), message)
    for (const name of Object.keys(OPTIONS)) t.ok(message.includes(name), name)
  }
})

t.test('refuses an unknown option even if it is undefined', async (t) => {
  throwsFor(t, { ...CREDENTIALS, clientID: undefined }, 'clientID', 'undefined')
})

t.test('refuses names that every object has', async (t) => {
  for (const name of ['toString', 'constructor', 'hasOwnProperty', 'valueOf']) {
    throwsFor(t, { ...CREDENTIALS, [name]: VALUE }, name, 'a string')
  }
  throwsFor(
    t,
    JSON.parse(`{ "clientId": "a", "clientSecret": "b", "__proto__": "${VALUE}" }`),
    '__proto__',
    'a string'
  )
})

t.test('reads own properties only', async (t) => {
  throwsFor(t, Object.create(CREDENTIALS), 'clientId', 'undefined')
  t.doesNotThrow(() =>
    provide(t, Object.assign(Object.create({ tokenUrl: VALUE, unknown: VALUE }), CREDENTIALS))
  )
})

t.test('is not moved by a polluted prototype', async (t) => {
  const server = await startEndpoint(t)
  const elsewhere = await startEndpoint(t)
  const pollution: Record<string, unknown> = {
    tokenUrl: elsewhere.tokenUrl,
    scope: VALUE,
    clientId: VALUE,
    clientSecret: VALUE,
    credentials: () => ({ clientId: VALUE, clientSecret: VALUE }),
    account: VALUE,
    rejected: VALUE,
    minimumLifetimeMs: 1e9
  }
  const pollute = () => {
    for (const [name, value] of Object.entries(pollution)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    }
  }
  const clean = () => {
    for (const name of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[name]
  }
  t.teardown(clean)
  server.answer = ({ response }) => {
    response.writeHead(200).end('{"access_token":"own","expires_in":600}')
  }

  pollute()
  let withOptions: unknown
  let withoutOptions: unknown
  try {
    withoutOptions = thrownBy(() => new TokenProvider({}))
    const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
    withOptions = await provider.getToken({})
  } finally {
    clean()
  }
  isOptionError(t, withoutOptions as Error & Record<string, unknown>, 'clientId', 'undefined')
  t.match(withOptions, { accessToken: 'own' })
  t.equal(elsewhere.requests.length, 0)
  t.equal(server.requests.length, 1)
  t.equal(server.requests[0]?.headers.authorization, `Basic ${btoa('client:secret')}`)
  t.notMatch(server.requests[0]?.body, VALUE)
})

t.test('takes http: to any host with allowInsecureTokenUrl, and warns of it each time', async (t) => {
  const tokenUrl = 'http://emulator:8080/token'
  for (const allowInsecureTokenUrl of [undefined, false]) {
    throwsFor(t, { ...CREDENTIALS, tokenUrl, allowInsecureTokenUrl }, 'tokenUrl', 'a string')
  }
  const log = recordingLogger()
  for (let made = 1; made <= 2; made++) {
    provide(t, { ...CREDENTIALS, tokenUrl, allowInsecureTokenUrl: true, logger: log })
    t.equal(log.warnings().length, made)
    t.match(log.warnings().at(-1)?.message, /"allowInsecureTokenUrl" is set.*unencrypted.*Never.*production/)
  }
  provide(t, { clientId: '"id"', clientSecret: 'secret', tokenUrl, allowInsecureTokenUrl: true, logger: log })
  t.match(log.warnings().slice(2), [{ message: /in quotes/ }, { message: /"allowInsecureTokenUrl"/ }])
  process.env['BW_TOKEN_URL'] = tokenUrl
  throwsFor(t, CREDENTIALS, 'BW_TOKEN_URL', 'a string')
  t.doesNotThrow(() => provide(t, { ...CREDENTIALS, allowInsecureTokenUrl: true }))

  for (const still of ['http://a:b@emulator/', 'http://emulator/#x', 'ftp://emulator/', 'emulator']) {
    const options = { ...CREDENTIALS, tokenUrl: still, allowInsecureTokenUrl: true }
    throwsFor(t, options, 'tokenUrl', 'a string')
  }
})

t.test('warns once of an id or a secret in quotes or with a space at an end, and uses it', async (t) => {
  const server = await startEndpoint(t)
  for (const [clientId, clientSecret, warnings] of [
    ['id', `"${VALUE}"`, [/^The option "clientSecret" is in quotes\. It is used as it is/]],
    ['id', `'${VALUE}'`, [/^The option "clientSecret" is in quotes/]],
    ['id', `“${VALUE}”`, [/^The option "clientSecret" is in quotes/]],
    [
      '"id"',
      `${VALUE} `,
      [/^The option "clientId" is in quotes/, /"clientSecret" begins or ends with a space/]
    ],
    [' id', VALUE, [/^The option "clientId" begins or ends with a space/]],
    ['id', `\u00a0${VALUE}`, [/^The option "clientSecret" begins or ends with a space/]],
    ['id', '"', []],
    ['id', `"${VALUE}`, []],
    ['id', `"${VALUE}'`, []],
    ['i d', `${VALUE} "${VALUE}"`, []]
  ] as const) {
    const log = recordingLogger()
    const provider = provide(t, { clientId, clientSecret, tokenUrl: server.tokenUrl, logger: log })
    await provider.getToken()
    await provider.getToken({ account: 'a' })
    t.equal(log.warnings().length, warnings.length, clientSecret)
    for (const [index, warning] of warnings.entries()) t.match(log.warnings()[index]?.message, warning)
    t.notMatch(JSON.stringify(log.lines), VALUE)
    const sent = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    t.equal(server.requests.at(-1)?.headers.authorization, `Basic ${sent}`)
  }
})

t.test('refuses contradictory pairs', async (t) => {
  const credentials = () => CREDENTIALS
  for (const [options, name, got, fix] of [
    [{ credentials, clientId: VALUE }, 'clientId', 'a string', 'no value together with "credentials"'],
    [
      { credentials, clientSecret: VALUE },
      'clientSecret',
      'a string',
      'no value together with "credentials"'
    ],
    [{ credentials, ...CREDENTIALS }, 'clientId', 'a string', 'no value together with "credentials"'],
    [
      { ...CREDENTIALS, refreshAheadMs: 9_999 },
      'refreshAheadMs',
      'a number',
      'at least as much as "expiryMarginMs"'
    ],
    [
      { ...CREDENTIALS, refreshAheadMs: 0 },
      'refreshAheadMs',
      'a number',
      'at least as much as "expiryMarginMs"'
    ],
    [
      { ...CREDENTIALS, refreshAheadMs: 1_000, expiryMarginMs: 1_001 },
      'refreshAheadMs',
      'a number',
      'at least'
    ],
    [
      { ...CREDENTIALS, expiryMarginMs: 30_001 },
      'expiryMarginMs',
      'a number',
      'at most 30000, or a larger "refreshAheadMs" too'
    ]
  ] as const) {
    t.ok(throwsFor(t, options, name, got).includes(fix))
  }
  t.doesNotThrow(() => provide(t, { ...CREDENTIALS, refreshAheadMs: 5_000, expiryMarginMs: 5_000 }))
  t.doesNotThrow(() => provide(t, { ...CREDENTIALS, refreshAheadMs: 0, expiryMarginMs: 0 }))
})

t.test('takes a credentials function beside credentials in the environment', async (t) => {
  Object.assign(process.env, { BW_CLIENT_ID: 'env-id', BW_CLIENT_SECRET: 'env-secret' })
  t.doesNotThrow(() => provide(t, { credentials: () => CREDENTIALS }))
})

t.test('writes nothing to a frozen options object and keeps a copy of it', async (t) => {
  const server = await startEndpoint(t)
  const frozen = Object.freeze({ ...CREDENTIALS, tokenUrl: server.tokenUrl })
  t.equal((await provide(t, frozen).getToken()).accessToken, 'token-1')

  const options = { ...CREDENTIALS, tokenUrl: server.tokenUrl }
  const provider = provide(t, options)
  t.strictSame(Object.keys(options), ['clientId', 'clientSecret', 'tokenUrl'])
  Object.assign(options, { clientId: 'later', tokenUrl: 'https://later.example' })
  t.equal((await provider.getToken()).accessToken, 'token-2')
  t.equal(server.requests[1]?.headers.authorization, `Basic ${btoa('client:secret')}`)
})

t.test('does no I/O and starts no timer at construction', async (t) => {
  const server = await startEndpoint(t)
  let touched = 0
  const touch = () => {
    touched++
    return 0
  }
  const provider = provide(t, {
    credentials: () => {
      touch()
      return CREDENTIALS
    },
    tokenUrl: server.tokenUrl,
    dispatcher: { request: touch },
    clock: { now: touch, monotonic: touch, setTimeout: touch, clearTimeout: touch },
    logger: { debug: touch, info: touch, warn: touch, error: touch }
  })
  provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  t.equal(touched, 0)
  t.equal(server.requests.length, 0)
  await provider.close()
})

const LONG_ACCOUNT = VALUE.padEnd(257, 'x')
const NO_ACCOUNTS: typeof WRONG_TYPES = [...WRONG_TYPES, ...NUMBERS, noFunction, [LONG_ACCOUNT, 'a string']]

t.test('getToken rejects for bad arguments and asks nobody', async (t) => {
  const server = await startEndpoint(t)
  const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  const rejects = async (options: unknown, name: string, got: string) => {
    let promise: Promise<unknown> = Promise.resolve()
    t.doesNotThrow(() => {
      promise = provider.getToken(options as object)
      promise.catch(() => {})
    })
    const error = await rejection(promise)
    isOptionError(t, error, name, got)
    return error.message
  }

  for (const [value, got] of NO_ACCOUNTS) await rejects({ account: value }, 'account', got)
  for (const [value, got] of [
    ...WRONG_TYPES,
    ...texts('', VALUE),
    [Number.NaN, 'NaN'],
    [-1, 'a number']
  ] as const) {
    await rejects({ minimumLifetimeMs: value }, 'minimumLifetimeMs', got)
  }
  for (const [value, got] of [
    ...WRONG_TYPES,
    ...NUMBERS,
    noFunction,
    [{ accessToken: 1 }, 'an object']
  ] as const) {
    await rejects({ rejected: value }, 'rejected', got)
  }
  for (const [value, got] of [...WRONG_TYPES, ...NUMBERS, ...texts('', VALUE), noFunction]) {
    await rejects({ signal: value }, 'signal', got)
  }
  for (const [value, got] of [
    ...texts('', VALUE),
    [null, 'null'],
    [7, 'a number'],
    [[], 'an array']
  ] as const) {
    await rejects(value, 'options', got)
  }
  t.match(await rejects({ acount: VALUE }, 'acount', 'a string'), 'the spelling "account"')
  t.match(await rejects({ minimumLifeTimeMs: 1 }, 'minimumLifeTimeMs', 'a number'), '"minimumLifetimeMs"')
  t.match(await rejects({ reject: VALUE }, 'reject', 'a string'), '"rejected"')
  t.equal(server.requests.length, 0)

  await provider.getToken()
  await rejects({ acount: VALUE }, 'acount', 'a string')
  t.equal(server.requests.length, 1, 'a cached token changes nothing of that')
})

t.test('warmUp rejects for a bad account', async (t) => {
  const provider = provide(t)
  for (const [value, got] of NO_ACCOUNTS) {
    isOptionError(t, await rejection(provider.warmUp(value as string)), 'account', got)
  }
})

t.test('peek, status and invalidate throw for bad arguments', async (t) => {
  const provider = provide(t)
  for (const [value, got] of NO_ACCOUNTS) {
    const account = value as string
    isOptionError(
      t,
      thrownBy(() => provider.peek(account)),
      'account',
      got
    )
    isOptionError(
      t,
      thrownBy(() => provider.status(account)),
      'account',
      got
    )
    isOptionError(
      t,
      thrownBy(() => provider.invalidate('id', account)),
      'account',
      got
    )
  }
  for (const [value, got] of [...WRONG_TYPES, ...NUMBERS, noFunction, [undefined, 'undefined']] as const) {
    isOptionError(
      t,
      thrownBy(() => provider.invalidate(value as string)),
      'rejected',
      got
    )
  }
})

t.test('takes accounts of up to 256 characters, the default one under both its names', async (t) => {
  const server = await startEndpoint(t)
  const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  for (const account of ['x'.repeat(256), '__proto__', 'größe/🔑']) {
    const token = await provider.getToken({ account })
    t.equal(provider.peek(account), token)
    t.equal(provider.status(account).state, 'fresh')
  }
  const token = await provider.getToken()
  t.equal(await provider.getToken({ account: '' }), token)
  t.equal(await provider.getToken({ account: undefined }), token)
  t.equal(await provider.getToken({}), token)
  t.equal(provider.peek(''), token)
  t.equal(provider.peek(undefined), token)
  t.equal(server.requests.length, 4)
})

t.test(
  'takes a store with its keys, in each form of base64, and refuses one without the other',
  async (t) => {
    const store = memoryTokenStore()
    const key = Buffer.alloc(32, 0xff)
    for (const storeKeys of [[key.toString('base64')], [key.toString('base64url'), 'A'.repeat(43)]]) {
      await new TokenProvider({ clientId: 'client', clientSecret: 'secret', store, storeKeys }).close()
    }
    for (const [options, name, expected] of [
      [{ store }, 'storeKeys', 'an array of keys of 32 bytes'],
      [{ storeKeys: [key.toString('base64')] }, 'store', 'a TokenStore']
    ] as const) {
      t.throws(() => new TokenProvider({ clientId: 'client', clientSecret: 'secret', ...options }), {
        code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
        message: new RegExp(`^Invalid option "${name}": expected ${expected}.*together with "store`)
      })
    }
  }
)
