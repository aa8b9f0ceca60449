import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { type Emulator, startEmulator } from '@bandwidth-token/emulator'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { until } from '../support/outcomes.js'
import { chromiumOffer, SipClient, tokenOf } from './sip-client.js'

// One for all tests that change nothing of it, since the first call of each starts a thread.
const shared = await startEmulator()
t.teardown(() => shared.close())

/** Places a call with these headers; how it was answered, and what the emulator tells of it. */
async function place(t: Parameters<typeof emulate>[0], emulator: Emulator, ...headers: string[]) {
  const client = await SipClient.connect(t, emulator)
  const before = emulator.received.length
  client.send('INVITE', { body: chromiumOffer, headers })
  const { statuses, response } = await client.final()
  return { statuses, response, request: emulator.received[before] }
}

const bearer = (token: string) => `Authorization: Bearer ${token}`

t.test('takes a token of its own, and tells its id', async (t) => {
  const { token, id } = await tokenOf(shared)
  const { statuses, request } = await place(t, shared, bearer(token))
  t.strictSame(statuses, [100, 180, 200])
  t.strictSame(JSON.parse(JSON.stringify(request)), {
    method: 'INVITE',
    path: 'sip:15551234@localhost',
    secretCorrect: false,
    status: 200,
    verdict: 'valid',
    accessTokenId: id
  })
})

t.test('takes one token for many calls', async (t) => {
  const { token } = await tokenOf(shared)
  for (let n = 0; n < 3; n++) t.equal((await place(t, shared, bearer(token))).response.status, 200)
})

t.test('takes the scheme in any case, and other headers beside it', async (t) => {
  const { token } = await tokenOf(shared)
  const others = ['Authorization: Digest username="alice"', `authorization :  bEARER ${token} `]
  t.equal((await place(t, shared, ...others)).response.status, 200)
})

/** A token as the emulator makes them, but for the key, and for what `change` says. */
async function foreign(emulator: Emulator, header = {}, claims = {}): Promise<string> {
  const { token } = await tokenOf(emulator)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return new SignJWT({ ...decodeJwt(token), ...claims })
    .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'RS256', ...header })
    .sign(privateKey)
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const refused: [string, 'missing' | 'invalid', () => Promise<string[]>][] = [
  ['no token', 'missing', async () => []],
  ['Basic credentials', 'missing', async () => ['Authorization: Basic ZW11bGF0b3I6eA==']],
  ['the word undefined', 'invalid', async () => [bearer('undefined')]],
  ['the scheme alone', 'invalid', async () => ['Authorization: Bearer']],
  ['an opaque token', 'invalid', async () => [bearer(randomBytes(32).toString('base64url'))]],
  ['two tokens', 'invalid', async () => [bearer((await tokenOf(shared)).token), bearer('x')]],
  ['a token with a tail', 'invalid', async () => [bearer(`${(await tokenOf(shared)).token} x`)]],
  ['a token of another key', 'invalid', async () => [bearer(await foreign(shared))]],
  [
    'a token that says it needs no signature',
    'invalid',
    async () => {
      const { token } = await tokenOf(shared)
      return [bearer(`${encode({ alg: 'none' })}.${token.split('.')[1]}.`)]
    }
  ],
  [
    'a token with claims of the caller’s own',
    'invalid',
    async () => {
      const { token } = await tokenOf(shared)
      const [head, , signature] = token.split('.')
      return [bearer(`${head}.${encode({ ...decodeJwt(token), jti: 'mine' })}.${signature}`)]
    }
  ]
]
for (const [what, verdict, headers] of refused) {
  t.test(`answers 401 to ${what}`, async (t) => {
    const { statuses, response, request } = await place(t, shared, ...(await headers()))
    t.strictSame(statuses, [100, 401])
    t.match(response, { reason: 'Unauthorized', headers: { 'www-authenticate': 'Bearer realm="emulator"' } })
    t.match(request, { method: 'INVITE', verdict, accessTokenId: undefined, status: 401 })
  })
}

t.test('answers 401 to a token of another emulator, though they share a key', async (t) => {
  const other = await emulate(t)
  const { token } = await tokenOf(other)
  const { response, request } = await place(t, shared, bearer(token))
  t.equal(response.status, 401)
  t.match(request, { verdict: 'invalid' })
})

t.test('answers 401 to a token from the second on in which it expires', async (t) => {
  const emulator = await emulate(t, { expiresIn: 1 })
  const { token, id } = await tokenOf(emulator)
  const { exp = 0 } = decodeJwt(token)
  await until(() => Date.now() >= exp * 1000)
  const { response, request } = await place(t, emulator, bearer(token))
  t.equal(response.status, 401)
  t.match(request, { verdict: 'expired', accessTokenId: id, status: 401 })
})

t.test('answers 401 to a token from its revocation on, and to no other', async (t) => {
  const [one, two] = [await tokenOf(shared), await tokenOf(shared)]
  t.equal((await place(t, shared, bearer(one.token))).response.status, 200)
  shared.revoke(one.id)
  shared.revoke(one.id)
  const { response, request } = await place(t, shared, bearer(one.token))
  t.equal(response.status, 401)
  t.match(request, { verdict: 'revoked', accessTokenId: one.id, status: 401 })
  t.equal((await place(t, shared, bearer(two.token))).response.status, 200)
})

t.test('lets a call stand whose token is revoked', async (t) => {
  const { token, id } = await tokenOf(shared)
  const client = await SipClient.connect(t, shared)
  const { toTag } = await client.call(token)
  shared.revoke(id)
  client.within(toTag, 'INVITE', { body: chromiumOffer })
  t.equal((await client.next()).status, 200)
  client.within(toTag, 'BYE')
  t.equal((await client.next()).status, 200)
})

t.test('knows a refused call no more', async (t) => {
  const client = await SipClient.connect(t, shared)
  const { response, toTag } = await client.call('nonsense')
  t.equal(response.status, 401)
  client.within(toTag, 'BYE')
  t.equal((await client.next()).status, 481)
  const { token } = await tokenOf(shared)
  const { response: again } = await client.call(token)
  t.equal(again.status, 200, 'the same call may be tried again')
})

const ids: [string, unknown, RegExp][] = [
  ['nothing', undefined, /accessTokenId must be a string of 1 to 256 characters, not undefined/],
  ['an empty id', '', /not an empty string/],
  ['a number', 1, /not 1/],
  ['a token response', { access_token_id: 'x' }, /not an object/],
  ['an id without end', 'x'.repeat(257), /not a string/]
]
for (const [what, id, message] of ids) {
  t.test(`refuses to revoke ${what}`, async (t) => {
    t.throws(() => shared.revoke(id as string), { code: 'ERR_BANDWIDTH_EMULATOR_OPTION_INVALID', message })
  })
}

function postRevoke({ origin }: Emulator, body: string, headers = {}): Promise<Response> {
  return fetch(`${origin}/_emulator/revoke`, { method: 'POST', body, headers })
}

for (const name of ['accessTokenId', 'access_token_id']) {
  t.test(`revokes over HTTP what is named as ${name}`, async (t) => {
    const { token, id } = await tokenOf(shared)
    const response = await postRevoke(shared, JSON.stringify({ [name]: id }))
    t.equal(response.status, 200)
    t.strictSame(await response.json(), { revoked: id })
    t.equal((await place(t, shared, bearer(token))).response.status, 401)
  })
}

const bodies: [string, string, RegExp][] = [
  ['what is not JSON', '{', /the body must be \{"accessTokenId": "\.\.\."\}/],
  ['an empty body', '', /the body must be \{"accessTokenId": "\.\.\."\}/],
  ['an object without an id', '{}', /accessTokenId must be a string/],
  ['a misspelt name', '{"jti":"x"}', /the body: there is no "jti"; known are accessTokenId, access_token_id/],
  ['a bare id', '"x"', /the body must be an object, not a string/],
  ['a body without end', `{"accessTokenId":"${'x'.repeat(20_000)}"}`, /the body must be/]
]
for (const [what, body, error] of bodies) {
  t.test(`refuses to revoke ${what} over HTTP`, async (t) => {
    const response = await postRevoke(shared, body)
    t.equal(response.status, 400)
    t.match(await response.json(), { error })
  })
}

t.test('revokes for no web page, and by POST only', async (t) => {
  const { token, id } = await tokenOf(shared)
  const body = JSON.stringify({ accessTokenId: id })
  t.equal((await postRevoke(shared, body, { origin: shared.origin })).status, 403)
  const get = await fetch(`${shared.origin}/_emulator/revoke`)
  t.equal(get.status, 405)
  t.equal(get.headers.get('allow'), 'POST')
  t.equal((await place(t, shared, bearer(token))).response.status, 200)
})

t.test('shows no token to whoever asks what came in', async (t) => {
  const { token } = await tokenOf(shared)
  const client = await SipClient.connect(t, shared)
  const uri = `sip:alice:${token}@localhost;token=${token}?Authorization=${token}`
  client.send('INVITE', { token, uri, body: chromiumOffer })
  t.equal((await client.final()).response.status, 200)
  t.equal(shared.received.at(-1)?.path, 'sip:alice@localhost')
  client.send('OPTIONS', { uri: `sip:${'x'.repeat(5000)}` })
  await client.next()
  t.equal(shared.received.at(-1)?.path.length, 256, 'nor more of an address than anybody needs')
  const shown = await (await fetch(`${shared.origin}/_emulator/received`)).text()
  t.match(shown, /"method":"INVITE","path":"sip:alice@localhost"/)
  t.notMatch(shown + JSON.stringify(shared.received), token)
})
