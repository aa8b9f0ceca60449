import fc from 'fast-check'
import t from 'tap'
import { Agent } from 'undici'
import { failureFields, POINTLESS, WAITED_IN_VAIN } from '../../support/core-internals.js'
import { startEndpoint } from '../../support/endpoint.js'
import { recordingLogger } from '../../support/recording-logger.js'

type Failure = Parameters<typeof failureFields>[0]

const PLACE = { tokenUrl: 'https://id.example:8443/token', network: 'global' }

const refused = (known: Partial<Failure> = {}): Failure => ({
  code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
  message: 'The token endpoint rejected the client credentials.',
  remedy: 'reload',
  upstreamStatus: 401,
  ...known
})
const unreachable = (code?: string): Failure => ({
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  message: 'The token endpoint could not be reached.',
  remedy: 'retry',
  cause: { name: 'Error', code, syscall: undefined }
})
const unavailable = (upstreamStatus: number): Failure => ({
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  message: 'x',
  remedy: 'retry',
  upstreamStatus
})
const timedOut = (attempts: number): Failure => ({
  code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT',
  message: 'x',
  remedy: 'retry',
  attempts
})
const invalid = (upstreamStatus: number): Failure => ({
  code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID',
  message: 'x',
  remedy: 'wait',
  upstreamStatus
})

const hint = (failure: Failure, place: Parameters<typeof failureFields>[1] = PLACE, environment = {}) =>
  failureFields(failure, place, environment).hint

t.test('has the fields that are known, and no others', async (t) => {
  const failure = refused({ attempts: 2, oauthError: 'invalid_client', cause: undefined })
  const { hint, ...fields } = failureFields(failure, PLACE, {})
  t.strictSame(fields, {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    attempts: 2,
    upstreamStatus: 401,
    oauthError: 'invalid_client',
    endpoint: 'https://id.example:8443',
    network: 'global'
  })
  t.type(hint, 'string')
  t.strictSame(failureFields(unreachable('ECONNREFUSED'), PLACE, {}), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    cause: 'ECONNREFUSED',
    endpoint: 'https://id.example:8443',
    network: 'global',
    hint: 'Nothing listens at the endpoint. Check host and port of the token URL: is the server running?'
  })
  t.notOk('attempts' in failureFields(timedOut(0), PLACE, {}), 'no attempts where none was made')
  t.notOk('network' in failureFields(timedOut(1), { tokenUrl: PLACE.tokenUrl }, {}))
  t.match(failureFields(refused({ upstreamStatus: undefined as never, thrown: 'TypeError' }), PLACE, {}), {
    thrown: 'TypeError'
  })
})

t.test('shows of the token URL its origin only', async (t) => {
  for (const tokenUrl of [
    'https://user:hunter2@id.example:8443/hunter2?key=hunter2#hunter2',
    'https://id.example:8443/token?hunter2'
  ]) {
    const fields = failureFields(unreachable('ENOTFOUND'), { tokenUrl }, { BW_TOKEN_URL: tokenUrl })
    t.equal(fields.endpoint, 'https://id.example:8443')
    t.notMatch(JSON.stringify(fields), 'hunter2')
  }
  t.notOk('endpoint' in failureFields(unreachable(), { tokenUrl: 'nowhere' }, {}))
})

t.test('tells an operator what to look at', async (t) => {
  const { upstreamStatus: _, ...withoutStatus } = refused()
  for (const [failure, expected] of [
    [refused({ oauthError: 'invalid_client' }), /swapped, outdated.*option "network"/],
    [refused({ upstreamStatus: 400, oauthError: 'invalid_client' }), /swapped/],
    [refused({ upstreamStatus: 200, oauthError: 'invalid_client' }), /swapped/],
    [refused(), /swapped/],
    [refused({ upstreamStatus: 403 }), /swapped/],
    [
      refused({ upstreamStatus: 400 }),
      /Check the client id and secret, "scope", "network" and the token URL/
    ],
    [refused({ oauthError: 'invalid_scope' }), /Check "scope" and "network".*voice\.webrtc/],
    [refused({ oauthError: 'unauthorized_client' }), /Ask Bandwidth/],
    [refused({ oauthError: 'unsupported_grant_type' }), /Check the token URL/],
    [refused({ oauthError: 'invalid_request' }), /Check the token URL, and what the "dispatcher" changes/],
    [
      { ...withoutStatus, message: 'The "credentials" function returned null.' },
      /^The "credentials" function returned null\.$/
    ],
    [{ ...withoutStatus, thrown: 'TypeError' }, /"credentials" function failed.*its text is not logged/],
    [
      { ...POINTLESS, attempts: 1 },
      /^The endpoint sends tokens that are about to expire\. Does a proxy.*\?$/
    ],
    [unavailable(429), /too many requests.*one provider/],
    [unavailable(503), /problem of its own.*tries again by itself/],
    [unreachable('ENOTFOUND'), /host name.*does not exist.*DNS/],
    [unreachable('EAI_AGAIN'), /DNS server/],
    [unreachable('ECONNREFUSED'), /Nothing listens/],
    [unreachable('ECONNRESET'), /connection was closed/],
    [unreachable('EPIPE'), /connection was closed/],
    [unreachable('UND_ERR_SOCKET'), /connection was closed/],
    [unreachable('EHOSTUNREACH'), /no route/],
    [unreachable('ENETUNREACH'), /no route/],
    [unreachable('ETIMEDOUT'), /did not respond.*firewall/],
    [unreachable('CERT_HAS_EXPIRED'), /expired.*clock/],
    [unreachable('CERT_NOT_YET_VALID'), /clock/],
    [unreachable('ERR_TLS_CERT_ALTNAME_INVALID'), /another host name/],
    [unreachable('DEPTH_ZERO_SELF_SIGNED_CERT'), /NODE_EXTRA_CA_CERTS/],
    [unreachable('UNABLE_TO_GET_ISSUER_CERT'), /NODE_EXTRA_CA_CERTS/],
    [unreachable('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), /NODE_EXTRA_CA_CERTS/],
    [unreachable('SELF_SIGNED_CERT_IN_CHAIN'), /not signed by a CA.*NODE_EXTRA_CA_CERTS/],
    [unreachable('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /NODE_EXTRA_CA_CERTS/],
    [unreachable('ERR_SSL_WRONG_VERSION_NUMBER'), /does not speak TLS/],
    [unreachable('ERR_SSL_PACKET_LENGTH_TOO_LONG'), /does not speak TLS/],
    [unreachable('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), /TLS handshake/],
    [unreachable('EPROTO'), /TLS handshake/],
    [unreachable('UND_ERR_PRX_TLS'), /proxy refused/],
    [unreachable('ESOMETHING'), /could not be reached/],
    [unreachable('constructor'), /could not be reached/],
    [unreachable(), /could not be reached/],
    [timedOut(3), /did not respond.*firewall/],
    [timedOut(0), /No request was sent.*"credentials" function hang/],
    [WAITED_IN_VAIN, /No request was sent.*many requests wait/],
    [invalid(200), /not a token response.*proxy or a login page/],
    [invalid(302), /Something other than a token endpoint.*Check the token URL/],
    [invalid(407), /proxy asks for a user name/]
  ] as const) {
    t.match(hint(failure), expected)
  }
  t.equal(hint({ code: 'ERR_BANDWIDTH_TOKEN_CLOSED', message: 'x', remedy: 'wait' }), undefined)
})

t.test(
  'says that the own agent does not use the proxy variables, where that may be the reason',
  async (t) => {
    const note = /HTTPS_PROXY is set, but the provider's own agent does not use it.*EnvHttpProxyAgent/
    const environment = { HTTPS_PROXY: 'http://user:hunter2@proxy.example:3128' }
    for (const failure of [unreachable('ECONNREFUSED'), unreachable(), timedOut(3)]) {
      t.match(hint(failure, PLACE, environment), note)
      t.notMatch(hint(failure, PLACE, environment), /hunter2|proxy\.example/)
      t.notMatch(hint(failure, { ...PLACE, hasDispatcher: true }, environment), 'HTTPS_PROXY')
      t.notMatch(hint(failure, PLACE, { HTTPS_PROXY: '' }), 'HTTPS_PROXY')
      t.notMatch(hint(failure, PLACE, {}), 'PROXY')
    }
    for (const variable of ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']) {
      t.match(hint(timedOut(1), PLACE, { [variable]: 'http://proxy.example' }), `${variable} is set`)
    }
    for (const failure of [refused(), unavailable(503), invalid(404)]) {
      t.notMatch(hint(failure, PLACE, environment), 'PROXY', 'the endpoint was reached')
    }
  }
)

t.test('says that the token URL comes from the environment, where that may be the reason', async (t) => {
  const environment = { BW_TOKEN_URL: PLACE.tokenUrl }
  const note = 'The token URL comes from BW_TOKEN_URL.'
  for (const failure of [refused(), unreachable('ENOTFOUND'), timedOut(3), invalid(404)]) {
    t.match(hint(failure, PLACE, environment), note)
    t.notMatch(hint(failure, PLACE, { BW_TOKEN_URL: 'https://other.example' }), 'BW_TOKEN_URL')
  }
  t.notMatch(hint(unavailable(503), PLACE, environment), 'BW_TOKEN_URL')
})

t.test('reads the environment of the process by default', async (t) => {
  const before = process.env['BW_TOKEN_URL']
  t.teardown(() => {
    if (before === undefined) delete process.env['BW_TOKEN_URL']
    else process.env['BW_TOKEN_URL'] = before
  })
  process.env['BW_TOKEN_URL'] = PLACE.tokenUrl
  t.match(failureFields(invalid(404), PLACE).hint, 'BW_TOKEN_URL')
})

t.test('never throws, whatever the failure and the URL', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 })
  const optional = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined })
  const failure = fc.record({
    code: fc.oneof(
      fc.constantFrom(refused().code, unreachable().code, timedOut(1).code, invalid(1).code),
      text
    ),
    message: text,
    remedy: fc.constant('wait'),
    attempts: optional(fc.nat()),
    upstreamStatus: optional(fc.nat(999)),
    oauthError: optional(fc.oneof(fc.constantFrom('__proto__', 'invalid_scope'), text)),
    cause: optional(fc.record({ name: text, code: optional(fc.oneof(fc.constant('__proto__'), text)) })),
    thrown: optional(text)
  })
  const place = fc.record({ tokenUrl: fc.oneof(text, fc.webUrl()), network: optional(text) })
  fc.assert(
    fc.property(failure, place, (failure, place) => {
      const fields = failureFields(failure as unknown as Failure, place, {})
      return Object.values(fields).every((value) => value !== undefined)
    })
  )
})

t.test('says nothing of a proxy where a dispatcher was given, which may use it', async (t) => {
  process.env['https_proxy'] = 'http://proxy.example'
  t.teardown(() => delete process.env['https_proxy'])
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  for (const [dispatcher, isNamed] of [
    [undefined, true],
    [agent, false]
  ] as const) {
    const logger = recordingLogger()
    const endpoint = await startEndpoint(t, ({ socket }) => socket.destroy())
    const provider = endpoint.provider(t, { logger, dispatcher })
    const failing = provider.getToken().catch(() => {})
    await endpoint.clock.advance(1_000)
    await failing
    const { hint = '' } = (logger.lines[0]?.fields ?? {}) as { hint?: string }
    t.match(hint, 'The connection was closed')
    t.equal(hint.includes('https_proxy is set'), isNamed, hint)
  }
})
