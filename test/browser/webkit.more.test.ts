/// <reference lib="dom" />
import type { TokenSource, TokenSourceError, TokenSourceEvent } from '@bandwidth-token/browser'
import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { until } from '../processes/child.js'
import { shiftableClock } from '../support/shiftable-clock.js'
import { WebKitPage } from '../support/webkit.js'
import { startDialApp } from './dial-app.js'

/** What the page below has at hand. */
declare const held: { source: TokenSource; events: TokenSourceEvent[] }

const page = await WebKitPage.open(t)
const emulator = await startEmulator({ expiresIn: 60 })
t.teardown(() => emulator.close())
const clock = shiftableClock()
const app = await startDialApp(t, emulator, clock)
// No WebRTC in this engine here, so the page is without the SDK.
app.files.set('/source.js', [
  'text/javascript',
  `import { createTokenSource } from '/vendor/bandwidth-token/index.js'
  const events = []
  const url = new URL(location.href).searchParams.get('url')
  const source = createTokenSource(url === null ? {} : { url })
  source.subscribe((event) => events.push(event))
  globalThis.held = { source, events }`
])
app.files.set('/source', [
  'text/html',
  '<!doctype html><title>Source</title><script type="module" src="/source.js"></script>'
])

async function openSource(query = ''): Promise<void> {
  await page.goto(`${app.origin}/source${query}`)
  await until(() => page.evaluate(() => 'held' in globalThis), 'the page has run its script')
}

/** The id of a token, or the code of the error. */
const getToken = () =>
  page.evaluate(() =>
    held.source.getToken().then(
      ({ accessTokenId }) => `${accessTokenId}`,
      ({ code }: TokenSourceError) => code as string
    )
  )

t.test('a page in WebKit gets no token before the user signs in', async (t) => {
  await openSource()
  t.match(await page.evaluate(() => navigator.userAgent), /AppleWebKit/)
  t.equal(await getToken(), 'ERR_BANDWIDTH_TOKEN_FORBIDDEN')
  t.match(await page.evaluate(() => held.events.map(({ type }) => type)), ['signed-out'])
  t.equal(app.served.length, 0)
})

t.test('then gets one, which it caches and keeps out of every storage', async (t) => {
  await page.goto(`${app.origin}/sign-in`)
  await openSource()
  t.equal(await getToken(), app.served[0]?.id)
  t.equal(await getToken(), app.served[0]?.id)
  t.equal(app.served.length, 1)
  const kept = await page.evaluate(async () => {
    const databases = await indexedDB.databases()
    return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, databases, document.cookie])
  })
  t.equal(kept, '[{},{},[],""]')
})

t.test('asks once for many callers, and again once told that the user has changed', async (t) => {
  await page.evaluate(() => held.source.invalidate())
  const ids = await page.evaluate(async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => held.source.getToken()))
    return [...new Set(tokens.map(({ accessTokenId }) => accessTokenId))]
  })
  t.equal(ids.length, 1)
  t.equal(app.served.length, 2)
})

t.test('asks again by itself before the token ends', async (t) => {
  const body = { access_token: 'token', access_token_id: 'id', token_type: 'Bearer', expires_in: 8 }
  app.files.set('/short-lived', ['application/json', JSON.stringify(body)])
  await openSource('?url=/short-lived')
  t.equal(await getToken(), 'id')
  const requests = () =>
    page.evaluate(
      () =>
        performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/short-lived')).length
    )
  await until(async () => (await requests()) > 1, 'the page has asked again')
})
