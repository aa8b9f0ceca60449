import t from 'tap'
import { answerWith, grant } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { stage } from './page.js'

t.test('is never felt: callers get the token at hand while one request runs behind', async (t) => {
  const { page, route, source, hold, release } = await stage(t)
  await source.getToken()
  hold()
  await page.advance(586_000, 1_000)
  t.equal(route.requests.length, 2)
  for (let call = 0; call < 100; call++) t.equal((await source.getToken()).accessToken, 'token-1')
  t.equal(route.requests.length, 2)
  await release()
  t.equal((await source.getToken()).accessToken, 'token-2')
})

t.test('goes on for hours in a page that is visible and calls nobody', async (t) => {
  const { page, route, source, events } = await stage(t)
  await source.getToken()
  await page.advance(3 * 3_600_000, 1_000)
  t.ok(route.requests.length >= 19 && route.requests.length <= 20, `${route.requests.length} requests`)
  t.equal(events.length, route.requests.length)
  t.match(events.at(-1), { type: 'token', accessTokenId: `id-${events.length}` })
})

t.test('a hidden page does nothing, and asks at once when it is seen again', async (t) => {
  const { page, route, source } = await stage(t)
  await source.getToken()
  page.hide()
  await page.advance(3_600_000, 10_000)
  t.equal(route.requests.length, 1)
  page.show()
  await page.settle()
  t.equal(route.requests.length, 2)
  page.show()
  await page.settle()
  t.equal(route.requests.length, 2, 'and not again while the token is fresh')
})

t.test('a hidden page that is asked for a token gets one, and asks for no other by itself', async (t) => {
  const { page, route, source } = await stage(t)
  page.hide()
  t.equal((await source.getToken()).accessToken, 'token-1')
  await page.advance(585_500, 500)
  t.equal((await source.getToken()).accessToken, 'token-1')
  await page.settle()
  t.equal(route.requests.length, 1)
  await page.advance(10_000, 500)
  t.equal((await source.getToken()).accessToken, 'token-2')
})

t.test('a page that was hidden in time for the refresh makes up for it', async (t) => {
  const { page, route, source } = await stage(t)
  await source.getToken()
  await page.advance(570_000, 10_000)
  page.hide()
  await page.advance(20_000, 1_000)
  page.show()
  await page.settle()
  t.equal(route.requests.length, 2)
})

for (const type of ['pageshow', 'online'] as const) {
  t.test(`looks at the clocks again on ${type}, for timers may have slept`, async (t) => {
    const { page, route, source } = await stage(t)
    await source.getToken()
    page.dispatch(type)
    await page.settle()
    t.equal(route.requests.length, 1, 'a fresh token stays')
    page.stepWall(3_600_000)
    await page.settle()
    t.equal(route.requests.length, 1, 'nothing has woken the page yet')
    page.dispatch(type)
    await page.settle()
    t.equal(route.requests.length, 2)
    t.equal((await source.getToken()).accessToken, 'token-2')
  })

  t.test(`does nothing on ${type} in a hidden page`, async (t) => {
    const { page, route, source } = await stage(t)
    await source.getToken()
    page.hide()
    page.stepWall(3_600_000)
    page.dispatch(type)
    await page.settle()
    t.equal(route.requests.length, 1)
  })
}

t.test('a call for a token looks at the clocks again too', async (t) => {
  const { page, route, source } = await stage(t)
  await source.getToken()
  page.stepWall(587_000)
  t.equal((await source.getToken()).accessToken, 'token-1', 'which has 13 s left')
  await page.settle()
  t.equal(route.requests.length, 2)
  t.equal((await source.getToken()).accessToken, 'token-2')
})

for (const status of [301, 404, 408, 429, 500, 503, 504]) {
  t.test(`a ${status} of the route reaches no caller while a token is at hand`, async (t) => {
    const { page, route, source, events } = await stage(t)
    await source.getToken()
    route.answer = answerWith(status, 'token-9')
    await page.advance(589_900, 1_000)
    t.equal((await source.getToken()).accessToken, 'token-1')
    t.match(events.at(-1), { type: 'error', error: { code: String, status } })
    await page.advance(200)
    t.match(await rejection(source.getToken()), { status })
  })
}

for (const status of [401, 403]) {
  t.test(`a ${status} drops the token and ends the refreshing`, async (t) => {
    const { page, route, source, events } = await stage(t)
    await source.getToken()
    route.answer = answerWith(status)
    await page.advance(586_000, 1_000)
    t.strictSame(events.at(-1), { type: 'signed-out' })
    t.equal(route.requests.length, 2)
    page.show()
    page.dispatch('online')
    page.dispatch('pageshow')
    await page.advance(3_600_000, 10_000)
    t.equal(route.requests.length, 2, 'nothing is asked any more')
    t.equal(events.length, 2)

    t.match(await rejection(source.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_FORBIDDEN', status })
    t.equal(route.requests.length, 3, 'but when somebody wants a token')
    t.equal(events.length, 3)
    route.answer = grant()
    t.equal((await source.getToken()).accessToken, 'token-4')
    await page.advance(586_000, 1_000)
    t.equal(route.requests.length, 5, 'and then the refreshing goes on')
  })
}

t.test('tells that there is a token again, even if it is the same, once it was gone', async (t) => {
  const { source, events, route } = await stage(t, grant({ access_token: 'shared', access_token_id: 'id' }))
  await source.getToken()
  route.answer = answerWith(401)
  source.invalidate()
  await rejection(source.getToken())
  route.answer = grant({ access_token: 'shared', access_token_id: 'id' })
  await source.getToken()
  t.strictSame(
    events.map(({ type }) => type),
    ['token', 'signed-out', 'token']
  )
})
