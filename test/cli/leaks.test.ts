import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type * as Render from '../../packages/cli/dist/render.js'
import { ConnectProxy } from '../support/connect-proxy.js'
import { answerWith, startEndpoint } from '../support/endpoint.js'
import { createSecrets, huntFor } from '../support/leak-hunt/index.js'
import { diagnose, type Finding, load } from './diagnose.js'

const { render } = await load<typeof Render>('render.js')
const secrets = createSecrets()
const cookie = `session=${createSecrets().accessToken}`
const proxyPassword = createSecrets().accessToken.replace(/\W/g, '')
const hunt = huntFor(secrets, { cookie, 'password of the proxy': proxyPassword })
const { accessToken, basic, clientId, clientSecret } = secrets

/** Everything that somebody could send back to give it away. */
const everything = { accessToken, basic, clientSecret, cookie, proxyPassword }
const all = Object.values(everything).join(' ')
const inHeader = encodeURIComponent(all)

const endpoint = await startEndpoint(t)
const app = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1')
await once(app, 'listening')
t.teardown(() => app.close().closeAllConnections())
let answer: (response: import('node:http').ServerResponse) => void = (response) => void response.end()

async function findings(environment: Readonly<Record<string, string>> = {}, tryExchanged = false) {
  const { port } = app.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/token?key=${encodeURIComponent(accessToken)}`
  const base = { BW_CLIENT_ID: clientId, BW_CLIENT_SECRET: clientSecret, BW_TOKEN_URL: endpoint.tokenUrl }
  return diagnose({ ...base, ...environment }, { url, cookie, tryExchanged })
}

function isSilent(t: Parameters<typeof hunt.isSilent>[0], found: readonly Finding[]): void {
  t.ok(found.length > 0)
  const [json, plain, terminal] = (['json', 'plain', 'terminal'] as const).map((format) =>
    render(found, format)
  )
  hunt.isSilent(t, { json, plain, terminal })
}

t.test('the hunt would find a leak', async (t) => {
  for (const secret of Object.values(everything)) t.not(hunt.inText(`x ${secret} y`).length, 0)
})

const token = { access_token: accessToken, access_token_id: 'id', token_type: 'Bearer', expires_in: 600 }
for (const [what, reply] of [
  ['a token', answerWith(200, token)],
  ['a token with another id', answerWith(200, { ...token, access_token_id: accessToken })],
  ['a refusal that repeats it all', answerWith(401, { error: clientSecret, error_description: all })],
  ['an error of the same name', answerWith(400, { error: 'invalid_scope', error_description: all })],
  ['a page that repeats it all', answerWith(200, all, { 'X-All': inHeader })],
  ['a redirect', answerWith(302, '', { Location: `/?${inHeader}` })],
  ['a fault', answerWith(503, all)]
] as const) {
  t.test(`nothing is given away when the endpoint answers with ${what}`, async (t) => {
    endpoint.answer = reply
    isSilent(t, await findings({}, true))
  })
}

for (const [what, status, headers, body] of [
  ['a token', 200, {}, JSON.stringify(token)],
  ['its error', 503, {}, JSON.stringify({ code: all, message: all })],
  ['a page', 200, { 'content-type': `text/html; ${inHeader}` }, all],
  ['a redirect', 302, { location: `/login?${inHeader}` }, all],
  [
    'caching',
    200,
    { 'x-cache': `HIT ${inHeader}`, age: inHeader, 'cache-control': inHeader },
    JSON.stringify(token)
  ]
] as const) {
  t.test(`nothing is given away when the route answers with ${what}`, async (t) => {
    answer = (response) => void response.writeHead(status, headers).end(body)
    isSilent(t, await findings())
  })
}

t.test('nothing is given away of an environment that is wrong', async (t) => {
  for (const environment of [
    { BW_CLIENT_SECRET: `"${clientSecret}"` },
    { BW_CLIENT_SECRET: `${clientSecret}\n` },
    { BW_CLIENT_SECRET: `${clientSecret} ` },
    { BW_CLIENT_ID: `${clientSecret}:` },
    { BW_CLIENT_ID: clientSecret, BW_CLIENT_SECRET: clientId },
    { BW_TOKEN_URL: all },
    { BW_TOKEN_URL: `https://user:${inHeader}@127.0.0.1/token` },
    { BW_TOKEN_URL: `http://127.0.0.1:1/${inHeader}?${inHeader}` }
  ]) {
    isSilent(t, await findings(environment, true))
  }
})

t.test('nothing is given away of a proxy', async (t) => {
  const proxy = await ConnectProxy.start(t, () => 1)
  proxy.onConnect = (socket) =>
    socket.end(`HTTP/1.1 407 ${all.replace(/[^ -~]/g, '')}\r\nContent-Length: 0\r\n\r\n`)
  const address = proxy.url.replace('http://', `http://user:${proxyPassword}@`)
  const environment = { BW_TOKEN_URL: 'https://id.bandwidth.test/token', HTTPS_PROXY: address }
  const found = await findings(environment)
  t.ok(found.some(({ code }) => code === 'proxy-refused'))
  t.match(proxy.requests[0]?.headers['proxy-authorization'], /^Basic /, 'the proxy got the password')
  isSilent(t, found)
  isSilent(t, await findings({ ...environment, HTTPS_PROXY: `http://user:${proxyPassword}@127.0.0.1:1` }))
})
