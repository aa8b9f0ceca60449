import t from 'tap'
import { answerWith } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { stage } from './page.js'

t.test('tells everybody, in the order in which they came, until they go', async (t) => {
  const { source } = await stage(t)
  const heard: string[] = []
  const leave = source.subscribe(({ type }) => heard.push(`first ${type}`))
  source.subscribe(({ type }) => heard.push(`second ${type}`))
  await source.getToken()
  t.strictSame(heard, ['first token', 'second token'])
  leave()
  leave()
  source.invalidate()
  await source.getToken()
  t.strictSame(heard.slice(2), ['second token'])
})

t.test('tells what happened before those who waited go on', async (t) => {
  const { source, route } = await stage(t)
  const order: string[] = []
  source.subscribe(({ type }) => order.push(type))
  await source.getToken().then(() => order.push('got it'))
  route.answer = answerWith(500)
  source.invalidate()
  await rejection(source.getToken()).then(() => order.push('lost it'))
  t.strictSame(order, ['token', 'got it', 'error', 'lost it'])
})

t.test('one who throws stops nobody, and is reported as any uncaught error is', async (t) => {
  const reported: unknown[] = []
  const globals = globalThis as { reportError?: unknown }
  globals.reportError = (error: unknown) => reported.push(error)
  t.teardown(() => {
    delete globals.reportError
  })
  const { source, events } = await stage(t)
  const thrown = new Error('of the app')
  source.subscribe(() => {
    throw thrown
  })
  const heard: string[] = []
  source.subscribe(({ type }) => heard.push(type))
  t.equal((await source.getToken()).accessToken, 'token-1')
  t.strictSame(heard, ['token'])
  t.equal(events.length, 1)
  t.strictSame(reported, [thrown])
  delete globals.reportError
  source.invalidate()
  t.equal((await source.getToken()).accessToken, 'token-2', 'nor where nothing takes reports')
})

t.test('one may go, come, ask and close while he is told', async (t) => {
  const { source, page } = await stage(t)
  const heard: string[] = []
  const leave = source.subscribe((event) => {
    heard.push(`once ${event.type}`)
    leave()
    source.subscribe(({ type }) => heard.push(`later ${type}`))
    source.getToken().then(({ accessToken }) => heard.push(accessToken))
  })
  await source.getToken()
  await page.settle()
  source.subscribe(() => source.close())
  source.invalidate()
  await source.getToken()
  t.match(heard, ['once token', 'later token', 'token-1', 'later token'])
  t.equal((await rejection(source.getToken())).code, 'ERR_BANDWIDTH_TOKEN_CLOSED')
})

t.test('no event, no error and no source shows a token', async (t) => {
  const { inspect } = await import('node:util')
  const { source, events, route } = await stage(t)
  await source.getToken()
  route.answer = answerWith(200, { access_token: 'token-2', expires_in: 0 })
  source.invalidate()
  await rejection(source.getToken())
  const shown = inspect([source, events], {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    getters: true
  })
  t.notMatch(shown, /token-\d/)
  t.notMatch(JSON.stringify([source, events]), /token-\d/)
})

t.test('a listener that subscribes again while it is told is told once', async (t) => {
  const { source } = await stage(t)
  let told = 0
  const listener = () => {
    if (++told < 100) source.subscribe(listener)
  }
  source.subscribe(listener)
  await source.getToken()
  t.equal(told, 1)
})
