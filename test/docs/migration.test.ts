import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { TokenProvider } from '@bandwidth-token/core'
import FakeTimers from '@sinonjs/fake-timers'
import { CallsApi, Configuration, type ConfigurationParameters } from 'bandwidth-sdk'
import t, { type Test } from 'tap'
import {
  type Answer,
  answerWith,
  type Endpoint,
  fail,
  grant,
  hang,
  startEndpoint
} from '../support/endpoint.js'
import { rejection, until } from '../support/outcomes.js'
import { codeBlocks, read } from './documents.js'
import { compile, consumer } from './project.js'

const PAGE = 'docs/migration.md'
const page = await read(PAGE)
const blocks = codeBlocks(page, 'js')
const CLIENT = { clientId: 'client', clientSecret: 'a secret of the client' }

const require = createRequire(import.meta.url)
const { default: axios } = createRequire(require.resolve('bandwidth-sdk'))('axios')

interface Sent {
  readonly url: string
  readonly timeout?: number
  readonly signal?: unknown
}

/** The token requests of bandwidth-sdk. Its token URL is fixed, so they are sent to the endpoint of the test. */
const sent: Sent[] = []
let redirectedTo = ''
axios.interceptors.request.use((request: Sent) => {
  if (!request.url.startsWith('https://api.bandwidth.com/')) return request
  sent.push(request)
  return { ...request, url: redirectedTo }
})
t.afterEach(() => sent.splice(0))

/** An endpoint, the token function of bandwidth-sdk, and a provider. */
async function compared(t: Test, answer: Answer) {
  const endpoint = await startEndpoint(t, answer)
  redirectedTo = endpoint.tokenUrl
  return { endpoint, sdk: tokensOf(new Configuration(CLIENT)), provider: provide(t, endpoint) }
}

const tokensOf = ({ accessToken }: Configuration) => accessToken as () => Promise<string>

function provide(t: Test, { tokenUrl }: Endpoint, options: object = {}): TokenProvider {
  const provider = new TokenProvider({ ...CLIENT, tokenUrl, ...options })
  t.teardown(() => provider.close())
  return provider
}

const fifty = <Result>(call: () => Promise<Result>) => Promise.all(Array.from({ length: 50 }, call))

/** Stops the wall clock, until the test ends. Only bandwidth-sdk looks at it here. */
function stopDate(t: Test) {
  const clock = FakeTimers.install({ toFake: ['Date'], now: Date.now() })
  t.teardown(() => clock.uninstall())
  return clock
}

t.test('the version of the measurements is the installed one', async (t) => {
  const [, version = ''] = /measured with version ([\d.]+\d)/.exec(page) ?? []
  t.equal(require('bandwidth-sdk/package.json').version, version)
})

t.test('every block compiles', async (t) => {
  const project = await consumer(t)
  t.equal(blocks.length, 4)
  for (const [index, block] of blocks.entries()) await writeFile(join(project, `block-${index}.ts`), block)
  t.equal(await compile(project, { exactOptionalPropertyTypes: false }), '')
})

t.test('the blocks before send Basic, those after send a token', async (t) => {
  const project = await consumer(t)
  const endpoint = await startEndpoint(t)
  const authorizations: unknown[] = []
  const api = createServer(({ headers, url }, response) => {
    authorizations.push(headers.authorization)
    response.setHeader('content-type', 'application/json').end(JSON.stringify([url]))
  }).listen(0, '127.0.0.1')
  t.teardown(() => api.close())
  await once(api, 'listening')
  const origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  Object.assign(process.env, {
    BW_CLIENT_ID: CLIENT.clientId,
    BW_CLIENT_SECRET: CLIENT.clientSecret,
    BW_TOKEN_URL: endpoint.tokenUrl,
    BW_USERNAME: 'user',
    BW_PASSWORD: 'password',
    BW_ACCOUNT_ID: '55'
  })
  for (const [index, block] of blocks.entries()) {
    const file = join(project, `block-${index}.js`)
    // Only where the API is differs from what is written.
    const here = block
      .replaceAll('https://voice.bandwidth.com', origin)
      .replace('new Configuration({', `new Configuration({ basePath: '${origin}/api/v2', `)
    await writeFile(file, here)
    const { calls, listCalls } = await import(pathToFileURL(file).href)
    const answer = calls === undefined ? await listCalls() : (await calls.listCalls('55')).data
    t.strictSame(answer, ['/api/v2/accounts/55/calls'])
  }
  const basic = `Basic ${btoa('user:password')}`
  t.strictSame(authorizations, [basic, 'Bearer token-1', basic, 'Bearer token-2'])
})

t.test('50 cold callers make 50 requests, and one with the provider', async (t) => {
  const { endpoint, sdk, provider } = await compared(t, grant())
  await fifty(sdk)
  t.equal(endpoint.count, 50)
  await fifty(provider.accessToken)
  t.equal(endpoint.count, 51)
})

t.test('each configuration fetches a token for itself', async (t) => {
  const { endpoint, sdk } = await compared(t, grant())
  await sdk()
  await tokensOf(new Configuration(CLIENT))()
  t.equal(endpoint.count, 2)
})

t.test('from 60 s before the end, 50 callers wait for 50 requests', async (t) => {
  const date = stopDate(t)
  const { endpoint, sdk } = await compared(t, grant())
  await sdk()
  date.setSystemTime(Date.now() + 539_000)
  t.equal(await sdk(), 'token-1')
  date.setSystemTime(Date.now() + 1_000)
  const held = endpoint.held()
  endpoint.answer = held
  const answers = fifty(sdk)
  await until(() => endpoint.count === 51)
  await endpoint.release()
  t.notOk((await answers).includes('token-1'))
})

t.test('the provider refreshes in the background meanwhile', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken()
  endpoint.answer = endpoint.held()
  await endpoint.untilRequest(2)
  t.same(await fifty(provider.accessToken), Array(50).fill('token-1'))
  t.equal(endpoint.count, 2)
})

t.test('a refresh that fails with 55 s left reaches the caller, and none of the provider', async (t) => {
  const date = stopDate(t)
  const { endpoint, sdk } = await compared(t, grant())
  await sdk()
  date.setSystemTime(Date.now() + 545_000)
  endpoint.answer = fail(503)
  t.match(await rejection(sdk()), { name: 'AxiosError' })

  const own = await startEndpoint(t)
  const provider = own.provider(t)
  await provider.getToken()
  own.answer = fail(503)
  await own.clock.advance(545_000)
  t.equal((await provider.getToken()).accessToken, 'token-1')
})

t.test('a hung endpoint hangs the caller without a limit of time', async (t) => {
  const { endpoint, sdk } = await compared(t, hang)
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  const pending = sdk().then(settle, settle)
  await until(() => endpoint.count === 1)
  t.match(sent, [{ timeout: 0, signal: undefined }])
  const provider = provide(t, endpoint, { timeoutMs: 100, deadlineMs: 300 })
  t.equal((await rejection(provider.getToken())).code, 'ERR_BANDWIDTH_TOKEN_TIMEOUT')
  t.notOk(isSettled)
  endpoint.stop()
  await pending
})

t.test('one 503 reaches the caller, and none of the provider', async (t) => {
  const once503: Answer = (exchange) => (exchange.number % 2 === 1 ? fail(503) : grant())(exchange)
  const { sdk, provider, endpoint } = await compared(t, once503)
  t.match(await rejection(sdk()), { name: 'AxiosError' })
  t.equal(endpoint.count, 1)
  await sdk()
  t.equal((await provider.getToken()).accessToken, 'token-4')
})

t.test('a token without `expires_in` is kept for ever, and for 60 s by the provider', async (t) => {
  const date = stopDate(t)
  const { endpoint, sdk, provider } = await compared(t, grant({ expires_in: undefined }))
  await sdk()
  date.setSystemTime(Date.now() + 100 * 365 * 86_400_000)
  t.equal(await sdk(), 'token-1')
  t.equal(endpoint.count, 1)
  const { expiresIn } = await provider.getToken()
  t.ok(expiresIn > 50 && expiresIn <= 60, `${expiresIn}`)
})

t.test(
  'a token with an `expires_in` of "600" is kept for thousands of years, and for 600 s by the provider',
  async (t) => {
    const date = stopDate(t)
    const { sdk, provider } = await compared(t, grant({ expires_in: '600' }))
    await sdk()
    const year = 365.25 * 86_400_000
    date.setSystemTime(Date.now() + 2_000 * year)
    t.equal(await sdk(), 'token-1')
    date.uninstall()
    const { expiresIn } = await provider.getToken()
    t.ok(expiresIn > 590 && expiresIn <= 600, `${expiresIn}`)
  }
)

t.test('the client secret can be read in an error, and not in one of the provider', async (t) => {
  const { sdk, provider } = await compared(t, answerWith(401, { error: 'invalid_client' }))
  const shown = (error: Error) => inspect(error, { depth: Infinity }) + JSON.stringify(error)
  t.match(shown(await rejection(sdk())), CLIENT.clientSecret)
  t.notMatch(shown(await rejection(provider.getToken())), CLIENT.clientSecret)
})

t.test('the token URL is fixed, and no scope is sent', async (t) => {
  const { endpoint, sdk } = await compared(t, grant())
  process.env['BW_TOKEN_URL'] = 'https://elsewhere.example/token'
  await sdk()
  t.strictSame(
    sent.map(({ url }) => url),
    ['https://api.bandwidth.com/api/v1/oauth2/token']
  )
  t.equal(endpoint.requests[0]?.body, 'grant_type=client_credentials')
})

t.test('a leftover `username` wins silently over client credentials and over an `accessToken`', async (t) => {
  const { endpoint, provider } = await compared(t, grant())
  const warnings: unknown[] = []
  const warned = (warning: unknown) => warnings.push(warning)
  process.on('warning', warned)
  t.teardown(() => process.off('warning', warned))
  const authorizations: unknown[] = []
  const api = createServer(({ headers }, response) => {
    authorizations.push(headers.authorization)
    response.setHeader('content-type', 'application/json').end('[]')
  }).listen(0, '127.0.0.1')
  t.teardown(() => api.close())
  await once(api, 'listening')
  const basePath = `http://127.0.0.1:${(api.address() as AddressInfo).port}/api/v2`
  const call = (parameters: ConfigurationParameters) =>
    new CallsApi(new Configuration({ basePath, ...parameters })).listCalls('55')
  const { accessToken } = provider
  await call({ ...CLIENT })
  await call({ accessToken })
  t.strictSame(authorizations.splice(0), ['Bearer token-1', 'Bearer token-2'])
  await call({ ...CLIENT, username: 'user', password: 'password' })
  await call({ accessToken, username: 'user', password: 'password' })
  const basic = `Basic ${btoa('user:password')}`
  t.strictSame(authorizations.splice(0), [basic, basic])
  await call({ accessToken, password: 'password' })
  await call({ accessToken, username: 'user' })
  t.match(authorizations, [/^Basic /, /^Basic /])
  t.strictSame(warnings, [])
  t.ok(endpoint.count >= 2)
})
