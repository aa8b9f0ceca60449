import { isDeepStrictEqual } from 'node:util'
import type { BandwidthTokenError } from '@bandwidth-token/core'
import express from 'express'
import t, { type Test } from 'tap'
import { expressHarness } from '../support/adapters-express.js'
import { express4 } from '../support/adapters-express4.js'
import { fastifyHarness } from '../support/adapters-fastify.js'
import { type AppServer, serve } from '../support/adapters-harness.js'
import { ask } from '../support/adapters-http.js'
import { ErrorHandlers } from '../support/leak-hunt/error-handlers.js'
import { until } from '../support/outcomes.js'
import { FAULTS, type Fault } from './faults.js'
import { hunt, type Stage, setStage } from './stage.js'

delete process.env['BW_TOKEN_URL']

const ATTEMPTS = 3
const STATUS_CODES = { ERR_BANDWIDTH_TOKEN_UNAVAILABLE: 503, ERR_BANDWIDTH_TOKEN_TIMEOUT: 504 }
const HARNESSES = [fastifyHarness, expressHarness('express4', express4), expressHarness('express5', express)]
const handlers = await ErrorHandlers.start(t)

function isErrorOf(t: Test, { code, causes }: Fault, value: unknown): void {
  const error = value as BandwidthTokenError
  const { statusCode, attempts, retryAfter, upstreamStatus } = error
  t.strictSame(
    { code: error.code, statusCode, attempts, retryAfter, upstreamStatus },
    { code, statusCode: STATUS_CODES[code], attempts: ATTEMPTS, retryAfter: 1, upstreamStatus: undefined }
  )
  const cause = error.cause && { name: (error.cause as Error).name, ...(error.cause as object) }
  const found = causes?.find((known) => isDeepStrictEqual(known, cause))
  t.strictSame(cause, found ?? causes?.[0], 'the cause')
}

async function failsCold(t: Test, stage: Stage, fault: Fault, apps: readonly AppServer[]): Promise<void> {
  const { provider, outcome, lines } = stage
  const [answers, ...errors] = (await outcome(
    Promise.all([
      Promise.all(apps.map(({ origin }) => ask(`${origin}/bandwidth/token`))),
      ...[provider.getToken(), provider.getToken(), provider.accessToken(), provider.warmUp()].map(
        (promise) =>
          promise.then(
            () => 'a token',
            (error) => error
          )
      )
    ])
  )) as [Awaited<ReturnType<typeof ask>>[], ...unknown[]]
  const late = await outcome(provider.getToken())
  t.equal(new Set([...errors, late]).size, 5, 'everybody gets an error of his own')
  for (const error of [...errors, late]) isErrorOf(t, fault, error)
  for (const { status, headers } of answers) {
    t.equal(status, STATUS_CODES[fault.code])
    t.match(headers, { 'retry-after': '1', 'cache-control': 'no-store' })
  }
  t.equal(fault.knocks(stage), ATTEMPTS, 'nobody knocks more often than that')
  const status = provider.status()
  t.match(status, { state: 'cooling', lastErrorCode: fault.code, consecutiveFailures: 1 })
  hunt.isSilent(t, { error: errors[0], late, provider, status, answers, lines })
  hunt.isSilent(t, Object.fromEntries(await handlers.show(errors[0])))
}

/** A probe of one attempt is all it takes, once the cool-down has passed. */
async function recovers(t: Test, stage: Stage, fault: Fault, apps: readonly AppServer[]): Promise<void> {
  const { provider, clock, outcome } = stage
  const before = fault.knocks(stage)
  stage.heal()
  await clock.advance(provider.status().retryInMs ?? 0)
  const answers = (await outcome(
    Promise.all(apps.map(({ origin }) => ask(`${origin}/bandwidth/token`)))
  )) as Awaited<ReturnType<typeof ask>>[]
  for (const { status, text } of answers) {
    t.equal(status, 200)
    t.equal(hunt.inText(text).length, 1, 'here the page asks for the token')
  }
  t.equal(fault.knocks(stage) - before, 1)
  t.match(provider.status(), { state: 'fresh', lastErrorCode: undefined, consecutiveFailures: 0 })
}

async function servesWarm(t: Test, stage: Stage, fault: Fault, apps: readonly AppServer[]): Promise<void> {
  const { provider, until, outcome, nextTimer, lines } = stage
  const token = provider.peek()
  await fault.strike(stage)
  const before = fault.knocks(stage)
  await nextTimer()
  const during = await Promise.all(Array.from({ length: 50 }, () => provider.getToken()))
  await until(() => provider.status().consecutiveFailures === 1)
  const after = await Promise.all(Array.from({ length: 50 }, () => provider.getToken()))
  t.ok([...during, ...after].every((served) => served === token))
  for (const { origin } of apps) {
    const { status, json } = (await outcome(ask(`${origin}/bandwidth/token`))) as Awaited<
      ReturnType<typeof ask>
    >
    t.equal(status, 200)
    t.equal(json.access_token_id, token?.accessTokenId)
  }
  t.equal(fault.knocks(stage) - before, 1, 'one attempt in the background')
  t.match(provider.status(), { state: 'degraded', lastErrorCode: fault.code })
  hunt.isSilent(t, { provider, token, status: provider.status(), lines })

  stage.heal()
  await nextTimer()
  await until(() => provider.status().state === 'fresh')
  t.not(await provider.getToken(), token, 'refreshed by itself after the cool-down')
  t.equal(fault.knocks(stage) - before, 2)
}

async function leavesNothing(t: Test, { close, clock, endpoint, proxy }: Stage): Promise<void> {
  await close()
  t.equal(clock.timers.size, 0, 'no timer')
  await until(() => endpoint.openSockets + proxy.openSockets === 0)
}

t.jobs = 3
for (const fault of FAULTS) {
  t.test(`when ${fault.name}`, { buffered: true }, async (t) => {
    const stage = await setStage(t, fault.route)
    const apps: AppServer[] = []
    for (const harness of HARNESSES) {
      const options = { provider: stage.provider, authorize: () => true }
      apps.push(await serve(t, harness, [options], { errorHandler: 'framework' }))
    }
    await fault.strike(stage)
    await t.test('a cold provider fails', (t) => failsCold(t, stage, fault, apps))
    await t.test('it recovers after the cool-down', (t) => recovers(t, stage, fault, apps))
    await t.test('a provider with a token goes on serving', (t) => servesWarm(t, stage, fault, apps))
    await t.test('nothing is left after close()', (t) => leavesNothing(t, stage))
  })
}
