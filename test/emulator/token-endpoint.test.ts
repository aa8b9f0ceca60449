import { once } from 'node:events'
import { connect } from 'node:net'
import type { Emulator } from '@bandwidth-token/emulator'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { basic, rawRequest, requestToken } from './helpers.js'

interface TokenResponse {
  access_token: string
  access_token_id: string
  token_type: string
  expires_in: number
}

async function tokenFrom(response: Response): Promise<TokenResponse> {
  return (await response.json()) as TokenResponse
}

function verify(emulator: Emulator, token: string) {
  const jwks = createRemoteJWKSet(new URL('/.well-known/jwks.json', emulator.origin))
  return jwtVerify(token, jwks, { issuer: emulator.origin, algorithms: ['RS256'] })
}

t.test('answers with exactly the four fields of Bandwidth', async (t) => {
  const response = await requestToken(await emulate(t))
  t.equal(response.status, 200)
  const answer = await tokenFrom(response)
  t.strictSame(Object.keys(answer), ['access_token', 'access_token_id', 'token_type', 'expires_in'])
  t.match(answer.access_token_id, /^[A-Za-z0-9_-]{24}$/)
  t.equal(answer.token_type, 'Bearer')
  t.equal(answer.expires_in, 600)
})

t.test('forbids that anybody keeps the answer', async (t) => {
  const { headers } = await requestToken(await emulate(t))
  t.equal(headers.get('cache-control'), 'no-store')
  t.equal(headers.get('pragma'), 'no-cache')
  t.equal(headers.get('content-type'), 'application/json')
})

t.test('signs tokens that verify against the keys it serves', async (t) => {
  const emulator = await emulate(t, { clientId: 'hgranger', expiresIn: 60 })
  const before = Math.floor(Date.now() / 1000)
  const answer = await tokenFrom(await requestToken(emulator))
  const { payload, protectedHeader } = await verify(emulator, answer.access_token)
  const { iat = 0, ...claims } = payload
  t.ok(iat >= before && iat <= Date.now() / 1000)
  t.strictSame(claims, {
    iss: emulator.origin,
    sub: 'hgranger',
    jti: answer.access_token_id,
    exp: iat + 60,
    scope: 'voice.webrtc'
  })
  t.match(protectedHeader, { alg: 'RS256', typ: 'JWT', kid: /./ })
})

t.test('serves no private key', async (t) => {
  const emulator = await emulate(t)
  const response = await fetch(`${emulator.origin}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: Record<string, string>[] }
  t.strictSame(
    keys.map((key) => Object.keys(key).sort()),
    [['alg', 'e', 'kid', 'kty', 'n', 'use']]
  )
  t.match(keys[0], { alg: 'RS256', kty: 'RSA', use: 'sig' })
})

t.test('issues another token each time', async (t) => {
  const emulator = await emulate(t)
  const one = await tokenFrom(await requestToken(emulator))
  const two = await tokenFrom(await requestToken(emulator))
  t.not(one.access_token_id, two.access_token_id)
  t.not(one.access_token, two.access_token)
})

for (const body of ['grant_type=client_credentials', 'grant_type=client_credentials&scope=']) {
  t.test(`issues a token without scope, as the US network does, for ${body}`, async (t) => {
    const emulator = await emulate(t)
    const response = await requestToken(emulator, { body })
    t.equal(response.status, 200)
    const { payload } = await verify(emulator, (await tokenFrom(response)).access_token)
    t.notOk('scope' in payload)
  })
}

t.test('ignores parameters that it does not know', async (t) => {
  const body = 'grant_type=client_credentials&audience=x'
  t.equal((await requestToken(await emulate(t), { body })).status, 200)
})

t.test('splits id and secret at the first colon and reads them as UTF-8, not percent-encoded', async (t) => {
  const secret = 'päß:%41:🔑+ '
  const emulator = await emulate(t, { clientId: 'zoë', clientSecret: secret })
  t.equal((await requestToken(emulator)).status, 200)
  const encoded = { authorization: basic('zoë', encodeURIComponent(secret)) }
  t.equal((await requestToken(emulator, { headers: encoded })).status, 401)
})

t.test('takes the name of the scheme and the content type in any case, with parameters', async (t) => {
  const emulator = await emulate(t)
  const authorization = basic(emulator.clientId, emulator.clientSecret).replace('Basic', 'bAsIc')
  const contentType = 'Application/X-WWW-Form-URLEncoded; charset=UTF-8'
  const headers = { authorization, 'content-type': contentType }
  t.equal((await requestToken(emulator, { headers })).status, 200)
})

const unauthenticated: [string, string][] = [
  ['a wrong secret', basic('id', 'wrong')],
  ['a wrong client id', basic('other', 'secret')],
  ['a secret that only begins right', basic('id', 'secret2')],
  ['an empty secret', basic('id', '')],
  ['id and secret swapped', basic('secret', 'id')],
  ['credentials without a colon', `Basic ${Buffer.from('idsecret').toString('base64')}`],
  ['Basic without credentials', 'Basic'],
  ['what is not base64', 'Basic id:secret'],
  ['another scheme', `Bearer ${Buffer.from('id:secret').toString('base64')}`]
]
for (const [what, authorization] of unauthenticated) {
  t.test(`refuses ${what} as invalid_client`, async (t) => {
    const emulator = await emulate(t, { clientId: 'id', clientSecret: 'secret' })
    const response = await requestToken(emulator, { headers: { authorization } })
    t.equal(response.status, 401)
    t.match(response.headers.get('www-authenticate'), /^Basic realm=/)
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.match(await response.json(), { error: 'invalid_client', error_description: String })
  })
}

t.test('refuses a request without credentials, even if they are in the body', async (t) => {
  const emulator = await emulate(t, { clientId: 'id', clientSecret: 'secret' })
  const answer = await rawRequest(emulator.tokenUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&client_id=id&client_secret=secret'
  })
  t.equal(answer.status, 401)
  t.match(JSON.parse(answer.body), { error: 'invalid_client' })
})

const malformed: [string, string, string][] = [
  ['another grant type', 'grant_type=password', 'unsupported_grant_type'],
  ['another scope', 'grant_type=client_credentials&scope=voice', 'invalid_scope'],
  ['a scope beside the right one', 'grant_type=client_credentials&scope=voice.webrtc+x', 'invalid_scope'],
  ['no grant type', 'scope=voice.webrtc', 'invalid_request'],
  ['an empty grant type', 'grant_type=', 'invalid_request'],
  ['an empty body', '', 'invalid_request'],
  ['a repeated grant type', 'grant_type=client_credentials&grant_type=client_credentials', 'invalid_request'],
  ['a repeated scope', 'grant_type=client_credentials&scope=voice.webrtc&scope=', 'invalid_request'],
  ['a body that is too large', `grant_type=client_credentials&x=${'x'.repeat(16 * 1024)}`, 'invalid_request']
]
for (const [what, body, error] of malformed) {
  t.test(`refuses ${what} as ${error}`, async (t) => {
    const response = await requestToken(await emulate(t), { body })
    t.equal(response.status, 400)
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.match(await response.json(), { error, error_description: String })
  })
}

for (const contentType of ['application/json', 'text/plain', 'application/x-www-form-urlencoded2']) {
  t.test(`refuses the content type ${contentType} as invalid_request`, async (t) => {
    const response = await requestToken(await emulate(t), { headers: { 'content-type': contentType } })
    t.equal(response.status, 400)
    t.match(await response.json(), { error: 'invalid_request', error_description: /content type/ })
  })
}

t.test('says that a body is too large', async (t) => {
  const body = `grant_type=client_credentials&x=${'x'.repeat(16 * 1024)}`
  const response = await requestToken(await emulate(t), { body })
  t.match(await response.json(), { error_description: 'the body is larger than 16384 bytes' })
})

t.test('answers a body without end before it ends', async (t) => {
  const emulator = await emulate(t)
  const { hostname, port, pathname } = new URL(emulator.tokenUrl)
  const socket = connect(Number(port), hostname)
  t.teardown(() => socket.destroy())
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n` +
      `Authorization: ${basic(emulator.clientId, emulator.clientSecret)}\r\n` +
      'Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n'
  )
  socket.write(`8000\r\n${'x'.repeat(0x8000)}\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 400 /)
})

for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
  t.test(`names POST as the method of the token endpoint to ${method}`, async (t) => {
    const { status, headers } = await rawRequest((await emulate(t)).tokenUrl, { method })
    t.equal(status, 405)
    t.equal(headers.allow, 'POST')
  })
}

t.test('serves the keys to GET and HEAD only', async (t) => {
  const url = `${(await emulate(t)).origin}/.well-known/jwks.json`
  t.match(await rawRequest(url, { method: 'HEAD' }), { status: 200, body: '' })
  t.match(await rawRequest(url, { method: 'POST' }), { status: 405, headers: { allow: 'GET, HEAD' } })
})

t.test('finds nothing at other addresses', async (t) => {
  const { origin } = await emulate(t)
  for (const path of ['/', '/api/v1/oauth2/token/', '/api/v1/oauth2']) {
    t.equal((await fetch(origin + path)).status, 404, path)
  }
})

t.test('serves a token request that carries a query', async (t) => {
  const emulator = await emulate(t)
  const response = await fetch(`${emulator.tokenUrl}?x=1`, {
    method: 'POST',
    headers: { authorization: basic(emulator.clientId, emulator.clientSecret) },
    body: new URLSearchParams({ grant_type: 'client_credentials' })
  })
  t.equal(response.status, 200)
})
