import { inspect } from 'node:util'
import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import {
  type Answer,
  answerRaw,
  answerWith,
  type Exchange,
  grant,
  shiftableClock,
  startTokenServer,
  until
} from '../support/token-server.js'

delete process.env['BW_TOKEN_URL']

const CLIENT_ID = 'client'
const SECRET = 'the-client-secret-0123456789'
const BASIC = Buffer.from(`${CLIENT_ID}:${SECRET}`).toString('base64')
const TOKEN = 'the-access-token-0123456789'
/** What must never be seen, in the forms in which it could be. */
const SECRETS = [
  SECRET,
  BASIC,
  TOKEN,
  encodeURIComponent(SECRET),
  Buffer.from(SECRET).toString('base64'),
  'hunter2'
]

/** Every way in which a console, a logger or a developer could look at a value. */
function looks(value: unknown): string {
  const error = (value ?? {}) as Partial<Error>
  return [
    inspect(value),
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true, showProxy: true }),
    inspect({ value: [value] }, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    JSON.stringify(value),
    JSON.stringify({ value: [value] }),
    String(value),
    `${value}`,
    JSON.stringify(ownProperties(value)),
    error.message,
    error.stack,
    String(error.cause),
    inspect(error.cause, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true })
  ].join('\n')
}

/** What a serialiser that goes through all own properties, hidden ones too, would find. */
function ownProperties(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? String(value) : value
  return Reflect.ownKeys(value).map((key) => [
    String(key),
    inspect(Reflect.get(value, key), { depth: 9, showHidden: true })
  ])
}

function isSilent(t: Test, value: unknown, what: string): void {
  const text = looks(value)
  t.strictSame(
    SECRETS.filter((secret) => text.includes(secret)),
    [],
    what
  )
}

interface Scene {
  readonly provider: TokenProvider
  readonly clock: ReturnType<typeof shiftableClock>
  /** All that was logged, as a logger would see it. */
  readonly lines: unknown[][]
  answer(next: Answer): void
}

async function stage(t: Test, answer: Answer, options: TokenProviderOptions = {}): Promise<Scene> {
  const server = await startTokenServer(t, answer)
  const clock = shiftableClock()
  const lines: unknown[][] = []
  const log = (...line: unknown[]) => lines.push(line)
  const provider = new TokenProvider({
    ...(options.credentials === undefined && { clientId: CLIENT_ID, clientSecret: SECRET }),
    tokenUrl: server.tokenUrl,
    timeoutMs: 2_000,
    clock,
    logger: { debug: log, info: log, warn: log, error: log },
    ...options
  })
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

t.ok(FAILURES.length >= 30)
t.jobs = 8
for (const [name, answer, options] of FAILURES) {
  t.test(`${name} gives nothing away`, { buffered: true }, async (t) => {
    const { provider, lines } = await stage(t, answer, options)
    const outcomes = await Promise.allSettled([
      provider.getToken(),
      provider.getToken({ account: 'a' }),
      provider.warmUp(),
      provider.accessToken()
    ])
    for (const outcome of outcomes) {
      t.equal(outcome.status, 'rejected')
      isSilent(t, (outcome as PromiseRejectedResult).reason, 'the error')
    }
    isSilent(t, await provider.getToken().catch((error) => error), 'the error of the cool-down')
    isSilent(t, provider, 'the provider')
    isSilent(t, provider.status(), 'the status')
    t.ok(lines.length > 0)
    isSilent(t, lines, 'the log')
  })
}

t.test('a token shows itself only when it is asked for', async (t) => {
  const { provider, lines } = await stage(t, withToken({}))
  const token = await provider.getToken()
  isSilent(t, token, 'the token')
  isSilent(t, { nested: [new Map([[token, token]]), new Set([token])] }, 'the token in collections')
  isSilent(t, provider.getToken(), 'the promise')
  isSilent(t, provider.peek(), 'the peeked token')
  isSilent(t, provider, 'the provider that has it')
  isSilent(t, provider.getToken, 'the method')
  isSilent(t, provider.accessToken, 'the bound function')
  isSilent(t, provider.status(), 'the status')
  isSilent(t, lines, 'the log')
  isSilent(t, structuredClone({ ...token }), 'its clone')
  t.match(inspect(token), /AccessToken id-1, \d+ s left/)
  t.match(String(token), /AccessToken id-1, \d+ s left/)
  t.match(JSON.parse(JSON.stringify(token)), { accessTokenId: 'id-1', expiresIn: Number })

  t.equal(token.accessToken, TOKEN)
  t.equal(token.authorization, `Bearer ${TOKEN}`)
  t.equal(token.toResponse().access_token, TOKEN)
})

t.test('an id that holds the token is not shown', async (t) => {
  for (const access_token_id of [TOKEN, `id ${TOKEN}`]) {
    const { provider, lines } = await stage(t, withToken({ access_token_id }))
    isSilent(t, await provider.getToken(), 'the token')
    isSilent(t, lines, 'the log')
  }
})

t.test('an id that holds the secret is not shown', async (t) => {
  for (const access_token_id of [SECRET, `id ${SECRET}`, BASIC]) {
    const { provider, lines } = await stage(t, withToken({ access_token_id }))
    isSilent(t, await provider.getToken(), 'the token')
    isSilent(t, lines, 'the log')
  }
})

t.test('a failed refresh gives nothing away', async (t) => {
  const { provider, clock, lines, answer } = await stage(t, withToken({}))
  const token = await provider.getToken()
  answer(echo(503))
  clock.advance(600_000 - 19_000)
  t.equal(await provider.getToken(), token)
  await until(() => provider.status().state === 'degraded')
  isSilent(t, provider, 'the provider')
  isSilent(t, provider.status(), 'the status')
  t.ok(lines.length > 0)
  isSilent(t, lines, 'the log')
})

t.test('a rejected token is not logged', async (t) => {
  const { provider, clock, lines, answer } = await stage(t, withToken({}))
  await provider.getToken({ rejected: TOKEN })
  t.equal(await provider.getToken({ rejected: TOKEN }), provider.peek(), 'too young to be replaced')
  clock.advance(6_000)
  answer(echo(503))
  isSilent(t, await provider.getToken({ rejected: TOKEN }).catch((error) => error), 'the error')
  t.equal(provider.invalidate(TOKEN), true)
  isSilent(t, lines, 'the log')
})

t.test('bad options and arguments are not repeated', async (t) => {
  const bad: readonly object[] = [
    { clientId: `${SECRET}:`, clientSecret: SECRET },
    { clientId: CLIENT_ID, clientSecret: [SECRET] },
    { clientId: CLIENT_ID, clientSecret: { SECRET } },
    { clientId: CLIENT_ID, clientSecret: SECRET, tokenUrl: `https://${CLIENT_ID}:${SECRET}@id.example` },
    { clientId: CLIENT_ID, clientSecret: SECRET, scope: `"${TOKEN}"` },
    { clientId: CLIENT_ID, clientSecret: SECRET, clientSecrets: SECRET },
    { credentials: () => {}, clientSecret: SECRET },
    { network: SECRET, clientId: CLIENT_ID, clientSecret: SECRET }
  ]
  for (const options of bad) {
    try {
      new TokenProvider(options)
      t.fail('it did not throw')
    } catch (error) {
      isSilent(t, error, Object.keys(options).join())
    }
  }
  const { provider } = await stage(t, withToken({}))
  for (const options of [
    { rejected: [TOKEN] },
    { token: TOKEN },
    { account: { TOKEN } },
    TOKEN
  ] as object[]) {
    isSilent(t, await provider.getToken(options).catch((error) => error), 'the error')
  }
})

t.test('the secret is not in a provider before, while or after it is used', async (t) => {
  let release: (() => void) | undefined
  const { provider } = await stage(t, (exchange) => {
    release = () => void withToken({})(exchange)
  })
  isSilent(t, provider, 'before')
  const pending = provider.getToken()
  await until(() => release !== undefined)
  isSilent(t, provider, 'while')
  isSilent(t, pending, 'the promise')
  release?.()
  await pending
  await provider.close()
  isSilent(t, provider, 'after')
})

t.test('the looks of this test find what is not hidden', async (t) => {
  class Leaky extends Error {
    get token() {
      return TOKEN
    }
  }
  const hidden = Object.defineProperty({}, 'hidden', { value: SECRET, enumerable: false })
  for (const leak of [
    { a: { b: { c: { d: TOKEN } } } },
    hidden,
    new Error('x', { cause: new Error(BASIC) }),
    new Leaky(SECRET)
  ]) {
    t.ok(SECRETS.some((secret) => looks(leak).includes(secret)))
  }
})
