import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { BandwidthTokenError, TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import { TokenRoute } from '@bandwidth-token/core/adapter'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import {
  type Answer,
  answerRaw,
  answerWith,
  type Exchange,
  grant,
  startEndpoint
} from '../support/endpoint.js'
import { ErrorHandlers } from '../support/leak-hunt/error-handlers.js'
import { createSecrets, huntFor, LeakHunt } from '../support/leak-hunt/index.js'
import { reportOn } from '../support/leak-hunt/looks.js'
import { onMessage } from '../support/observed.js'
import { rejection, thrownBy, until } from '../support/outcomes.js'
import { shiftableClock } from '../support/shiftable-clock.js'

delete process.env['BW_TOKEN_URL']

const secrets = createSecrets()
const { clientId: CLIENT_ID, clientSecret: SECRET, basic: BASIC, accessToken: TOKEN } = secrets
const hunt = huntFor(secrets)
const handlers = await ErrorHandlers.start(t)

interface Scene {
  readonly provider: TokenProvider
  readonly clock: ReturnType<typeof shiftableClock>
  /** All that was logged, as it was given to the logger and as pino writes it, and all messages of the channels. */
  readonly lines: unknown[]
  answer(next: Answer): void
}

async function stage(t: Test, answer: Answer, options: TokenProviderOptions = {}): Promise<Scene> {
  const server = await startEndpoint(t, answer)
  const clock = shiftableClock()
  const lines: unknown[] = []
  onMessage(t, (message) => void lines.push(message))
  const logger = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    lines.push([fields, message])
    logger[level](fields, message)
  }
  const provider = new TokenProvider({
    tokenUrl: server.tokenUrl,
    timeoutMs: 2_000,
    clock,
    logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    ...(options.credentials === undefined
      ? { clientId: CLIENT_ID, clientSecret: SECRET, ...options }
      : options)
  } as TokenProviderOptions)
  t.teardown(() => provider.close())
  return {
    provider,
    clock,
    lines,
    answer(next) {
      server.answer = next
    }
  }
}

/** An endpoint that repeats all it was told, and a token with it. */
const echo =
  (status: number, fields: Record<string, unknown> = {}): Answer =>
  ({ request, response }) => {
    const body = {
      error: `invalid_client ${SECRET}`,
      error_description: `${request.headers.authorization} ${SECRET} ${TOKEN}`,
      access_token: `${TOKEN}\n`,
      request,
      ...fields
    }
    response.writeHead(status, `${SECRET}`, { 'X-Echo': `${BASIC} ${TOKEN}` }).end(JSON.stringify(body))
  }

const cutOff = (exchange: Exchange, end: () => void) => {
  exchange.response.writeHead(200, { 'Content-Length': '999', 'X-Echo': BASIC })
  exchange.response.write(`{"access_token":"${TOKEN}"`, end)
}

const withToken = (fields: Record<string, unknown>) => grant({ access_token: TOKEN, ...fields })

const ANSWERS: Readonly<Record<string, Answer>> = {
  ...Object.fromEntries(
    [201, 301, 400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 504].map((status) => [
      `the status ${status}`,
      echo(status)
    ])
  ),
  'an error that is the secret': answerWith(401, { error: SECRET }),
  'an error that holds the secret': answerWith(400, { error: `a.${SECRET}` }),
  'an error that is the Basic value': answerWith(401, { error: BASIC }),
  'an error that is a token': answerWith(403, { error: TOKEN }),
  'an error that is a list of secrets': answerWith(400, { error: [SECRET, BASIC] }),
  'a token with a line break': echo(200),
  'a token that is an array': withToken({ access_token: [TOKEN] }),
  'another token type': withToken({ token_type: `${SECRET}` }),
  'an expires_in that is a token': withToken({ expires_in: TOKEN }),
  'an expires_in of 0': withToken({ expires_in: 0 }),
  'an array': answerWith(200, [TOKEN, SECRET]),
  'a string': answerWith(200, JSON.stringify(TOKEN)),
  'half of the JSON': answerWith(200, `{"access_token":"${TOKEN}"`),
  'text that JSON.parse would quote': answerWith(200, `${TOKEN} ${SECRET} ${BASIC}`),
  'garbage instead of HTTP': answerRaw(`${TOKEN} ${BASIC}`, '', ''),
  'a bad header': answerRaw('HTTP/1.1 200 OK', `${BASIC}\0: ${TOKEN}`, '', ''),
  'too many headers': answerRaw('HTTP/1.1 200 OK', ...Array(2_000).fill(`X-Echo: ${BASIC}`), '', ''),
  'a reset': ({ socket }) => socket.resetAndDestroy(),
  'an end': ({ socket }) => socket.end(),
  'a reset in the body': (exchange) => cutOff(exchange, () => exchange.socket.resetAndDestroy()),
  'an end in the body': (exchange) => cutOff(exchange, () => exchange.socket.end())
}

/** Failures that are no answer of an endpoint. */
const REFUSALS: Readonly<Record<string, TokenProviderOptions>> = {
  'a timeout': { timeoutMs: 20, dispatcher: { request: () => new Promise<never>(() => {}) } },
  'a deadline': { deadlineMs: 20, dispatcher: { request: () => new Promise<never>(() => {}) } },
  'a dispatcher that throws the request': {
    dispatcher: {
      request: (options) =>
        Promise.reject(
          Object.assign(new Error(JSON.stringify(options), { cause: options }), {
            name: SECRET,
            code: BASIC,
            syscall: SECRET,
            options
          })
        )
    }
  },
  'a credentials function that throws the secret': {
    credentials: () => {
      throw Object.assign(new Error(SECRET, { cause: SECRET }), { code: SECRET })
    }
  },
  'a credentials function that returns the wrong thing': {
    credentials: () => ({ clientId: `${CLIENT_ID}:`, clientSecret: SECRET })
  }
}

const FAILURES: readonly (readonly [name: string, answer: Answer, options: TokenProviderOptions])[] = [
  ...Object.entries(ANSWERS).map(([name, answer]) => [name, answer, {}] as const),
  ...Object.entries(REFUSALS).map(([name, options]) => [name, grant(), options] as const)
]

t.jobs = 4
for (const [name, answer, options] of FAILURES) {
  t.test(`${name} gives nothing away`, { buffered: true }, async (t) => {
    const { provider, lines } = await stage(t, answer, options)
    const outcomes = await Promise.allSettled([
      provider.getToken(),
      provider.getToken({ account: 'a' }),
      provider.warmUp(),
      provider.accessToken()
    ])
    const errors = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason)
    t.ok(errors.every((error) => error instanceof BandwidthTokenError))
    const late = await provider.getToken().catch((error) => error)
    t.not(lines.length, 0)
    hunt.isSilent(t, { errors, late, provider, status: provider.status(), lines })
    hunt.isSilent(t, Object.fromEntries(await handlers.show(errors[0])))
  })
}

t.test('a token shows itself only when it is asked for', async (t) => {
  const { provider, lines } = await stage(t, withToken({}))
  const token = await provider.getToken()
  hunt.isSilent(t, {
    token,
    'the promise of it': provider.getToken(),
    'the peeked one': provider.peek(),
    'the provider that has it': provider,
    'its method': provider.getToken,
    'its bound function': provider.accessToken,
    'its status': provider.status(),
    'the class of it': token.constructor,
    lines
  })
  t.match(inspect(token), /AccessToken id-1, \d+ s left/)
  t.match(String(token), /AccessToken id-1, \d+ s left/)
  t.match(JSON.parse(JSON.stringify(token)), { accessTokenId: 'id-1', expiresIn: Number })

  t.equal(token.accessToken, TOKEN)
  t.equal(token.authorization, `Bearer ${TOKEN}`)
  t.equal(token.toResponse().access_token, TOKEN)
})

t.test('an id that repeats the token or the secret is not shown', async (t) => {
  for (const access_token_id of [TOKEN, `id ${TOKEN}`, SECRET, `id ${SECRET}`, BASIC]) {
    const { provider, lines } = await stage(t, withToken({ access_token_id }))
    hunt.isSilent(t, { token: await provider.getToken(), lines })
  }
})

t.test('an error that is well formed but for the secret in it is not shown', async (t) => {
  const clientSecret = `s${randomBytes(12).toString('hex')}`
  const hunt = new LeakHunt({ 'client secret': clientSecret })
  for (const error of [clientSecret, `invalid_${clientSecret}`, `${clientSecret}.rejected`]) {
    const credentials = () => ({ clientId: CLIENT_ID, clientSecret })
    const { provider, lines } = await stage(t, answerWith(401, { error }), { credentials })
    hunt.isSilent(t, { error: await rejection(provider.getToken()), lines })
  }
})

t.test('a failed refresh gives nothing away', async (t) => {
  const { provider, clock, lines, answer } = await stage(t, withToken({}))
  const token = await provider.getToken()
  answer(echo(503))
  clock.advance(600_000 - 19_000)
  t.equal(await provider.getToken(), token)
  await until(() => provider.status().state === 'degraded')
  t.not(lines.length, 0)
  hunt.isSilent(t, { provider, status: provider.status(), token, lines })
})

t.test('a rejected token is not logged', async (t) => {
  const { provider, clock, lines, answer } = await stage(t, withToken({}))
  await provider.getToken({ rejected: TOKEN })
  t.equal(await provider.getToken({ rejected: TOKEN }), provider.peek(), 'too young to be replaced')
  clock.advance(6_000)
  answer(echo(503))
  const error = await provider.getToken({ rejected: TOKEN }).catch((error) => error)
  t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
  t.equal(provider.invalidate(TOKEN), true)
  hunt.isSilent(t, { error, lines })
})

t.test('bad options and arguments are not repeated', async (t) => {
  const own = { clientId: CLIENT_ID, clientSecret: SECRET }
  const bad: readonly object[] = [
    { ...own, clientId: `${SECRET}:` },
    { ...own, clientSecret: [SECRET] },
    { ...own, clientSecret: { SECRET } },
    { ...own, tokenUrl: `https://${CLIENT_ID}:${encodeURIComponent(SECRET)}@id.example` },
    { ...own, scope: `"${TOKEN}"` },
    { ...own, clientSecrets: SECRET },
    { credentials: () => {}, clientSecret: SECRET },
    { ...own, network: SECRET }
  ]
  for (const make of [
    (options: object) => new TokenProvider(options),
    (options: object) => new TokenRoute({ ...options, authorize: () => true })
  ]) {
    for (const options of bad) {
      const error = thrownBy(() => make(options))
      t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
      hunt.isSilent(t, { [Object.keys(options).join()]: error })
    }
  }
  const { provider } = await stage(t, withToken({}))
  for (const options of [
    { rejected: [TOKEN] },
    { token: TOKEN },
    { account: { TOKEN } },
    { account: TOKEN.repeat(9) },
    { signal: TOKEN },
    TOKEN
  ] as object[]) {
    const error = await rejection(provider.getToken(options))
    t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
    hunt.isSilent(t, { error })
  }
})

t.test('a provider gives nothing away in any condition', async (t) => {
  let release: (() => void) | undefined
  const { provider, clock, answer } = await stage(t, (exchange) => {
    release = () => void withToken({})(exchange)
  })
  hunt.isSilent(t, { empty: provider, status: provider.status() })
  const pending = provider.getToken()
  await until(() => release !== undefined)
  hunt.isSilent(t, { acquiring: provider, promise: pending, status: provider.status() })
  release?.()
  await pending
  hunt.isSilent(t, { fresh: provider, promise: pending, status: provider.status() })

  release = undefined
  clock.advance(600_000 - 19_000)
  await provider.getToken()
  await until(() => release !== undefined)
  t.equal(provider.status().state, 'refreshing')
  hunt.isSilent(t, { refreshing: provider, status: provider.status() })
  clock.advance(19_000)
  answer(echo(401))
  const failed = [rejection(provider.getToken()), rejection(provider.getToken({ account: 'another' }))]
  hunt.isSilent(t, { 'about to fail': provider })
  ;(release as (() => void) | undefined)?.()
  await Promise.allSettled(failed)
  t.equal(provider.status('another').state, 'cooling')
  hunt.isSilent(t, { cooling: provider, status: provider.status('another'), failed })

  await provider.close()
  hunt.isSilent(t, { closed: provider, error: await rejection(provider.getToken()) })
})

t.test('the token route gives nothing away but the token that it answers with', async (t) => {
  const server = await startEndpoint(t, withToken({}))
  const route = new TokenRoute({
    clientId: CLIENT_ID,
    clientSecret: SECRET,
    tokenUrl: server.tokenUrl,
    authorize: () => true
  })
  t.teardown(() => route.options.ownProvider?.close())
  hunt.isSilent(t, { route, options: route.options })
  const { headers, body } = await route.answer({}, { url: '/', header: () => undefined })
  t.equal(hunt.inText(body).length, 1, 'here the user asks for it')
  hunt.isSilent(t, { route, headers, token: await route.tokenFor({}) })
})

t.test(
  'a report of the process holds the secret where the operator keeps it, and nowhere else',
  async (t) => {
    process.env['BW_CLIENT_ID'] = CLIENT_ID
    process.env['BW_CLIENT_SECRET'] = SECRET
    t.teardown(() => {
      delete process.env['BW_CLIENT_ID']
      delete process.env['BW_CLIENT_SECRET']
    })
    const server = await startEndpoint(t, withToken({}))
    const provider = new TokenProvider({ tokenUrl: server.tokenUrl })
    t.teardown(() => provider.close())
    await provider.getToken()
    server.answer = echo(503)
    const { report, environment } = reportOn(await rejection(provider.getToken({ account: 'another' })))
    t.match(report, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', 'it is about the error')
    t.not(hunt.inText(environment).length, 0)
    t.strictSame(hunt.inText(report), [])
  }
)
