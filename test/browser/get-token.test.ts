import { createTokenSource } from '@bandwidth-token/browser'
import t from 'tap'
import { answerWith, grant } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { stage } from './page.js'

t.test('hands out the token of the route', async (t) => {
  const { source } = await stage(t)
  t.strictSame(
    { ...(await source.getToken()) },
    { accessToken: 'token-1', accessTokenId: 'id-1', expiresIn: 600 }
  )
})

t.test('asks for nothing until it is asked', async (t) => {
  const { page, route } = await stage(t)
  page.show()
  page.dispatch('pageshow')
  page.dispatch('online')
  await page.advance(60_000, 10_000)
  t.equal(route.requests.length, 0)
})

t.test('shares one request among all who wait, and the token among all who come later', async (t) => {
  const { page, route, source, hold, release } = await stage(t)
  hold()
  const waiting = Array.from({ length: 1_000 }, () => source.getToken())
  await page.settle()
  await release()
  const tokens = await Promise.all([...waiting, source.getToken()])
  t.strictSame(new Set(tokens.map(({ accessToken }) => accessToken)), new Set(['token-1']))
  t.equal(route.requests.length, 1)
})

t.test('counts the life of a token from just before its request', async (t) => {
  const { page, source, hold, release } = await stage(t)
  hold()
  const pending = source.getToken()
  await page.advance(3_000)
  await release()
  const token = await pending
  t.equal(token.expiresIn, 597)
  await page.advance(1_500)
  t.equal(token.expiresIn, 595, 'whole seconds, floored')
  await page.advance(600_000, 5_000)
  t.equal(token.expiresIn, 0, 'never negative')
})

for (const [how, step] of [
  ['forwards', 3_600_000],
  ['backwards', -3_600_000]
] as const) {
  t.test(`hands out no token past its life when the wall clock steps an hour ${how}`, async (t) => {
    const { page, route, source } = await stage(t)
    await source.getToken()
    page.hide()
    page.stepWall(step)
    t.equal((await source.getToken()).accessToken, step > 0 ? 'token-2' : 'token-1')
    await page.advance(595_000, 5_000)
    const { accessToken, expiresIn } = await source.getToken()
    t.equal(accessToken, step > 0 ? 'token-3' : 'token-2')
    t.equal(expiresIn, 600)
    t.ok(route.requests.length <= 3, 'at the price of one request')
  })
}

t.test('asks with a GET for JSON that is neither cached nor redirected', async (t) => {
  let init: RequestInit = {}
  const { route, source } = await stage(t, grant(), {
    fetch: (url, given) => {
      init = given
      return fetch(url, given)
    }
  })
  await source.getToken()
  const [request] = route.requests
  t.match(request, { method: 'GET', url: '/api/v1/oauth2/token', headers: { accept: 'application/json' } })
  t.match(init, { cache: 'no-store', redirect: 'manual', signal: Object })
  t.equal(init.credentials, undefined, 'cookies are for the page and its fetch to decide')
})

t.test('sends the headers and the credentials that it was given', async (t) => {
  const sent: RequestInit[] = []
  for (const headers of [
    { 'X-Csrf': 'abc' },
    new Headers({ 'x-csrf': 'abc' }),
    [['x-csrf', 'abc']] as [string, string][]
  ]) {
    await t.test(async (t) => {
      const { route, source } = await stage(t, grant(), {
        headers,
        credentials: 'include',
        fetch: (url, init) => {
          sent.push(init)
          return fetch(url, init)
        }
      })
      await source.getToken()
      t.equal(route.requests[0]?.headers['x-csrf'], 'abc')
    })
  }
  t.strictSame(
    sent.map(({ credentials }) => credentials),
    ['include', 'include', 'include']
  )
})

t.test(
  'asks /bandwidth/token where nothing else is said, by the fetch that the page has by then',
  async (t) => {
    const original = globalThis.fetch
    t.teardown(() => {
      globalThis.fetch = original
    })
    const source = createTokenSource()
    t.teardown(() => source.close())
    const asked: unknown[] = []
    globalThis.fetch = async (url) => {
      asked.push(url)
      return Response.json({ access_token: 'a', expires_in: 600 })
    }
    t.match(await source.getToken(), { accessToken: 'a', accessTokenId: undefined, expiresIn: Number })
    t.strictSame(asked, ['/bandwidth/token'])
  }
)

t.test('takes its functions apart without harm', async (t) => {
  const { getToken, subscribe, invalidate, close } = (await stage(t)).source
  const unsubscribe = subscribe(() => {})
  t.equal((await getToken()).accessToken, 'token-1')
  invalidate()
  t.equal((await getToken()).accessToken, 'token-2')
  unsubscribe()
  close()
  t.equal((await rejection(getToken())).code, 'ERR_BANDWIDTH_TOKEN_CLOSED')
})

t.test('forgets the token when it is invalidated, and asks when it is asked', async (t) => {
  const { page, route, source } = await stage(t)
  await source.getToken()
  source.invalidate()
  await page.advance(60_000, 10_000)
  t.equal(route.requests.length, 1, 'nothing is refreshed meanwhile')
  t.equal((await source.getToken()).accessToken, 'token-2')
})

t.test('keeps no token that was on its way when it was invalidated', async (t) => {
  const answers: ((answer: Response) => void)[] = []
  const { page, source, events } = await stage(t, grant(), {
    fetch: () => new Promise((resolve) => answers.push(resolve))
  })
  const answer = (number: number) =>
    answers[number - 1]?.(Response.json({ access_token: `token-${number}`, expires_in: 600 }))
  const before = source.getToken()
  await page.settle()
  source.invalidate()
  const after = source.getToken()
  await page.settle()
  t.equal(answers.length, 2)
  answer(2)
  t.equal((await after).accessToken, 'token-2')
  answer(1)
  t.equal((await before).accessToken, 'token-1', 'who waited for it gets it')
  t.equal((await source.getToken()).accessToken, 'token-2')
  t.equal(events.length, 1)
})

t.test('a request leaves no timer behind', async (t) => {
  let isUp = true
  const { page, source } = await stage(t, grant(), {
    fetch: async () => (isUp ? Response.json({ access_token: 'a', expires_in: 600 }) : Response.error())
  })
  page.hide() // Nothing is refreshed.
  await source.getToken()
  t.equal(page.clock.countTimers(), 0)
  isUp = false
  source.invalidate()
  await rejection(source.getToken())
  t.equal(page.clock.countTimers(), 0)
  page.show()
  t.equal(page.clock.countTimers(), 1)
  source.close()
  t.equal(page.clock.countTimers(), 0)
})

t.test('takes the life of a day for the longest, and a token without an id', async (t) => {
  const { source } = await stage(t, grant({ expires_in: 1e12, access_token_id: undefined }))
  t.strictSame(
    { ...(await source.getToken()) },
    { accessToken: 'token-1', accessTokenId: undefined, expiresIn: 86_400 }
  )
})

t.test('waits for the route again once it has lost a token', async (t) => {
  const { page, route, source } = await stage(t)
  await source.getToken()
  page.hide()
  await page.advance(600_000, 10_000)
  route.answer = answerWith(503)
  t.equal((await rejection(source.getToken())).code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
})
