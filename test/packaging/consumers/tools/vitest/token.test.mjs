import { once } from 'node:events'
import { testProvider } from '@bandwidth-token/core/testing'
import { bandwidthToken } from '@bandwidth-token/express'
import fastifyBandwidthToken from '@bandwidth-token/fastify'
import express from 'express'
import Fastify from 'fastify'
import { expect, test } from 'vitest'

test('a Fastify app serves a token of the endpoint', async () => {
  const app = Fastify()
  await app.register(fastifyBandwidthToken, { authorize: () => true })
  const response = await app.inject('/bandwidth/token')
  expect(response.json()).toMatchObject({ access_token: process.env.EXPECTED_TOKEN })
  await app.close()
})

test('an Express app is tested without a network', async () => {
  const provider = testProvider({ accessToken: 'token' })
  const server = express()
    .use(bandwidthToken({ provider, authorize: () => true }))
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}/bandwidth/token`)
  expect(await response.json()).toMatchObject({ access_token: 'token' })
  server.close()
})
