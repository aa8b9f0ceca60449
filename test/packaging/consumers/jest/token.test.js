const { once } = require('node:events')
const { TokenProvider } = require('@bandwidth-token/core')
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
