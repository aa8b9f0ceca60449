const { once } = require('node:events')
const { TokenProvider } = require('@bandwidth-token/core')
const { testProvider } = require('@bandwidth-token/core/testing')
const { bandwidthToken } = require('@bandwidth-token/express')
const express = require('express')

test('the core gets a token', async () => {
  const provider = new TokenProvider()
  const token = await provider.getToken()
  expect(token.accessToken).toBe(process.env.EXPECTED_TOKEN)
  await provider.close()
})

test('an Express app serves a token', async () => {
  const middleware = bandwidthToken({ authorize: (req) => req.get('x-user') === 'alice' })
  const server = express().use(middleware).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}/bandwidth/token`, {
    headers: { 'x-user': 'alice' }
  })
  expect(await response.json()).toMatchObject({ access_token: process.env.EXPECTED_TOKEN })
  server.close()
  await middleware.close()
})

test('an Express app is tested without a network', async () => {
  const provider = testProvider({ accessToken: 'token', accessTokenId: 'id' })
  const server = express()
    .use(bandwidthToken({ provider, authorize: () => true }))
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}/bandwidth/token`)
  expect(await response.json()).toEqual({
    access_token: 'token',
    access_token_id: 'id',
    token_type: 'Bearer',
    expires_in: 600
  })
  expect(provider.calls).toEqual([{}])
  server.close()
})
