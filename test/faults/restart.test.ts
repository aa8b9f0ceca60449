import type { AccessToken, BandwidthTokenError } from '@bandwidth-token/core'
import express from 'express'
import t, { type Test } from 'tap'
import { expressHarness } from '../support/adapters-express.js'
import { express4 } from '../support/adapters-express4.js'
import { fastifyHarness } from '../support/adapters-fastify.js'
import { serve } from '../support/adapters-harness.js'
import { ask, type Answer as Page } from '../support/adapters-http.js'
import { rejection } from '../support/outcomes.js'
import { hunt, type Stage, setStage } from './stage.js'

delete process.env['BW_TOKEN_URL']

const CALLERS = 1_000
const PAGES = 20
const HARNESSES = [fastifyHarness, expressHarness('express4', express4), expressHarness('express5', express)]

/** A thousand who want a token, sixty of them pages that ask the routes of the adapters. */
async function callers(
  t: Test,
  { provider }: Stage
): Promise<() => [Promise<AccessToken>[], Promise<Page>[]]> {
  const options = { provider, authorize: () => true }
  const apps = await Promise.all(HARNESSES.map((harness) => serve(t, harness, [options])))
  return () => [
    Array.from({ length: CALLERS - PAGES * apps.length }, () => provider.getToken()),
    apps.flatMap(({ origin }) => Array.from({ length: PAGES }, () => ask(`${origin}/bandwidth/token`)))
  ]
}

async function allServed(
  t: Test,
  { outcome }: Stage,
  [tokens, pages]: [Promise<AccessToken>[], Promise<Page>[]]
): Promise<void> {
  const served = (await outcome(Promise.all(tokens))) as AccessToken[]
  t.equal(new Set(served).size, 1, 'all get the same token')
  for (const { status, json } of (await outcome(Promise.all(pages))) as Page[]) {
    t.match({ status, id: json.access_token_id }, { status: 200, id: served[0]?.accessTokenId })
  }
}

t.test('1,000 callers wait while the endpoint restarts, and all get the same token', async (t) => {
  const stage = await setStage(t)
  const { endpoint, until } = stage
  const { answer } = endpoint
  endpoint.answer = () => {}
  const waiting = (await callers(t, stage))()
  await until(() => endpoint.requests.length === 1)

  endpoint.crash()
  await until(() => endpoint.dials === 2)
  endpoint.answer = answer
  await endpoint.restart()
  await allServed(t, stage, waiting)
  t.equal(endpoint.dials, 3)
  t.equal(endpoint.requests.length, 2, 'the one that was lost, and the one that was answered')
})

t.test('1,000 callers wait for an endpoint that stays down for a while', async (t) => {
  const stage = await setStage(t)
  const { endpoint, provider, clock, outcome, until, lines } = stage
  const { answer } = endpoint
  endpoint.answer = () => {}
  const call = await callers(t, stage)
  const [waiting, pages] = call()
  await until(() => endpoint.requests.length === 1)
  endpoint.crash()

  const errors = (await outcome(Promise.all(waiting.map(rejection)))) as unknown as BandwidthTokenError[]
  t.equal(new Set(errors).size, waiting.length, 'each gets an error of his own')
  for (const { code, attempts, retryAfter } of errors) {
    if (code !== 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' || attempts !== 3 || retryAfter !== 1) t.fail(code)
  }
  for (const { status } of (await outcome(Promise.all(pages))) as Page[]) t.equal(status, 503)
  t.equal(endpoint.dials, 3)
  const [refused, refusedPages] = call()
  await outcome(Promise.all(refused.map(rejection)))
  await outcome(Promise.all(refusedPages))
  t.equal(endpoint.dials, 3, 'nobody dials during the cool-down')
  hunt.isSilent(t, { error: errors[0], provider, lines })

  endpoint.answer = answer
  await endpoint.restart()
  await clock.advance(provider.status().retryInMs ?? 0)
  await allServed(t, stage, call())
  t.equal(endpoint.dials, 4, 'one probe for all')
})

t.test('1,000 callers with a valid token do not feel that the endpoint restarts', async (t) => {
  const stage = await setStage(t)
  const { endpoint, provider, outcome, until, nextTimer } = stage
  const { answer } = endpoint
  const token = (await outcome(provider.getToken())) as AccessToken
  const call = await callers(t, stage)
  endpoint.answer = () => {}
  await nextTimer()
  await until(() => endpoint.requests.length === 2)

  const [before, pagesBefore] = call()
  endpoint.crash()
  await until(() => provider.status().state === 'degraded')
  const [during, pagesDuring] = call()
  endpoint.answer = answer
  await endpoint.restart()
  for (const served of await Promise.all([...before, ...during]))
    if (served !== token) t.fail('another token')
  for (const { status, json } of (await outcome(Promise.all([...pagesBefore, ...pagesDuring]))) as Page[]) {
    t.match({ status, id: json.access_token_id }, { status: 200, id: token.accessTokenId })
  }
  await nextTimer()
  await until(() => provider.status().state === 'fresh')
  t.not(await provider.getToken(), token)
  t.equal(endpoint.dials, 3)
})
