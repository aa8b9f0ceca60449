import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type TokenDispatcher, TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { type Answer, answerWith, grant, startEndpoint } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { processEvents } from '../support/process-events.js'

delete process.env['BW_TOKEN_URL']

const root = fileURLToPath(new URL('../../..', import.meta.url))
const unhandled = processEvents(t, 'unhandledRejection')
const [code = '', use = ''] = [
  ...(await readFile(join(root, 'docs/bun.md'), 'utf8')).matchAll(/^```js\n(.*?)^```$/gms)
].map(([, block = '']) => block)

const folder = await mkdtemp(join(root, 'test/build/bun-'))
t.teardown(() => rm(folder, { recursive: true }))
await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
await writeFile(join(folder, 'fetch-dispatcher.js'), code)
const { fetchDispatcher: dispatcher } = (await import(
  pathToFileURL(join(folder, 'fetch-dispatcher.js')).href
)) as { fetchDispatcher: TokenDispatcher }

async function provide(t: Test, answer: Answer, options: Omit<TokenProviderOptions, 'credentials'> = {}) {
  const server = await startEndpoint(t, answer)
  const provider = new TokenProvider({
    clientId: 'client',
    clientSecret: 'secret',
    tokenUrl: server.tokenUrl,
    dispatcher,
    ...options
  })
  t.teardown(() => provider.close())
  return { server, provider }
}

t.test('the dispatcher of docs/bun.md fetches a token', async (t) => {
  const { server, provider } = await provide(t, grant())
  t.equal((await provider.getToken()).accessToken, 'token-1')
  t.match(server.requests, [
    {
      method: 'POST',
      url: '/api/v1/oauth2/token',
      headers: {
        authorization: `Basic ${btoa('client:secret')}`,
        'content-type': 'application/x-www-form-urlencoded'
      },
      body: 'grant_type=client_credentials&scope=voice.webrtc'
    }
  ])
})

t.test('its failures are those of any dispatcher', async (t) => {
  const elsewhere = await startEndpoint(t)
  for (const [answer, expected] of [
    [
      answerWith(401, { error: 'invalid_client' }),
      { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', oauthError: 'invalid_client' }
    ],
    [
      answerWith(503, 'x'.repeat(100_000), { 'Retry-After': '120' }),
      { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', upstreamStatus: 503, attempts: 1, retryAfter: 120 }
    ],
    [answerWith(204), { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID', upstreamStatus: 204 }],
    [
      answerWith(307, '', { Location: elsewhere.tokenUrl }),
      { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID', upstreamStatus: 307 }
    ]
  ] as const) {
    const { provider } = await provide(t, answer)
    t.match(await rejection(provider.getToken()), expected)
  }
  t.equal(elsewhere.requests.length, 0, 'no redirect was followed')

  const { provider } = await provide(t, ({ socket }) => socket.resetAndDestroy())
  t.match(await rejection(provider.getToken()), { cause: { code: 'ECONNRESET', syscall: 'read' } })
})

t.test('it is bound by the time limits of the provider', async (t) => {
  for (const answer of [() => {}, ({ response }) => response.writeHead(200).write('{')] as Answer[]) {
    const { provider } = await provide(t, answer, { timeoutMs: 50, deadlineMs: 100 })
    t.match(await rejection(provider.getToken()), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' })
  }
})

t.test('the code that uses it runs as written', async (t) => {
  const { server } = await provide(t, grant())
  Object.assign(process.env, {
    BW_CLIENT_ID: 'client',
    BW_CLIENT_SECRET: 'secret',
    BW_TOKEN_URL: server.tokenUrl
  })
  t.teardown(() => {
    for (const name of ['BW_CLIENT_ID', 'BW_CLIENT_SECRET', 'BW_TOKEN_URL']) delete process.env[name]
  })
  const { log } = console
  const lines: unknown[] = []
  console.log = (line) => void lines.push(line)
  try {
    await writeFile(join(folder, 'use.js'), use)
    await import(pathToFileURL(join(folder, 'use.js')).href)
  } finally {
    console.log = log
  }
  t.match(lines, [/^Bearer, (599|600) s left$/])
})

t.test('nothing of it is left unhandled', async (t) => {
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(unhandled, [])
})
