import fc from 'fast-check'
import t from 'tap'
import { parseGrant, parseOauthError } from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
const bearerToken = fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,64}={0,2}$/)
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))
const NAMES = [
  'access_token',
  'access_token_id',
  'token_type',
  'expires_in',
  'error',
  '__proto__',
  'toString'
]

t.test('a token answer', async (t) => {
  t.test('is taken as it is', async () => {
    fc.assert(
      fc.property(
        bearerToken,
        fc.uuid(),
        fc.integer({ min: 1, max: 86_400 }),
        fc.constantFrom('Bearer', 'bearer', 'BEARER', 'bEARER', undefined),
        (access_token, access_token_id, expires_in, token_type) => {
          const isHidden = access_token_id.includes(access_token)
          const grant = parseGrant({ access_token, access_token_id, expires_in, token_type })
          return (
            'accessToken' in grant &&
            grant.accessToken === access_token &&
            grant.accessTokenId === (isHidden ? undefined : access_token_id) &&
            grant.expiresIn === expires_in &&
            grant.hasExpiresIn
          )
        }
      )
    )
  })

  t.test('of whatever shape is a usable token or a failure that repeats nothing of it', async () => {
    const anything = fc.oneof(fc.jsonValue(), bearerToken, text)
    const answer = fc.oneof(
      fc.anything(),
      fc.dictionary(fc.constantFrom(...NAMES), anything),
      fc.record({
        access_token: fc.oneof(bearerToken, bearerToken, anything),
        access_token_id: anything,
        token_type: fc.oneof(fc.constantFrom('Bearer', 'bearer'), anything),
        expires_in: fc.oneof(fc.integer(), anything)
      })
    )
    const failures = new Set<string>()
    let grants = 0
    let refusals = 0
    fc.assert(
      fc.property(answer, (answer) => {
        const result = parseGrant(answer)
        if ('accessToken' in result) {
          grants++
          return (
            TOKEN.test(result.accessToken) &&
            Number.isInteger(result.expiresIn) &&
            result.expiresIn >= 1 &&
            result.expiresIn <= 86_400 &&
            (result.accessTokenId === undefined ||
              (/^[A-Za-z0-9._~-]{1,128}$/.test(result.accessTokenId) &&
                !result.accessTokenId.includes(result.accessToken)))
          )
        }
        if (result.code === 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED') {
          refusals++
          const { error, access_token = null } = answer as { error: unknown; access_token?: unknown }
          return error !== null && access_token === null && result.remedy === 'reload'
        }
        failures.add(JSON.stringify(result))
        return result.code === 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' && result.remedy === 'retry'
      })
    )
    t.equal(failures.size, 4, 'of four kinds, each a fixed sentence')
    t.ok(refusals > 0, `${refusals} were refusals`)
    t.ok(grants > 0, `${grants} were usable`)
  })

  t.test('that is no JSON object is said to be none', async (t) => {
    for (const answer of [undefined, null, true, 7, '', '{}', [], [{ access_token: 'a' }]]) {
      t.match(parseGrant(answer), {
        message: 'The answer of the token endpoint is not a JSON object of at most 64 KiB.',
        upstreamStatus: 200
      })
    }
  })

  t.test('whose token is not made of the characters of RFC 6750 is refused', async () => {
    fc.assert(
      fc.property(text, (access_token) => {
        return 'accessToken' in parseGrant({ access_token, expires_in: 600 }) === TOKEN.test(access_token)
      })
    )
  })

  t.test('with one foreign character in its token is refused', async () => {
    const foreign = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
    fc.assert(
      fc.property(bearerToken, foreign, bearerToken, (before, character, after) => {
        fc.pre(!/[A-Za-z0-9._~+/-]/.test(character))
        return 'code' in parseGrant({ access_token: before + character + after })
      })
    )
  })

  t.test('has no id that repeats a secret, unless that is so short that it may be chance', async (t) => {
    for (const [access_token_id, secret, expected] of [
      ['id-of-12345678', '12345678', undefined],
      ['id-of-1234567', '1234567', 'id-of-1234567'],
      ['1234567', '1234567', undefined]
    ] as const) {
      const grant = parseGrant({ access_token: 'a-token', access_token_id }, ['another secret', secret])
      t.equal('accessToken' in grant ? grant.accessTokenId : grant, expected)
    }
  })

  t.test('has an id of 1 to 128 unreserved characters, or none', async (t) => {
    for (const [access_token_id, isTaken] of [
      ['a', true],
      ['AZaz09._~-', true],
      ['a'.repeat(128), true],
      ['', false],
      ['a'.repeat(129), false],
      ['id\n', false],
      ['id\r\nlevel=error', false],
      ['an id', false],
      ['größe', false],
      ['<b>', false],
      ['a/b', false],
      [7, false],
      [['id'], false]
    ] as const) {
      const grant = parseGrant({ access_token: '+', access_token_id })
      const expected = isTaken ? access_token_id : undefined
      t.equal('accessToken' in grant ? grant.accessTokenId : grant, expected, JSON.stringify(access_token_id))
    }
  })

  t.test('with an error and without a token is a refusal of the client', async (t) => {
    for (const [answer, oauthError] of [
      [{ error: 'invalid_client' }, 'invalid_client'],
      [{ error: 'invalid_client', access_token: null }, 'invalid_client'],
      [{ error: 'Not well formed' }, undefined],
      [{ error: {} }, undefined]
    ] as const) {
      t.match(parseGrant(answer), {
        code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
        remedy: 'reload',
        upstreamStatus: 200,
        oauthError
      })
    }
    t.match(parseGrant({ error: null }), { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' })
    t.match(parseGrant({ error: 'x', access_token: '' }), { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' })
    t.match(parseGrant({ error: 'x', access_token: 'a' }), { accessToken: 'a' }, 'a token counts more')
    t.notOk('oauthError' in parseGrant(Object.create({ error: 'invalid_client' })), 'nor is it inherited')
  })

  t.test('of another token type is refused', async () => {
    const others = fc.constantFrom<unknown>('Bearers', 'Bearer ', 'No Bearer', ['Bearer'])
    fc.assert(
      fc.property(fc.oneof(text, fc.jsonValue(), others), (token_type) => {
        const isBearer = typeof token_type === 'string' && /^bearer$/i.test(token_type)
        return 'accessToken' in parseGrant({ access_token: 'a', token_type }) === isBearer
      })
    )
  })

  t.test('is parsed in a time that grows with its length only', async (t) => {
    const startedAtMs = performance.now()
    for (const access_token of [
      `${'='.repeat(65_000)}!`,
      `${'a'.repeat(65_000)}!`,
      `${'a='.repeat(32_000)}!`
    ]) {
      t.match(parseGrant({ access_token }), { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' })
    }
    // A pattern that backtracks would take minutes.
    t.ok(performance.now() - startedAtMs < 5_000)
  })
})

function sharesEight(error: string, secret: string): boolean {
  const windows = Array.from({ length: Math.max(0, secret.length - 7) }, (_, at) => secret.slice(at, at + 8))
  return (secret.length < 8 ? [secret] : windows).some((part) => error.includes(part))
}

t.test('the error of an answer', async (t) => {
  t.test('is missing where there is no answer of its form', async (t) => {
    for (const answer of [
      undefined,
      null,
      'invalid_client',
      7,
      {},
      Object.create({ error: 'invalid_client' })
    ]) {
      t.equal(parseOauthError(answer, []), undefined)
    }
  })

  const wellFormed = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,63}$/)
  const secret = fc.string({ minLength: 1 })

  t.test('is shown where it is well formed and without the secret', async () => {
    fc.assert(
      fc.property(fc.oneof(wellFormed, text), secret, (error, secret) => {
        const isShown = /^[a-z][a-z0-9_.-]{0,63}$/.test(error) && !sharesEight(error, secret)
        return parseOauthError({ error }, [secret]) === (isShown ? error : undefined)
      })
    )
  })

  t.test('is not shown where it holds eight characters of the secret', async () => {
    fc.assert(
      fc.property(wellFormed, fc.nat(64), text, text, (error, from, before, after) => {
        const part = error.slice(from, from + 8)
        const secret = before + part + after
        return part.length < 8 || parseOauthError({ error }, [secret]) === undefined
      })
    )
  })

  t.test('of whatever shape is text or nothing', async () => {
    fc.assert(
      fc.property(fc.anything(), secret, (answer, secret) => {
        return ['string', 'undefined'].includes(typeof parseOauthError(answer, [secret]))
      })
    )
  })
})
