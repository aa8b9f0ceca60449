import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { until } from '../processes/child.js'
import { ConnectProxy } from '../support/connect-proxy.js'
import { answerWith, grant, startEndpoint } from '../support/endpoint.js'
import { Program } from '../support/program.js'
import type { Teardown } from '../support/teardown.js'
import { HOST, TlsEndpoint } from '../support/tls-endpoint.js'
import { fileOf, serve } from './recipe.js'

const CREDENTIALS = { BW_CLIENT_ID: 'client', BW_CLIENT_SECRET: 'secret-of-the-client', NODE_ENV: 'test' }

/** A process of its own, with nothing of the test runner's in its environment. */
function start(t: Teardown, code: string, env: Record<string, string>): Program {
  const variables = { PATH: process.env['PATH'], ...CREDENTIALS, ...env }
  return new Program(t, ['--input-type=module', '-e', code], { env: variables })
}

const urlOf = (name: string) => JSON.stringify(pathToFileURL(fileOf(name)))

t.test('corporate-proxy.js gets its token through the proxy that HTTPS_PROXY names', async (t) => {
  const endpoint = await TlsEndpoint.start(t)
  const proxy = await ConnectProxy.start(t, () => endpoint.port)
  const folder = await mkdtemp(join(tmpdir(), 'proxy-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, endpoint.authority.cert)

  const code = `
    import { app } from ${urlOf('corporate-proxy.js')}
    await app.ready()
    const token = await app.bandwidthToken.getToken()
    await app.close()
    console.log(token.accessTokenId)`
  const program = start(t, code, {
    HTTPS_PROXY: proxy.url,
    NODE_EXTRA_CA_CERTS: authority,
    BW_TOKEN_URL: endpoint.tokenUrl
  })
  t.equal(await program.exitCode(), 0)
  t.equal(program.stderr, '')
  t.equal(program.stdout, 'id-1\n')
  t.strictSame(
    proxy.requests.map(({ url }) => url),
    [`${HOST}:443`]
  )
  t.notMatch(proxy.read, /token|Basic/, 'the proxy reads nothing of it')
})

for (const framework of ['fastify', 'express']) {
  t.test(`shutdown-${framework}.js answers what is in flight at SIGTERM, then ends`, async (t) => {
    const endpoint = await startEndpoint(t)
    endpoint.answer = endpoint.held()
    const code = `
      import { passwords } from ${urlOf('your-app.js')}
      console.log('password=' + passwords.get('alice'))
      await import(${urlOf(`shutdown-${framework}.js`)})`
    const program = start(t, code, { BW_TOKEN_URL: endpoint.tokenUrl, PORT: '0', DRAIN_MS: '100' })
    const found = () => ({
      password: /password=(\S+)/.exec(program.stdout)?.[1],
      port: /(?:0\.0\.0\.0:|127\.0\.0\.1:|port: )(\d+)/.exec(program.stdout)?.[1]
    })
    await until(() => found().port !== undefined, `it listens: ${program.stderr}`)
    const url = `http://127.0.0.1:${found().port}/bandwidth/token`
    const headers = { authorization: `Basic ${btoa(`alice:${found().password}`)}` }

    const inFlight = fetch(url, { headers })
    await until(() => endpoint.count === 1, 'the request is in flight')
    const startMs = performance.now()
    program.process.kill('SIGTERM')
    await until(() => refuses(url), 'it accepts no more connections')
    t.ok(performance.now() - startMs >= 100, 'it went on for a while')
    await endpoint.release()
    const answer = await inFlight
    t.equal(answer.status, 200)
    t.match(await answer.json(), { access_token: 'token-1' })
    t.equal(await program.exitCode(), 0)
    t.equal(program.stderr, '')
  })
}

/** Whether nothing listens there. An answer of 503 still comes from somebody. */
const refuses = (url: string) =>
  fetch(url).then(
    () => false,
    (error: { cause?: { code?: string } }) => error.cause?.code === 'ECONNREFUSED'
  )

t.test('readiness.js says 503 from the first failure on, until there is a token', async (t) => {
  const app = await serve(t, 'readiness', { answer: answerWith(503) })
  const probe = async () => {
    const answer = await app.ask('/ready')
    return { status: answer.status, ...((await answer.json()) as { state: string; retryInMs?: number }) }
  }
  const seen: Awaited<ReturnType<typeof probe>>[] = []
  const untilProbe = (condition: (last: (typeof seen)[number]) => boolean, what: string) =>
    until(async () => condition(seen[seen.push(await probe()) - 1] as (typeof seen)[number]), what)

  await untilProbe(({ state }) => state === 'cooling', 'the first acquisition has failed')
  t.match(seen.at(-1), { status: 503, lastErrorCode: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', retryInMs: Number })
  const from = seen.length - 1
  // Nobody but the probe asks: it makes the request that ends the outage.
  app.endpoint.answer = grant()
  await untilProbe(({ state }) => state === 'fresh', 'it has recovered')
  t.strictSame(new Set(seen.slice(from, -1).map(({ status }) => status)), new Set([503]))
  t.match(seen.at(-1), { status: 200 })
})
