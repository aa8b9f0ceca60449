import { inspect } from 'node:util'
import t from 'tap'
import { grant, startEndpoint } from '../../support/endpoint.js'

t.test('shows a token by its id and seconds only', async (t) => {
  const endpoint = await startEndpoint(t)
  const token = await endpoint.provider(t).getToken()
  t.equal(token.authorization, 'Bearer token-1')
  t.equal(token.tokenType, 'Bearer')
  t.strictSame(token.toResponse(), {
    access_token: 'token-1',
    access_token_id: 'id-1',
    token_type: 'Bearer',
    expires_in: 600
  })
  t.equal(JSON.stringify(token), '{"accessTokenId":"id-1","expiresIn":600}')
  for (const shown of [inspect(token), String(token), `${token}`, JSON.stringify({ token })]) {
    t.match(shown, /id-1/)
    t.notMatch(shown, /token-1/)
  }
  t.ok(Object.isFrozen(token))
  token.expiresAt.setTime(0)
  t.not(token.expiresAt.getTime(), 0, 'its dates are copies')
})

t.test('shows a token without an id', async (t) => {
  const endpoint = await startEndpoint(t, grant({ access_token_id: undefined }))
  const token = await endpoint.provider(t).getToken()
  t.equal(token.accessTokenId, undefined)
  t.equal(String(token), 'AccessToken (no id), 600 s left')
  t.strictSame(Object.keys(token.toResponse()), ['access_token', 'token_type', 'expires_in'])
})
