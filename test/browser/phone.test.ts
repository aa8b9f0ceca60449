import type {
  BandwidthListeners,
  BandwidthPhone,
  BandwidthSession,
  SipMessage,
  TokenSourceEvent,
  TokenSourceOptions
} from '@bandwidth-token/browser'
import t from 'tap'
import { type Answer, answerWith, grant } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import type { Teardown } from '../support/teardown.js'
import { turns } from '../support/virtual-clock.js'
import { type Gateway, startGateway } from './gateway.js'
import { type Stage, stage } from './page.js'
import { type Agent, createAgent, microphone } from './sdk.js'

const TO = '+15551234567'

interface PhoneStage extends Stage {
  readonly agent: Agent
  readonly gateway: Gateway
  readonly phone: BandwidthPhone
  /** What reached the user's listeners, in order. */
  readonly heard: { name: string; args: readonly unknown[] }[]
  /** Those of one name. */
  heardOf(name: string): readonly (readonly unknown[])[]
  /** Lets sockets work until it is so. */
  eventually(condition: () => boolean): Promise<void>
}

/** The real SDK between our token source and a gateway on a real WebSocket. */
async function phoneStage(t: Teardown, answer?: Answer, options?: TokenSourceOptions): Promise<PhoneStage> {
  const gateway = await startGateway(t)
  const staged = await stage(t, answer, options)
  const agent = createAgent(t, staged.page, gateway)
  const heard: PhoneStage['heard'] = []
  const listen =
    (name: string) =>
    (...args: unknown[]) =>
      void heard.push({ name, args })
  const names = ['loginStateChanged', 'outgoingCallProgress', 'callTerminated', 'callConfirmed']
  const listeners = Object.fromEntries(names.map((name) => [name, listen(name)])) as BandwidthListeners
  const phone = staged.source.attach(agent, listeners)
  agent.init()
  const eventually = async (condition: () => boolean) => {
    for (let turn = 0; !condition(); turn++) {
      if (turn > 100_000) throw new Error(`still not so: ${condition}`)
      await turns(1)
    }
  }
  await eventually(() => heard.some(({ args }) => args[1] === 'connected'))
  return {
    ...staged,
    agent,
    gateway,
    phone,
    heard,
    heardOf: (name) => heard.filter((event) => event.name === name).map(({ args }) => args),
    eventually
  }
}

/** A gateway that has revoked tokens. */
const refuse =
  (...tokens: string[]): Gateway['answer'] =>
  ({ token }) =>
    tokens.includes(token ?? '') ? 401 : 200

/** A gateway that takes calls with `accepted` at once; any other waits for a status from what is returned. */
function holdUnless(gateway: Gateway, accepted: string): (status: number) => void {
  let answer = (_status: number) => {}
  gateway.answer = ({ token }) =>
    token === accepted
      ? 200
      : new Promise((resolve) => {
          answer = resolve
        })
  return (status) => answer(status)
}

const refusals = (events: readonly TokenSourceEvent[]) => events.filter(({ type }) => type === 'refused')

/** The sessions and statuses with which calls ended. */
const endings = (stage: PhoneStage) =>
  stage.heardOf('callTerminated').map(([session, message]) => ({
    session,
    status: (message as SipMessage | null)?.status_code
  }))

t.test('dials with the token of the route, set and dialled in one synchronous step', async (t) => {
  const { phone, agent, gateway, heardOf, eventually } = await phoneStage(t)
  const session = await phone.call(TO, ['X-Account: 7'])
  t.strictSame(agent.steps.slice(0, 2), ['token token-1', `call ${TO}`])
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.equal(gateway.invites.length, 1)
  t.match(gateway.invites[0], {
    token: 'token-1',
    target: `sip:${TO}@gateway.example`,
    message: /^X-Account: 7\r$/m
  })
  t.equal(heardOf('outgoingCallProgress')[0]?.[0], session)
  t.equal(heardOf('callConfirmed')[0]?.[0], session)
  session.terminate()
  await eventually(() => gateway.methods.length === 3)
  t.strictSame(gateway.methods, ['INVITE', 'ACK', 'BYE'])
  t.equal(heardOf('callTerminated').length, 1)
})

t.test('a call after a rotation uses the new token, and nothing is restarted', async (t) => {
  const { page, phone, gateway, eventually } = await phoneStage(t)
  await phone.call(TO)
  await eventually(() => gateway.invites.length === 1)
  await page.advance(586_000, 5_000)
  await phone.call(TO)
  await eventually(() => gateway.invites.length === 2)
  t.strictSame(
    gateway.invites.map(({ token }) => token),
    ['token-1', 'token-2']
  )
})

t.test('gives the agent all seven listeners, whatever the user listens to', async (t) => {
  const { agent, source, phone } = await phoneStage(t)
  t.strictSame(Object.keys(agent.given ?? {}).sort(), [
    'callConfirmed',
    'callHoldStateChanged',
    'callShowStreams',
    'callTerminated',
    'incomingCall',
    'loginStateChanged',
    'outgoingCallProgress'
  ])
  phone.detach()
  source.attach(agent)
  for (const listener of Object.values(agent.given ?? {})) t.doesNotThrow(() => (listener as () => void)())
})

t.test('hands every event on as it is, to listeners that are looked up by then', async (t) => {
  const { agent, source, phone } = await phoneStage(t)
  phone.detach()
  const heard: unknown[][] = []
  const names = Object.keys(agent.given ?? {})
  const user: Record<string, (...args: unknown[]) => void> = {}
  source.attach(agent, user)
  for (const name of names) {
    user[name] = function (this: unknown, ...args) {
      heard.push([name, this === user, ...args])
    }
  }
  const args = [{}, { status_code: 486 }, 'Busy']
  for (const name of names) (agent.given as unknown as typeof user)[name]?.(...args)
  t.strictSame(
    heard,
    names.map((name) => [name, true, ...args])
  )
})

t.test('silences the SDK, which prints every SIP message with the token in it', async (t) => {
  const { agent, phone, gateway, heardOf, eventually } = await phoneStage(t)
  const logged: string[] = []
  for (const method of ['log', 'debug', 'info', 'warn', 'error'] as const) {
    const original = console[method]
    t.teardown(() => {
      console[method] = original
    })
    console[method] = (...args: unknown[]) => void logged.push(args.map(String).join(' '))
  }
  const before = agent.printed.length
  t.ok(before > 0, 'it has printed until it was attached')
  await phone.call(TO)
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.equal(agent.printed.length, before)
  t.strictSame(logged, [])
  agent.setBWLogger((...args) => void logged.push(args.map(String).join(' ')))
  await phone.call(TO)
  await eventually(() => gateway.invites.length === 2)
  t.ok(logged.join().includes('Bearer token-1'), 'as it would have done')
})

t.test('a revoked token gives exactly one redial and one request', async (t) => {
  const stage = await phoneStage(t)
  const { phone, route, gateway, events, heardOf, eventually } = stage
  gateway.answer = refuse('token-1')
  const session = await phone.call(TO, ['X-Account: 7'], { anonymous: true })
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.strictSame(
    route.requests.map(({ url }) => url),
    ['/api/v1/oauth2/token', '/api/v1/oauth2/token?rejected=id-1']
  )
  t.match(gateway.invites, [{ token: 'token-1' }, { token: 'token-2', message: /^X-Account: 7\r$/m }])
  t.match(gateway.invites[1]?.message, /^From: .*anonymous/m, 'with the same options')
  t.equal(gateway.invites.length, 2)
  const [redialled] = heardOf('callConfirmed')[0] ?? []
  t.not(redialled, session, 'events carry the new session')
  t.strictSame(endings(stage), [], "the 401 is nobody's business")
  t.strictSame(refusals(events), [{ type: 'refused', accessTokenId: 'id-1', session, replacedBy: redialled }])
  t.strictSame(
    events.map(({ type }) => type),
    ['token', 'token', 'refused']
  )
})

t.test('asks with the query that the route has already, and any id', async (t) => {
  const stage = await phoneStage(t, grant({ access_token_id: 'a&b/c=' }))
  const { agent, route, gateway, source, heardOf, phone, eventually } = stage
  phone.detach()
  source.close()
  const { createTokenSource } = await import('@bandwidth-token/browser')
  const other = createTokenSource({ url: `${route.tokenUrl}?tenant=1` })
  t.teardown(() => other.close())
  gateway.answer = refuse('token-1')
  await other
    .attach(agent, { callConfirmed: (...args) => void stage.heard.push({ name: 'callConfirmed', args }) })
    .call(TO)
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.strictSame(
    route.requests.map(({ url }) => url),
    ['/api/v1/oauth2/token?tenant=1', '/api/v1/oauth2/token?tenant=1&rejected=a%26b%2Fc%3D']
  )
})

t.test('a redial that is refused too is the last: the user hears of its 401', async (t) => {
  const stage = await phoneStage(t)
  const { phone, route, gateway, events, eventually } = stage
  gateway.answer = () => 401
  const session = await phone.call(TO)
  await eventually(() => endings(stage).length > 0)
  await turns(50)
  t.equal(gateway.invites.length, 2)
  t.equal(route.requests.length, 2)
  const [ending, ...others] = endings(stage)
  t.equal(others.length, 0)
  t.equal(ending?.status, 401)
  t.not(ending?.session, session)
  t.match(refusals(events), [
    { accessTokenId: 'id-1', session, replacedBy: ending?.session },
    { accessTokenId: 'id-2', session: ending?.session, replacedBy: undefined }
  ])
})

t.test("passes a redial's other end on as it is", async (t) => {
  const stage = await phoneStage(t)
  const { phone, gateway, eventually } = stage
  gateway.answer = ({ token }) => (token === 'token-1' ? 401 : 486)
  await phone.call(TO)
  await eventually(() => endings(stage).length > 0)
  t.match(endings(stage), [{ status: 486 }])
})

for (const [what, answer, types] of [
  ['hands out the same token', grant({ access_token: 'token-1' }), []],
  ['is unavailable', answerWith(503), ['error']],
  ['hands out nonsense', answerWith(200, '<html>'), ['error']],
  ['has signed the user out', answerWith(401), ['signed-out']]
] as const) {
  t.test(`passes the 401 on when the route ${what}`, async (t) => {
    const stage = await phoneStage(t)
    const { phone, route, gateway, events, eventually } = stage
    gateway.answer = () => 401
    route.answer = (exchange) => (exchange.number === 1 ? grant() : answer)(exchange)
    const session = await phone.call(TO)
    await eventually(() => endings(stage).length > 0)
    await turns(50)
    t.strictSame(endings(stage), [{ session, status: 401 }])
    t.equal(gateway.invites.length, 1)
    t.equal(route.requests.length, 2)
    t.strictSame(
      events.map(({ type }) => type),
      ['token', ...types, 'refused']
    )
    t.match(refusals(events), [{ accessTokenId: 'id-1', session, replacedBy: undefined }])
  })
}

t.test(
  'a listener that throws at a 401 is reported as any uncaught error is, and rejects nothing',
  async (t) => {
    const stage = await phoneStage(t)
    const { agent, source, phone, route, gateway, eventually } = stage
    const reported: unknown[] = []
    const globals = globalThis as { reportError?: unknown }
    globals.reportError = (error: unknown) => reported.push(error)
    const unhandled: unknown[] = []
    const hear = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', hear)
    t.teardown(() => {
      delete globals.reportError
      process.off('unhandledRejection', hear)
    })
    phone.detach()
    const thrown = new Error('of the app')
    const { call } = source.attach(agent, {
      callTerminated: () => {
        throw thrown
      }
    })
    gateway.answer = () => 401
    route.answer = (exchange) => (exchange.number === 1 ? grant() : answerWith(503))(exchange)
    await call(TO)
    await eventually(() => reported.length + unhandled.length > 0)
    t.strictSame({ reported, unhandled }, { reported: [thrown], unhandled: [] })
  }
)

t.test('passes the 401 on if the refresh that was in flight fails', async (t) => {
  const stage = await phoneStage(t, grant({ expires_in: 20 }))
  const { page, phone, route, gateway, hold, release, events, eventually } = stage
  const answer = holdUnless(gateway, 'token-2')
  const session = await phone.call(TO)
  await eventually(() => gateway.invites.length === 1)
  route.answer = answerWith(503)
  hold()
  await page.advance(8_000)
  t.equal(route.requests.length, 2)
  answer(401)
  await turns(50)
  await release()
  await eventually(() => endings(stage).length > 0)
  t.strictSame(endings(stage), [{ session, status: 401 }])
  t.match(refusals(events), [{ session, replacedBy: undefined }])
  t.equal(route.requests.length, 2)
})

t.test('asks for nothing while the route is to be left alone', async (t) => {
  const stage = await phoneStage(t)
  const { page, phone, source, route, gateway, eventually } = stage
  await source.getToken()
  route.answer = answerWith(503, '', { 'retry-after': '200' })
  await page.advance(586_000, 5_000)
  t.equal(route.requests.length, 2)
  gateway.answer = () => 401
  await phone.call(TO)
  await eventually(() => endings(stage).length > 0)
  t.equal(route.requests.length, 2)
})

t.test('redials without a request when the page has another token by then', async (t) => {
  const { page, phone, route, gateway, heardOf, eventually } = await phoneStage(t, grant({ expires_in: 20 }))
  const answer = holdUnless(gateway, 'token-2')
  await phone.call(TO)
  await eventually(() => gateway.invites.length === 1)
  await page.advance(8_000)
  t.equal(route.requests.length, 2)
  answer(401)
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.equal(route.requests.length, 2)
  t.equal(gateway.invites.length, 2)
})

t.test('redials with the other token that it has, if the refresh of that one fails meanwhile', async (t) => {
  // Each token is refreshed after 6.25 s.
  t.intercept(Math, 'random', { value: () => 0.5 })
  const stage = await phoneStage(t, grant({ expires_in: 20 }))
  const { page, phone, route, gateway, hold, release, heardOf, eventually } = stage
  const answer = holdUnless(gateway, 'token-2')
  await phone.call(TO)
  await eventually(() => gateway.invites.length === 1)
  await page.advance(8_000)
  t.equal(route.requests.length, 2)
  route.answer = answerWith(503)
  hold()
  await page.advance(6_000)
  t.equal(route.requests.length, 3)
  answer(401)
  await turns(50)
  await release()
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.equal(gateway.invites.length, 2)
  t.equal(route.requests.length, 3)
  t.strictSame(endings(stage), [])
})

t.test('redials with no token whose refusal another call has just heard of', async (t) => {
  const { source, phone, route, gateway, hold, release, heardOf, eventually } = await phoneStage(t)
  const refuse = new Map<string | undefined, (status: number) => void>()
  gateway.answer = ({ token }) =>
    token === 'token-3' ? 200 : new Promise((resolve) => refuse.set(token, resolve))
  await phone.call(TO)
  await eventually(() => refuse.has('token-1'))
  source.invalidate()
  await source.getToken()
  await phone.call(TO)
  await eventually(() => refuse.has('token-2'))
  hold()
  refuse.get('token-2')?.(401)
  await eventually(() => route.requests.length === 3)
  refuse.get('token-1')?.(401)
  await turns(50)
  await release()
  await eventually(() => heardOf('callConfirmed').length === 2)
  t.strictSame(
    gateway.invites.map(({ token }) => token),
    ['token-1', 'token-2', 'token-3', 'token-3']
  )
})

t.test('asks for another token when a refresh that was under way brings the refused one again', async (t) => {
  const { page, phone, route, gateway, hold, release, heardOf, eventually } = await phoneStage(t)
  route.answer = (exchange) =>
    grant({
      access_token: exchange.request.url.endsWith('?rejected=id-1') ? 'token-2' : 'token-1',
      expires_in: 20
    })(exchange)
  const answer = holdUnless(gateway, 'token-2')
  await phone.call(TO)
  await eventually(() => gateway.invites.length === 1)
  hold()
  await page.advance(8_000)
  t.equal(route.requests.length, 2)
  answer(401)
  await turns(50)
  await release()
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.equal(route.requests.length, 3)
  t.equal(gateway.invites.length, 2)
})

t.test('calls that are refused together share one request', async (t) => {
  const stage = await phoneStage(t)
  const { phone, route, gateway, heardOf, eventually } = stage
  gateway.answer = refuse('token-1')
  await Promise.all([phone.call(TO), phone.call(TO), phone.call(TO)])
  await eventually(() => heardOf('callConfirmed').length === 3)
  t.equal(route.requests.length, 2)
  t.equal(gateway.invites.length, 6)
})

t.test('others are served with the token at hand while one is replaced', async (t) => {
  const { phone, source, gateway, route, hold, release, heardOf, eventually } = await phoneStage(t)
  gateway.answer = refuse('token-1')
  await phone.call(TO)
  hold()
  await eventually(() => route.requests.length === 2)
  t.equal((await source.getToken()).accessToken, 'token-1')
  await release()
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.equal((await source.getToken()).accessToken, 'token-2')
})

t.test('a user who ends the call before the redial gets the 401 at once, and there is none', async (t) => {
  const stage = await phoneStage(t)
  const { phone, route, gateway, events, hold, release, eventually } = stage
  gateway.answer = refuse('token-1')
  const session = await phone.call(TO)
  hold()
  await eventually(() => route.requests.length === 2)
  t.strictSame(endings(stage), [])
  session.terminate()
  t.strictSame(endings(stage), [{ session, status: 401 }])
  await release()
  await turns(100)
  t.equal(gateway.invites.length, 1)
  t.equal(endings(stage).length, 1)
  t.match(refusals(events), [{ session, replacedBy: undefined }])
  session.terminate()
  t.equal(endings(stage).length, 1)
})

t.test('a user who ends the call before the answer ends it as the SDK does', async (t) => {
  const stage = await phoneStage(t)
  const { phone, route, gateway, eventually } = stage
  gateway.answer = () => new Promise(() => {})
  const session = await phone.call(TO)
  await eventually(() => gateway.invites.length === 1)
  session.terminate()
  t.match(stage.heardOf('callTerminated'), [[session, null, 'Canceled']])
  t.equal(route.requests.length, 1)
})

t.test('a user who still holds the old session ends the redial with it', async (t) => {
  const stage = await phoneStage(t)
  const { phone, gateway, heardOf, eventually } = stage
  gateway.answer = refuse('token-1')
  const session = await phone.call(TO)
  await eventually(() => heardOf('callConfirmed').length === 1)
  session.terminate()
  await eventually(() => gateway.methods.includes('BYE'))
  t.equal(endings(stage).length, 1)
})

t.test('other refusals, and a 401 once the call is accepted, are passed on', async (t) => {
  const stage = await phoneStage(t)
  const { agent, phone, route, gateway, events, heardOf, eventually } = stage
  gateway.answer = () => 403
  await phone.call(TO)
  await eventually(() => endings(stage).length === 1)
  gateway.answer = () => 200
  const session = await phone.call(TO)
  await eventually(() => heardOf('callConfirmed').length === 1)
  agent.given?.callTerminated(session, { status_code: 401 }, 'Authentication Error')
  await turns(50)
  t.match(endings(stage), [{ status: 403 }, { session, status: 401 }])
  t.equal(route.requests.length, 1)
  t.strictSame(refusals(events), [])
})

t.test('a stream that the page handed in is not dialled with again once it has ended', async (t) => {
  const stage = await phoneStage(t)
  const { phone, gateway, events, eventually } = stage
  gateway.answer = refuse('token-1')
  const mediaStream = microphone()
  const session = await phone.call(TO, null, { mediaStream: mediaStream as never })
  await eventually(() => endings(stage).length === 1)
  t.equal(mediaStream.active, false, 'the SDK has stopped it')
  t.equal(gateway.invites.length, 1)
  t.match(refusals(events), [{ session, replacedBy: undefined }])
})

t.test('a token with less than 20 s left gives way to one that comes within 2 s', async (t) => {
  const { page, phone, agent, route, hold, release } = await phoneStage(t, grant({ expires_in: 19 }))
  page.hide() // A page that is seen would have refreshed.
  await phone.call(TO)
  t.equal(route.requests.length, 1, 'the newest there is needs no better')
  route.answer = grant()
  hold()
  const pending = phone.call(TO)
  await page.advance(1_900)
  t.equal(agent.steps.includes('token token-2'), false)
  await release()
  await pending
  t.equal(agent.steps.filter((step) => step.startsWith('token')).at(-1), 'token token-2')
  await phone.call(TO)
  t.equal(route.requests.length, 2, 'one with more is dialled with as it is')
})

for (const [what, answer] of [
  ['takes longer', () => {}],
  ['fails', answerWith(503)],
  ['answers nonsense', answerWith(200, '{')]
] as [string, Answer][]) {
  t.test(`a token with less than 20 s left is dialled with when the route ${what}`, async (t) => {
    const { page, phone, agent, route } = await phoneStage(t, grant({ expires_in: 19 }))
    page.hide()
    await phone.call(TO)
    route.answer = answer
    const pending = phone.call(TO)
    await page.advance(2_100)
    await pending
    t.strictSame(
      agent.steps.filter((step) => step.startsWith('token')),
      ['token token-1', 'token token-1']
    )
    t.equal(route.requests.length, 2)
  })
}

t.test('does not ask for a longer one while the route is to be left alone', async (t) => {
  const { page, phone, source, route } = await phoneStage(t, grant({ expires_in: 19 }))
  page.hide()
  await source.getToken()
  route.answer = answerWith(503, '', { 'retry-after': '10' })
  await phone.call(TO)
  await phone.call(TO)
  t.equal(route.requests.length, 2)
})

t.test('a user who is signed out by then makes no call', async (t) => {
  const { page, phone, agent, route, events } = await phoneStage(t, grant({ expires_in: 19 }))
  page.hide()
  await phone.call(TO)
  route.answer = answerWith(403)
  t.match(await rejection(phone.call(TO)), { code: 'ERR_BANDWIDTH_TOKEN_FORBIDDEN' })
  t.equal(route.requests.length, 2)
  t.equal(agent.steps.filter((step) => step.startsWith('call')).length, 1)
  t.equal(events.at(-1)?.type, 'signed-out')
})

t.test('a call without a token waits for one, and fails as getToken() does', async (t) => {
  const { phone, gateway } = await phoneStage(t, answerWith(500))
  t.match(await rejection(phone.call(TO)), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', status: 500 })
  await turns(20)
  t.equal(gateway.invites.length, 0)
})

t.test('a call fails as the SDK does where the SDK does', async (t) => {
  const { phone } = await phoneStage(t)
  t.match(await rejection(phone.call(5 as unknown as string)), { name: 'TypeError' })
})

t.test('what is no BandwidthUA is refused when it is attached', async (t) => {
  const { agent, source } = await phoneStage(t)
  const strangers = [
    undefined,
    null,
    'ua',
    5,
    {},
    [],
    () => {},
    agent.constructor,
    { call() {} },
    new EventTarget()
  ]
  for (const stranger of strangers) {
    t.throws(() => source.attach(stranger as never), {
      code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
      message: /"ua".*BandwidthUA/
    })
  }
})

t.test('listeners that the SDK does not have, or that are none, are refused', async (t) => {
  const { agent, source, phone } = await phoneStage(t)
  phone.detach()
  for (const listeners of [
    { callTerminate: () => {} },
    { callTerminated: 'yes' },
    { constructor: () => {} }
  ]) {
    t.throws(() => source.attach(agent, listeners as BandwidthListeners), {
      code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
      message: new RegExp(`"${Object.keys(listeners)[0]}"`)
    })
  }
  source.attach(agent, { callTerminated: undefined } as unknown as BandwidthListeners)
})

t.test('listeners may be an object with a state of its own', async (t) => {
  class Page {
    status = ''
    callTerminated = () => {
      this.status = 'ended'
    }
  }
  const { source, agent, phone } = await phoneStage(t)
  phone.detach()
  const page = new Page()
  source.attach(agent, page)
  agent.given?.callTerminated({} as BandwidthSession, null, 'Canceled')
  t.equal(page.status, 'ended')
})

t.test('an agent is attached once at a time', async (t) => {
  const { agent, source, phone } = await phoneStage(t)
  t.throws(() => source.attach(agent), { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: /"ua"/ })
  phone.detach()
  phone.detach()
  const again = source.attach(agent)
  t.match(await rejection(phone.call(TO)), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  phone.detach()
  t.throws(
    () => source.attach(agent),
    { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' },
    'the old phone frees nothing'
  )
  await again.call(TO)
})

t.test('a closed source gives its agents free, attaches none and makes no call', async (t) => {
  const { agent, source, phone, gateway, heardOf, eventually } = await phoneStage(t)
  const session = await phone.call(TO)
  await eventually(() => heardOf('callConfirmed').length === 1)
  source.close()
  t.match(await rejection(phone.call(TO)), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  t.throws(() => source.attach(agent), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  session.terminate()
  t.equal(heardOf('callTerminated').length, 1, 'a call under way goes on, and is heard of')
  const { createTokenSource } = await import('@bandwidth-token/browser')
  const other = createTokenSource()
  other.attach(agent)
  other.close()
  t.equal(gateway.invites.length, 1)
})

t.test('a call that is on its way when the source is closed or the agent detached is not made', async (t) => {
  const { page, agent, source, phone, hold, release } = await phoneStage(t)
  hold()
  const pending = rejection(phone.call(TO))
  await page.settle()
  phone.detach()
  await release()
  t.match(await pending, { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  const again = source.attach(agent)
  const late = rejection(again.call(TO))
  source.close()
  t.match(await late, { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
  t.strictSame(agent.steps, [])
})

t.test('an agent that is not initialized makes no call and costs no request', async (t) => {
  const { page, agent, phone, route, hold, release } = await phoneStage(t)
  hold()
  const pending = rejection(phone.call(TO))
  await page.settle()
  agent.deinit()
  await release()
  const error = { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', message: /init\(\)/ }
  t.match(await pending, error)
  t.equal(route.requests.length, 1)
  t.match(await rejection(phone.call(TO)), error)
  t.equal(route.requests.length, 1)
  t.strictSame(agent.steps, [])
})

t.test('a call before init() is an error at once, and costs no request', async (t) => {
  const { agent, phone, route } = await phoneStage(t)
  agent.deinit()
  t.match(await rejection(phone.call(TO)), {
    code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
    message: /"ua".*init\(\)/
  })
  t.equal(route.requests.length, 0)
})

t.test('detach() ends a redial that is not made yet, and the user hears no more', async (t) => {
  const stage = await phoneStage(t)
  const { phone, route, gateway, hold, release, eventually } = stage
  gateway.answer = refuse('token-1')
  await phone.call(TO)
  hold()
  await eventually(() => route.requests.length === 2)
  phone.detach()
  await release()
  await turns(50)
  t.equal(gateway.invites.length, 1)
  t.strictSame(endings(stage), [])
})

t.test('takes sessions for what they are: one that is none of ours is handed on', async (t) => {
  const stage = await phoneStage(t)
  const { agent, route, eventually } = stage
  agent.setOAuthToken('token-of-the-page')
  stage.gateway.answer = () => 401
  const session: BandwidthSession = agent.call(TO)
  await eventually(() => endings(stage).length === 1)
  t.strictSame(endings(stage), [{ session, status: 401 }])
  t.equal(route.requests.length, 0)
})

t.test('asks without an id where Bandwidth has sent none, and redials with another token', async (t) => {
  const stage = await phoneStage(t, grant({ access_token_id: undefined }))
  const { phone, route, gateway, events, heardOf, eventually } = stage
  gateway.answer = refuse('token-1')
  await phone.call(TO)
  await eventually(() => heardOf('callConfirmed').length === 1)
  t.strictSame(
    route.requests.map(({ url }) => url),
    ['/api/v1/oauth2/token', '/api/v1/oauth2/token']
  )
  t.match(refusals(events), [{ accessTokenId: undefined, replacedBy: Object }])
})

t.test('passes the 401 on when the SDK cannot dial again', async (t) => {
  const stage = await phoneStage(t)
  const { agent, phone, gateway, events, eventually } = stage
  gateway.answer = refuse('token-1')
  const session = await phone.call(TO)
  agent.call = () => {
    throw new TypeError('of the SDK')
  }
  await eventually(() => endings(stage).length > 0)
  t.strictSame(endings(stage), [{ session, status: 401 }])
  t.match(refusals(events), [{ session, replacedBy: undefined }])
})

t.test('a call waits for the refresh in flight rather than sending another', async (t) => {
  const { page, phone, agent, route, hold, release } = await phoneStage(t, grant({ expires_in: 19 }))
  await phone.call(TO)
  hold()
  await page.advance(7_200)
  t.equal(route.requests.length, 2)
  const pending = phone.call(TO)
  await page.advance(1_000)
  await release()
  await pending
  t.equal(route.requests.length, 2)
  t.equal(agent.steps.filter((step) => step.startsWith('token')).at(-1), 'token token-2')
})

t.test('a call that is refused after close() asks for nothing, and its end is passed on', async (t) => {
  const stage = await phoneStage(t)
  const { phone, source, route, gateway, events, eventually } = stage
  const answer = holdUnless(gateway, 'none')
  const session = await phone.call(TO)
  await eventually(() => gateway.invites.length === 1)
  source.close()
  answer(401)
  await eventually(() => endings(stage).length > 0)
  await turns(50)
  t.strictSame(endings(stage), [{ session, status: 401 }])
  t.equal(route.requests.length, 1)
  t.strictSame(
    events.map(({ type }) => type),
    ['token'],
    'a closed source tells its subscribers nothing'
  )
})
