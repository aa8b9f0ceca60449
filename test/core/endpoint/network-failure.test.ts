import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { selfSigned } from '../../support/certificates.js'
import { networkFailure, toError } from '../../support/core-internals.js'
import { type Answer, answerRaw, grant, startEndpoint } from '../../support/endpoint.js'
import { errorOf } from '../../support/error-of.js'
import { rejection } from '../../support/outcomes.js'
import { CREDENTIALS, provide } from '../../support/provide.js'

t.test('keeps of a foreign error what has the right form, and never the error', async (t) => {
  const foreign = Object.assign(new Error('hunter2', { cause: 'hunter2' }), {
    name: 'SocketError',
    code: 'ECONNRESET',
    syscall: 'read',
    address: 'hunter2',
    socket: { authorization: 'hunter2' },
    headers: ['hunter2']
  })
  const { cause } = toError(networkFailure(foreign))
  t.not(cause, foreign)
  isSafeCause(t, cause)
  t.match(cause, { name: 'SocketError', code: 'ECONNRESET', syscall: 'read', message: 'ECONNRESET' })
  t.notMatch((cause as Error).stack, 'hunter2')
})

t.test('keeps no name, code or syscall of another form', async (t) => {
  for (const value of [
    'hunter2',
    'E',
    'E'.repeat(65),
    'ECONNRESET\n',
    'ECONN-RESET',
    '_RESET',
    '1RESET',
    'ECONNRESET hunter2',
    '',
    7,
    null,
    {},
    ['ECONNRESET'],
    { toString: () => 'read' }
  ]) {
    const foreign = Object.assign(new Error('x'), { code: value, syscall: value })
    Object.defineProperty(foreign, 'name', { value })
    const { cause } = toError(networkFailure(foreign))
    isSafeCause(t, cause)
    t.equal((cause as Error).name, 'Error')
    t.notOk('code' in (cause as object))
    t.notOk('syscall' in (cause as object))
  }
})

t.test('keeps a name, a code and a syscall of its own form and length, and nothing around it', async (t) => {
  for (const [field, kept, others] of [
    [
      'name',
      ['Ab', 'TypeError', `A${'b'.repeat(63)}`],
      ['A', 'typeError', '1TypeError', ' TypeError', 'TypeError!', 'Type Error', `A${'b'.repeat(64)}`]
    ],
    [
      'code',
      ['EA', 'E_/.9', `E${'A'.repeat(63)}`],
      ['E', '1EA', 'eEA', ' EA', 'EA!', 'EA\n', `E${'A'.repeat(64)}`]
    ],
    [
      'syscall',
      ['ab', 'getAddrInfo', `a${'b'.repeat(31)}`],
      ['a', 'Read', '1read', ' read', 'read!', 'read 5', 'read\n', `a${'b'.repeat(32)}`]
    ]
  ] as const) {
    for (const value of kept) t.equal(networkFailure({ [field]: value }).cause?.[field], value, value)
    for (const value of others) t.equal(networkFailure({ [field]: value }).cause?.[field], undefined, value)
  }
})

t.test('says whether the endpoint was out of reach or too slow', async (t) => {
  t.match(networkFailure({ code: 'ECONNREFUSED' }), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    message: 'The token endpoint could not be reached.',
    remedy: 'retry'
  })
  for (const code of ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']) {
    t.match(networkFailure({ code }), { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', cause: { code } })
  }
  for (const error of [{}, null, undefined, 'x', { code: '' }]) {
    t.match(networkFailure(error), { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' })
  }
})

t.test('keeps the names, codes and syscalls that tell what to mend', async (t) => {
  const kept = (foreign: object) => toError(networkFailure(foreign)).cause as Error & Record<string, unknown>
  for (const name of [
    ...['TypeError', 'AggregateError', 'SocketError', 'HTTPParserError', 'SecureProxyConnectionError'],
    ...['ConnectTimeoutError', 'HeadersTimeoutError', 'BodyTimeoutError', 'HeadersOverflowError'],
    ...['ClientClosedError', 'ClientDestroyedError', 'AbortError']
  ]) {
    t.match(kept({ name }), { name, message: 'The request failed' })
  }
  for (const code of [
    ...['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EPIPE', 'EPROTO'],
    ...['UND_ERR_ABORTED', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED', 'UND_ERR_INFO', 'UND_ERR_PRX_TLS'],
    ...['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_RES_EXCEEDED_MAX_SIZE'],
    ...['UND_ERR_SOCKET', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ...['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REJECTED', 'CERT_REVOKED', 'CERT_UNTRUSTED'],
    ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'HOSTNAME_MISMATCH', 'INVALID_CA'],
    ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ...['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
    ...['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'E.A', 'EA', 'E'.repeat(64)]
  ]) {
    t.match(kept({ code }), { name: 'Error', code, message: code })
  }
  for (const syscall of ['connect', 'getaddrinfo', 'read', 'write', 'shutdown']) {
    t.match(kept({ syscall }), { syscall })
  }
})

t.test('keeps nothing that shares eight characters with the secret or the Basic value', async (t) => {
  const secret = 'A1_SECRET.OF/9'
  const basic = Buffer.from(`client:${secret}`).toString('base64')
  const codeOf = async (code: string) => {
    const dispatcher = { request: () => Promise.reject(Object.assign(new Error('x'), { code })) }
    const { cause } = await errorOf(t, grant(), { dispatcher, clientSecret: secret })
    isSafeCause(t, cause)
    return (cause as NodeJS.ErrnoException).code
  }
  for (const code of [secret, `ERR_${secret}`, 'A1_SECRE', 'E_RET.OF/9', `E${'ECRET.OF'}_9`]) {
    t.equal(await codeOf(code), undefined, code)
  }
  t.equal(await codeOf('A1_SECR'), 'A1_SECR', 'seven may be chance')
  t.equal(await codeOf('ECONNRESET'), 'ECONNRESET')

  const upper = basic.toUpperCase()
  const { cause } = toError(networkFailure({ code: `X${upper.slice(0, 8)}` }, [upper]))
  t.notOk('code' in (cause as object))
  t.match(toError(networkFailure({ name: 'Hunterhunter', syscall: 'hunterhunter' }, ['unterhun'])).cause, {
    name: 'Error',
    syscall: undefined
  })
})

t.test('has a cause that names the alert of a TLS server', async (t) => {
  const { cert, key } = await selfSigned('127.0.0.1')
  const server = createTlsServer({ cert, key, ALPNProtocols: ['nothing-else'] })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const tokenUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  t.teardown(() => dispatcher.destroy())
  const { cause } = await errorOf(t, grant(), { tokenUrl, dispatcher })
  isSafeCause(t, cause)
  t.match(cause, { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
})

t.test('takes the time limits of a dispatcher for a timeout', async (t) => {
  for (const code of ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']) {
    const dispatcher = { request: () => Promise.reject(Object.assign(new Error('x'), { code })) }
    const error = await errorOf(t, grant(), { dispatcher })
    t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', statusCode: 504, attempts: 3, cause: { code } })
  }
})

t.test('survives a foreign error whose properties throw', async (t) => {
  const hostile = new Proxy(new Error('x'), {
    get() {
      throw new Error('hunter2')
    }
  })
  const error = await errorOf(t, grant(), { dispatcher: { request: () => Promise.reject(hostile) } })
  t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
})

t.test('a network error', async (t) => {
  const causes: readonly [name: string, answer: Answer, code: string][] = [
    ['a reset', ({ socket }) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['an early end', ({ socket }) => socket.end(), 'UND_ERR_SOCKET']
  ]
  for (const [name, answer, code] of causes) {
    t.test(`has a cause that names ${name}`, async (t) => {
      const { cause } = await errorOf(t, answer)
      isSafeCause(t, cause)
      t.match(cause, { code })
    })
  }

  t.test('has a cause that names a refused connection', async (t) => {
    // Nobody listens there. A port that was just given up may be somebody else's by now.
    const provider = provide(t, { ...CREDENTIALS, tokenUrl: 'http://127.0.0.1:1/token' })
    const { cause } = await rejection(provider.getToken())
    isSafeCause(t, cause)
    t.match(cause, { code: 'ECONNREFUSED', syscall: 'connect' })
  })

  t.test('has a cause that names a host that does not exist', async (t) => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND id.invalid'), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: 'id.invalid'
    })
    const dispatcher = new Agent({
      connect: { lookup: (_hostname, _options, done) => done(notFound, '', 0) }
    })
    t.teardown(() => dispatcher.destroy())
    const { cause } = await errorOf(t, grant(), { tokenUrl: 'https://id.invalid/token', dispatcher })
    isSafeCause(t, cause)
    t.match(cause, { code: 'ENOTFOUND', syscall: 'getaddrinfo' })
    t.notMatch((cause as Error).message, 'id.invalid')
  })

  t.test('has a cause without a code for what nobody knows', async (t) => {
    const { cause } = await errorOf(t, answerRaw('SSH-2.0-hunter2', '', ''))
    isSafeCause(t, cause)
    t.notMatch((cause as Error).message, 'hunter2')
  })

  t.test('has a cause in a connection that speaks no TLS', async (t) => {
    const server = await startEndpoint(t)
    const tokenUrl = server.tokenUrl.replace('http:', 'https:')
    const provider = provide(t, { ...CREDENTIALS, tokenUrl })
    const error = await rejection(provider.getToken())
    t.equal(error['code'], 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE')
    isSafeCause(t, error.cause)
  })
})

function isSafeCause(t: Test, cause: unknown): void {
  t.ok(cause instanceof Error)
  const allowed = new Set(['name', 'code', 'syscall', 'message', 'stack'])
  t.strictSame(
    Object.getOwnPropertyNames(cause).filter((name) => !allowed.has(name)),
    []
  )
  t.notOk((cause as Error).cause)
  t.notMatch((cause as Error).message, /\d+\.\d+\.\d+\.\d+|:\d+/)
}
