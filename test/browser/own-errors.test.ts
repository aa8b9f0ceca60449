import type { TokenSourceEvent } from '@bandwidth-token/browser'
import t from 'tap'
import { answerWith } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { stage } from './page.js'

type ErrorEvent = Extract<TokenSourceEvent, { type: 'error' }>

t.test('callers who wait for one request each get an error object of their own', async (t) => {
  const { source, events, route } = await stage(t, answerWith(503))
  const errors = await Promise.all(Array.from({ length: 3 }, () => rejection(source.getToken())))
  t.equal(route.requests.length, 1)
  t.equal(new Set([...errors, (events[0] as ErrorEvent).error]).size, 4)
  for (const error of errors) t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', status: 503 })
})

t.test('an error does not change after it was handed out', async (t) => {
  const { page, source, events } = await stage(t, answerWith(503, '', { 'retry-after': '60' }))
  const first = await rejection(source.getToken())
  await page.advance(20_000, 1_000)
  const second = await rejection(source.getToken())
  await page.advance(20_000, 1_000)
  const third = await rejection(source.getToken())
  t.strictSame(
    [first, second, third, (events[0] as ErrorEvent).error].map(({ retryAfter }) => retryAfter),
    [60, 40, 20, 60]
  )
})

t.test('what one caller writes on an error reaches no other', async (t) => {
  const { source } = await stage(t, answerWith(503, '', { 'retry-after': '60' }))
  const first = await rejection(source.getToken())
  Object.assign(first, { message: 'of the app', shownToTheUser: true })
  const second = await rejection(source.getToken())
  t.notMatch(second.message, 'of the app')
  t.equal('shownToTheUser' in second, false)
})

for (const [what, status] of [
  ['signed out', 401],
  ['told nonsense', 404]
] as const) {
  t.test(`callers who are ${what} together each get an error object of their own`, async (t) => {
    const { source } = await stage(t, answerWith(status))
    const [first, second] = await Promise.all([rejection(source.getToken()), rejection(source.getToken())])
    t.not(first, second)
    t.match([first, second], [{ status }, { status }])
  })
}

t.test('callers of a closed source each get an error object of their own', async (t) => {
  const { page, source, hold } = await stage(t)
  hold()
  const waiting = [source.getToken(), source.getToken()].map(rejection)
  await page.settle()
  source.close()
  const errors = [...(await Promise.all(waiting)), await rejection(source.getToken())]
  t.equal(new Set(errors).size, 3)
  for (const error of errors) t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_CLOSED')
})
