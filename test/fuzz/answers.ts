import fc from 'fast-check'

/** One member of a JSON object as it is written; the same key may come again. */
export interface Member {
  readonly key: string
  /** JSON text. */
  readonly value: string
}

const json = (value: unknown) => JSON.stringify(value)

const tokens = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,40}={0,2}$/) },
  fc.constantFrom('', '=', 'a=b', 'a b', 'a\n', 'a\u0000', 'ä', '\ud800', 'Bearer a', 'a'.repeat(9_000)),
  fc.string({ unit: 'binary', maxLength: 20 })
)
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    'null',
    's3cret-4711',
    '\u0000',
    '\ud83d',
    '\udc00\ud800',
    '\ufeff',
    '__proto__',
    '\u2028'
  )
)
const numbers = fc.oneof(
  fc.constantFrom('600', '-0', '0', '-1', '0.9', '1', '600.9', '6e2', '1e400', '-1e400', '1e-400', '86401'),
  fc.constantFrom('9007199254740993', '99999999999999999999999999', '0.00000000000000000000000001'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(json),
  fc.integer({ min: -5, max: 100_000 }).map(json)
)
const numericTexts = fc.oneof(
  fc.integer({ min: 0, max: 100_000 }).map(String),
  fc.constantFrom('600.9', '0.9', '007', '-600', '+600', ' 600', '600 ', '6e2', '0x10', '', '.', '1.', '.5'),
  fc.constantFrom('٦٠٠', '６００', 'NaN', 'Infinity', '600s', '1,000', `${'9'.repeat(400)}`, '1_000')
)
const nested = fc.constantFrom(
  ...[
    '[]',
    '{}',
    '[[]]',
    '{"access_token":"a"}',
    '{"__proto__":{"access_token":"a"}}',
    '[600]',
    'true',
    'false'
  ],
  `${'['.repeat(500)}${']'.repeat(500)}`,
  `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`
)
const anything = fc.oneof(anyText.map(json), numbers, nested, fc.constant('null'), fc.json())

const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  access_token: fc.oneof({ weight: 12, arbitrary: tokens.map(json) }, anything),
  access_token_id: fc.oneof(anyText.map(json), tokens.map(json), fc.uuid().map(json), anything),
  token_type: fc.oneof(
    { weight: 6, arbitrary: fc.mixedCase(fc.constant('bearer')).map(json) },
    fc.constantFrom('mac', 'Bearer ', 'Bear\u212aer', '').map(json),
    anything
  ),
  expires_in: fc.oneof({ weight: 4, arbitrary: fc.oneof(numbers, numericTexts.map(json)) }, anything)
}
const STRANGE_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'toJSON', 'then', 'error', '']

/** A key with some of its letters written as escapes, which mean the same. */
function written(key: string, escaped: boolean): string {
  if (!escaped) return json(key)
  return `"${[...key].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
}

const field = (name: string): fc.Arbitrary<Member> =>
  fc.record({ key: fc.constant(name), value: VALUES[name] ?? anything })
/** What would do for a grant if it were not one level too deep. */
const DEEPER = '{"access_token":"a","access_token_id":"b","token_type":"Bearer","expires_in":600}'
const strayMember = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype').map((key) => ({ key, value: DEEPER })),
  fc.constantFrom(...Object.keys(VALUES)).chain(field),
  fc.record({ key: fc.oneof(fc.constantFrom(...STRANGE_KEYS), anyText), value: anything })
)

/** The members of an answer, most of them what they should be. */
export const members: fc.Arbitrary<readonly Member[]> = fc
  .tuple(
    fc.tuple(...Object.keys(VALUES).map((name) => fc.option(field(name), { nil: undefined, freq: 10 }))),
    fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(strayMember, { maxLength: 4 })),
    fc.boolean()
  )
  .chain(([fields, stray, straysFirst]) => {
    const known = fields.filter((member) => member !== undefined)
    return fc.constant(straysFirst ? [...stray, ...known] : [...known, ...stray])
  })

/** The JSON text of members, in the ways in which it may be written. */
export function textOf(list: readonly Member[], { escaped = false, space = '' } = {}): string {
  const inner = list.map(({ key, value }) => `${space}${written(key, escaped)}${space}:${space}${value}`)
  return `${space}{${inner.join(`${space},`)}${space}}${space}`
}

export const writing = fc.record({
  escaped: fc.boolean(),
  space: fc.constantFrom('', '', ' ', '\r\n\t')
})

/** What is no JSON object. */
export const noObject = fc.oneof(
  anything.filter((text) => !text.trim().startsWith('{')),
  fc.constantFrom('', ' ', '{', '}', '{"access_token":"a"', '{"access_token":"a"}}', '{"a":1,}', "{'a':1}"),
  fc.constantFrom(
    '<html></html>',
    'access_token=a&token_type=Bearer',
    '{"access_token":"a"}\u0000',
    '// {}',
    '{}{}'
  ),
  fc.constantFrom(
    '\u00a0{"access_token":"a"}',
    '{"access_token":\u2028"a"}',
    'NaN',
    'undefined',
    '[{"access_token":"a"}]'
  )
)

/** What the contract makes of an answer, read without a look at the code. */
export type Expected =
  | { readonly accessToken: string; readonly accessTokenId: string | undefined; readonly expiresIn: number }
  | 'refused'
  | 'unusable'

/** Contract 1.2, 1.3, 1.4 rules 7 and 11 and RFC 6750 §2.1, read anew. Of members of one name the last counts. */
export function expected(list: readonly Member[], secrets: readonly string[]): Expected {
  const fields = new Map(list.map(({ key, value }) => [key, JSON.parse(value) as unknown]))
  const accessToken = fields.get('access_token')
  const type = fields.get('token_type')
  const expiresIn = seconds(fields.get('expires_in'))
  if ((accessToken ?? undefined) === undefined && (fields.get('error') ?? undefined) !== undefined)
    return 'refused'
  if (typeof accessToken !== 'string' || !isB64Token(accessToken)) return 'unusable'
  if (fields.has('token_type') && !(typeof type === 'string' && type.toUpperCase() === 'BEARER'))
    return 'unusable'
  if (expiresIn === undefined) return 'unusable'
  const id = fields.get('access_token_id')
  const isShown = isId(id) && ![accessToken, ...secrets].some((secret) => id.includes(secret))
  return { accessToken, accessTokenId: isShown ? id : undefined, expiresIn }
}

const ID = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'

function isId(id: unknown): id is string {
  return typeof id === 'string' && id.length <= 128 && consistsOf(id, ID)
}

const B64_TOKEN = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/'
const DIGITS = '0123456789'

const consistsOf = (text: string, characters: string) =>
  text !== '' && text.split('').every((character) => characters.includes(character))

function isB64Token(text: string): boolean {
  let end = text.length
  while (text[end - 1] === '=') end--
  return consistsOf(text.slice(0, end), B64_TOKEN)
}

function seconds(value: unknown): number | undefined {
  if (value === undefined || value === null) return 60
  if (typeof value === 'number') return value < 1 ? undefined : Math.min(Math.floor(value), 86_400)
  if (typeof value !== 'string') return undefined
  const [whole = '', fraction = '0', ...more] = value.split('.')
  if (more.length > 0 || !consistsOf(whole, DIGITS) || !consistsOf(fraction, DIGITS)) return undefined
  const exact = BigInt(whole)
  if (exact === 0n) return undefined
  return exact > 86_400n ? 86_400 : Number(exact)
}
