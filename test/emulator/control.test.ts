import type { Emulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { basic, rawRequest, requestToken } from './helpers.js'

const scriptOf = ({ origin }: Emulator) => `${origin}/_emulator/script`
const receivedOf = ({ origin }: Emulator) => `${origin}/_emulator/received`

async function received(emulator: Emulator): Promise<unknown> {
  return (await fetch(receivedOf(emulator))).json()
}

t.test('takes a script over HTTP, whatever the content type', async (t) => {
  const emulator = await emulate(t)
  const response = await fetch(scriptOf(emulator), {
    method: 'POST',
    body: JSON.stringify([{ status: 503, headers: { 'retry-after': '7' } }, {}])
  })
  t.equal(response.status, 200)
  t.strictSame(await response.json(), { scripted: 2 })
  const answer = await requestToken(emulator)
  t.equal(answer.status, 503)
  t.equal(answer.headers.get('retry-after'), '7')
  t.equal((await requestToken(emulator)).status, 200)
})

const wrong: [string, string, RegExp][] = [
  ['what is not JSON', '[{', /the body must be a JSON array of faults/],
  ['an empty body', '', /the body must be a JSON array of faults/],
  ['what is no array', '{}', /the faults must be an array, not an object/],
  ['a misspelt fault', '[{"delay":1}]', /faults\[0\]: there is no "delay"; known are .*delayMs/],
  ['a script without end', `[${'{},'.repeat(400_000)}{}]`, /the script is larger than 1048576 bytes/]
]
for (const [what, body, error] of wrong) {
  t.test(`refuses ${what} with a message that helps, and keeps the script it has`, async (t) => {
    const emulator = await emulate(t)
    emulator.script([{ status: 418 }])
    const response = await fetch(scriptOf(emulator), { method: 'POST', body })
    t.equal(response.status, 400)
    t.match(await response.json(), { error })
    t.equal((await requestToken(emulator)).status, 418)
  })
}

t.test('does not take __proto__ in a script for a property', async (t) => {
  const emulator = await emulate(t)
  const body = '[{"__proto__":{"status":500}}]'
  const response = await fetch(scriptOf(emulator), { method: 'POST', body })
  t.equal(response.status, 400)
  t.match(await response.json(), { error: /there is no "__proto__"/ })
})

t.test('tells what came in, and what was answered', async (t) => {
  const emulator = await emulate(t, { clientId: 'id', clientSecret: 'secret' })
  await requestToken(emulator)
  await requestToken(emulator, {
    headers: { authorization: basic('other', 'nope') },
    body: 'grant_type=client_credentials'
  })
  await fetch(`${emulator.origin}/elsewhere?client_secret=secret`)
  const token = { method: 'POST', path: '/api/v1/oauth2/token' }
  t.strictSame(await received(emulator), [
    { ...token, clientId: 'id', secretCorrect: true, scope: 'voice.webrtc', status: 200 },
    { ...token, clientId: 'other', secretCorrect: false, status: 401 },
    { method: 'GET', path: '/elsewhere', secretCorrect: false, status: 404 }
  ])
  t.strictSame(JSON.parse(JSON.stringify(emulator.received)), await received(emulator))
})

t.test('tells a wrong id from a wrong secret', async (t) => {
  const emulator = await emulate(t, { clientId: 'id', clientSecret: 'secret' })
  await requestToken(emulator, { headers: { authorization: basic('other', 'secret') } })
  t.match(emulator.received, [{ clientId: 'other', secretCorrect: true, status: 401 }])
})

t.test('keeps one list, which the library and the control surface share', async (t) => {
  const emulator = await emulate(t)
  const list = emulator.received
  await requestToken(emulator)
  t.equal(emulator.received, list)
  t.equal(list.length, 1)
})

t.test('shows neither the secret nor a token to whoever asks what came in', async (t) => {
  const secret = 'Cr00k-sh-nk'
  const emulator = await emulate(t, { clientId: 'id', clientSecret: secret })
  const { access_token: token } = (await (await requestToken(emulator)).json()) as { access_token: string }
  await requestToken(emulator, { headers: { authorization: basic(secret, 'id') } })
  const bare = `Basic ${Buffer.from(secret).toString('base64')}`
  await requestToken(emulator, { headers: { authorization: bare } })
  await fetch(`${emulator.origin}/?token=${token}`, { headers: { authorization: `Bearer ${token}` } })
  const shown = JSON.stringify(await received(emulator)) + JSON.stringify(emulator.received)
  t.equal(emulator.received.length, 4)
  t.notMatch(shown, secret)
  t.notMatch(shown, token)
  t.notMatch(shown, Buffer.from(`id:${secret}`).toString('base64'))
})

t.test('remembers the last 10,000 requests', async (t) => {
  const emulator = await emulate(t)
  const url = `${emulator.origin}/x`
  // Whatever is in the list counts: filled by hand, since 10,000 requests would take their time.
  await fetch(url)
  const list = emulator.received as unknown[]
  while (list.length < 10_000) list.push(list[0])
  await fetch(`${emulator.origin}/newest`)
  t.equal(list.length, 10_000)
  t.match(list.at(-1), { path: '/newest' })
})

for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.8.9.1:80', '[::1]', '[::1]:8080']) {
  t.test(`serves the control surface under the host ${host}`, async (t) => {
    const { status } = await rawRequest(receivedOf(await emulate(t)), { headers: { host } })
    t.equal(status, 200)
  })
}

const foreign = [
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '10.0.0.1',
  '[::2]',
  'a@localhost'
]
for (const host of foreign) {
  t.test(`refuses the control surface under the host ${host}`, async (t) => {
    const emulator = await emulate(t)
    const answer = await rawRequest(receivedOf(emulator), { headers: { host } })
    t.equal(answer.status, 403)
    t.match(JSON.parse(answer.body), { error: /Host must be a loopback address/ })
    const scripted = await rawRequest(scriptOf(emulator), {
      method: 'POST',
      headers: { host },
      body: '[{"status":418}]'
    })
    t.equal(scripted.status, 403)
    t.equal((await requestToken(emulator)).status, 200)
  })
}

t.test('serves tokens under any host', async (t) => {
  const emulator = await emulate(t)
  const authorization = basic(emulator.clientId, emulator.clientSecret)
  const contentType = 'application/x-www-form-urlencoded'
  const answer = await rawRequest(emulator.tokenUrl, {
    method: 'POST',
    headers: { host: 'bandwidth.test', authorization, 'content-type': contentType },
    body: 'grant_type=client_credentials'
  })
  t.equal(answer.status, 200)
})

for (const origin of ['https://evil.example', 'null', 'own']) {
  t.test(`refuses the control surface to a page of the origin ${origin}`, async (t) => {
    const emulator = await emulate(t)
    const headers = { origin: origin === 'own' ? emulator.origin : origin }
    for (const url of [receivedOf(emulator), scriptOf(emulator)]) {
      t.equal((await rawRequest(url, { method: 'POST', headers, body: '[]' })).status, 403)
      t.equal((await rawRequest(url, { headers })).status, 403)
    }
  })
}

t.test('names the method of each address, and the addresses', async (t) => {
  const emulator = await emulate(t)
  t.match(await rawRequest(scriptOf(emulator)), { status: 405, headers: { allow: 'POST' } })
  t.match(await rawRequest(receivedOf(emulator), { method: 'DELETE' }), {
    status: 405,
    headers: { allow: 'GET' }
  })
  const elsewhere = await rawRequest(`${emulator.origin}/_emulator/scripts`)
  t.equal(elsewhere.status, 404)
  t.match(JSON.parse(elsewhere.body), {
    error: /\/_emulator\/revoke, \/_emulator\/received and \/_emulator\/script$/
  })
  t.equal(emulator.received.length, 0, 'what is asked of the control surface is not counted')
})
