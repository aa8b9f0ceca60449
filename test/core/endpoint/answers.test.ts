import t, { type Test } from 'tap'
import { type Answer, answerWith, grant, startEndpoint } from '../../support/endpoint.js'
import { rejection } from '../../support/outcomes.js'
import { CREDENTIALS, provide } from '../../support/provide.js'
import { recordingLogger } from '../../support/recording-logger.js'

delete process.env['BW_TOKEN_URL']

async function tokenFrom(t: Test, answer: Answer) {
  const server = await startEndpoint(t, answer)
  const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl })
  return provider.getToken()
}

t.test('takes an answer of 64 KiB, and none that is a byte longer', async (t) => {
  const ofBytes = (bytes: number) => answerWith(200, '{"access_token":"a","expires_in":600}'.padEnd(bytes))
  t.equal((await tokenFrom(t, ofBytes(65_536))).accessToken, 'a')
  t.match(await rejection(tokenFrom(t, ofBytes(65_537))), { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' })
})

t.test('takes every character that a bearer token may have', async (t) => {
  const accessToken = 'AZaz09-._~+/=='
  t.equal((await tokenFrom(t, grant({ access_token: accessToken }))).authorization, `Bearer ${accessToken}`)
})

for (const token_type of ['Bearer', 'bearer', 'BEARER', 'bEaReR', undefined]) {
  t.test(`takes the token_type ${token_type}`, async (t) => {
    t.equal((await tokenFrom(t, grant({ token_type }))).tokenType, 'Bearer')
  })
}

t.test('takes an early hint, a byte order mark and another content type', async (t) => {
  const body = `\ufeff${JSON.stringify({ access_token: 'early', expires_in: 600 })}`
  const token = await tokenFrom(t, ({ response }) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.writeHead(200, { 'Content-Type': 'text/plain' }).end(body)
  })
  t.equal(token.accessToken, 'early')
  t.equal(token.accessTokenId, undefined)
})

t.test('has no id where the endpoint sent none that can be shown', async (t) => {
  for (const access_token_id of [undefined, null, 7, {}, ['id'], 'token-1', 'it is token-1']) {
    t.equal((await tokenFrom(t, grant({ access_token_id }))).accessTokenId, undefined)
  }
})

for (const [expires_in, seconds, warnings] of [
  [600, 600, 0],
  ['600', 600, 0],
  [600.9, 600, 0],
  ['600.9', 600, 0],
  [86_400, 86_400, 0],
  [86_401, 86_400, 0],
  [1e12, 86_400, 0],
  ['1000000000000', 86_400, 0],
  [undefined, 60, 1],
  [null, 60, 1]
] as const) {
  t.test(`takes the expires_in ${JSON.stringify(expires_in)} for ${seconds} s`, async (t) => {
    const server = await startEndpoint(t, grant({ expires_in }))
    const logger = recordingLogger()
    const provider = provide(t, { ...CREDENTIALS, tokenUrl: server.tokenUrl, logger })
    const token = await provider.getToken()
    t.equal(token.expiresAt.getTime() - token.issuedAt.getTime(), seconds * 1000)
    await provider.getToken({ account: 'another' })
    const said = logger.lines.filter(({ level }) => level !== 'debug')
    t.equal(said.length, warnings, 'warns once, whatever the number of tokens')
    if (warnings > 0) t.match(said[0], { level: 'warn', message: /expires_in/ })
  })
}
