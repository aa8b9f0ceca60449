import type { Test } from 'tap'
import { type Harness, isMounted, stage } from '../support/adapters-harness.js'
import { VirtualClock } from '../support/virtual-clock.js'

/** Section 3.2: what the token route answers. */
export function answers(t: Test, harness: Harness): void {
  t.test("answers exactly Bandwidth's four fields", async (t) => {
    const { emulator, get } = await stage(t, harness)
    emulator.script([
      {
        body: {
          access_token: 'token',
          access_token_id: 'id',
          token_type: 'bearer',
          expires_in: '600',
          scope: 'voice.webrtc',
          refresh_token: 'never'
        }
      }
    ])
    const { status, json } = await get()
    t.equal(status, 200)
    t.type(json.expires_in, 'number')
    t.ok(json.expires_in === 600 || json.expires_in === 599, `${json.expires_in} s left`)
    t.strictSame(json, {
      access_token: 'token',
      access_token_id: 'id',
      token_type: 'Bearer',
      expires_in: json.expires_in
    })
  })

  t.test('leaves access_token_id out where Bandwidth sent none', async (t) => {
    const { emulator, get } = await stage(t, harness)
    emulator.script([{ body: { access_token: 'token', token_type: 'Bearer', expires_in: 600 } }])
    t.strictSame(Object.keys((await get()).json), ['access_token', 'token_type', 'expires_in'])
  })

  t.test('answers JSON that nobody may keep or take for something else', async (t) => {
    const { get } = await stage(t, harness)
    const { headers, text } = await get()
    t.match(headers['content-type'], /^application\/json(; charset=utf-8)?$/i)
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['pragma'], 'no-cache')
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.equal(headers['content-length'], String(Buffer.byteLength(text)))
  })

  t.test('has no ETag, so that a token is never "not modified"', async (t) => {
    const { get } = await stage(t, harness)
    const { status, headers } = await get('/bandwidth/token', { 'if-none-match': '*' })
    t.equal(status, 200)
    t.notOk('etag' in headers)
    t.notOk('last-modified' in headers)
  })

  t.test('grants no CORS, not even to an allowed origin', async (t) => {
    const { get } = await stage(t, harness, { allowedOrigins: ['https://other.example'] })
    const { status, headers } = await get('/bandwidth/token', { origin: 'https://other.example' })
    t.equal(status, 200)
    t.strictSame(
      Object.keys(headers).filter((name) => name.startsWith('access-control-')),
      []
    )
  })

  t.test('answers HEAD with the headers of GET and no body', async (t) => {
    const { get, requests } = await stage(t, harness)
    const full = await get()
    const { status, headers, text } = await get('/bandwidth/token', {}, 'HEAD')
    t.equal(status, 200)
    t.equal(text, '')
    const names = [
      'content-type',
      'content-length',
      'cache-control',
      'pragma',
      'x-content-type-options',
      'etag'
    ]
    for (const name of names) t.equal(headers[name], full.headers[name], name)
    t.equal(requests(), 1, 'it is the same token')
  })

  t.test('guards HEAD as it guards GET', async (t) => {
    const { get, requests } = await stage(t, harness, { authorize: () => false, account: () => '' })
    const { status, headers } = await get('/bandwidth/token', {}, 'HEAD')
    t.equal(status, 403)
    t.equal(headers['cache-control'], 'no-store')
    t.equal(requests(), 0)
  })

  t.test('answers no other method', async (t) => {
    const { get, requests } = await stage(t, harness, { account: () => '' })
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status, headers, text } = await get('/bandwidth/token', {}, method)
      // Express lists the methods of its own routes on OPTIONS; a middleware is none.
      t.equal(status, isMounted(harness) ? 404 : 405, method)
      if (isMounted(harness)) {
        t.notMatch(text, 'access_token')
      } else {
        t.equal(headers.allow, 'GET, HEAD')
        t.equal(text, '')
      }
    }
    t.equal(requests(), 0)
  })

  t.test('answers at its path whatever the query, and at no path like it', async (t) => {
    const { get } = await stage(t, harness)
    t.equal((await get('/bandwidth/token?_=1&other=?rejected=x')).status, 200)
    for (const path of [
      '/Bandwidth/token',
      '/bandwidth/token/',
      '/bandwidth/token/x',
      '//bandwidth/token',
      '/'
    ]) {
      t.equal((await get(path)).status, 404, path)
    }
  })

  t.test('says in whole seconds how long the token really lives', async (t) => {
    const clock = new VirtualClock()
    const { get } = await stage(t, harness, { clock })
    t.equal((await get()).json.expires_in, 600)
    await clock.advance(500)
    t.equal((await get()).json.expires_in, 599)
    await clock.advance(100_000)
    t.equal((await get()).json.expires_in, 499)
  })
}
