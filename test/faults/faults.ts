import { createAuthority, type KeyedCertificate, selfSigned } from '../support/certificates.js'
import type { Exchange } from '../support/endpoint.js'
import { HOST, NOBODY_PORT, type TlsEndpoint } from '../support/tls-endpoint.js'
import type { Route, Stage } from './stage.js'

/** Something that goes wrong on the way to a token. */
export interface Fault {
  readonly name: string
  readonly route: Route
  readonly code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' | 'ERR_BANDWIDTH_TOKEN_TIMEOUT'
  /** What may be shown of the cause, one of these; there is none where only time ran out. */
  readonly causes?: readonly { readonly name: string; readonly code: string; readonly syscall?: string }[]
  /** How often it was knocked where it goes wrong. */
  readonly knocks: (stage: Stage) => number
  /** From now on it goes wrong. */
  readonly strike: (stage: Stage) => unknown
}

type Cause = NonNullable<Fault['causes']>[number]
type Phase = (stage: Stage) => unknown

const error = (code: string, syscall?: string): Cause => ({
  name: 'Error',
  code,
  ...(syscall !== undefined && { syscall })
})
const RESET = error('ECONNRESET', 'read')
const SOCKET_ERROR: Cause = { name: 'SocketError', code: 'UND_ERR_SOCKET' }

const dials = ({ endpoint }: Stage) => endpoint.dials
// After a request that was given up undici dials once more, and sends nothing: only requests count.
const requests = ({ endpoint }: Stage) => endpoint.requests.length
const tunnels = ({ proxy }: Stage) => proxy.requests.length

interface Way {
  readonly route?: Route
  readonly knocks?: Fault['knocks']
}

function fails(
  name: string,
  cause: Cause | readonly Cause[],
  strike: Phase,
  { route = 'direct', knocks = dials }: Way = {}
): Fault {
  const causes = [cause].flat()
  return { name, route, code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', causes, knocks, strike }
}

function hangs(name: string, strike: Phase, { route = 'direct', knocks = dials }: Way = {}): Fault {
  return { name, route, code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', knocks, strike }
}

/** The name is asked for, and nothing good comes back. */
function unresolved(code: string): Phase {
  return ({ endpoint }) => {
    endpoint.lookup = (hostname, _options, done) => {
      const failure = Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), {
        code,
        syscall: 'getaddrinfo',
        hostname
      })
      done(failure, '')
    }
  }
}

const NAME: readonly Fault[] = [
  fails('the name does not exist', error('ENOTFOUND', 'getaddrinfo'), unresolved('ENOTFOUND')),
  fails('no name can be resolved', error('EAI_AGAIN', 'getaddrinfo'), unresolved('EAI_AGAIN')),
  hangs('the name server hangs', (stage) => {
    stage.endpoint.lookup = () => stage.hangs()
  })
]

const CONNECTION: readonly Fault[] = [
  fails('the connection is refused', error('ECONNREFUSED', 'connect'), ({ endpoint }) => {
    endpoint.port = NOBODY_PORT
  }),
  fails('the connection is closed at once', error('ECONNRESET'), ({ endpoint }) => {
    endpoint.onConnection = (socket) => socket.end()
  })
]

const DAY_MS = 86_400_000

function presenting(make: (endpoint: TlsEndpoint) => Promise<KeyedCertificate>): Phase {
  return async ({ endpoint }) => endpoint.present(await make(endpoint))
}

const hello =
  (then: (stage: Stage, socket: Parameters<NonNullable<TlsEndpoint['onConnection']>>[0]) => unknown): Phase =>
  (stage) => {
    stage.endpoint.onConnection = (socket) => socket.once('data', () => then(stage, socket))
  }

const HANDSHAKE: readonly Fault[] = [
  fails(
    'the certificate has expired',
    error('CERT_HAS_EXPIRED'),
    presenting(({ authority }) =>
      authority.issue(HOST, { validFromMs: Date.now() - 2 * DAY_MS, validToMs: Date.now() - DAY_MS })
    )
  ),
  fails(
    'the certificate is not valid yet',
    error('CERT_NOT_YET_VALID'),
    presenting(({ authority }) =>
      authority.issue(HOST, { validFromMs: Date.now() + DAY_MS, validToMs: Date.now() + 2 * DAY_MS })
    )
  ),
  fails(
    'the certificate is for another host',
    error('ERR_TLS_CERT_ALTNAME_INVALID'),
    presenting(({ authority }) => authority.issue('id.bandwidth.test.evil.test'))
  ),
  fails(
    'the certificate is signed by itself',
    error('DEPTH_ZERO_SELF_SIGNED_CERT'),
    presenting(() => selfSigned(HOST))
  ),
  fails(
    'the certificate is signed by a stranger',
    error('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    presenting(async () => (await createAuthority('CN=Stranger')).issue(HOST))
  ),
  fails(
    'the certificate is signed by an impostor',
    error('CERT_SIGNATURE_FAILURE'),
    presenting(async () => (await createAuthority()).issue(HOST))
  ),
  fails(
    'the endpoint speaks no TLS',
    error('ERR_SSL_WRONG_VERSION_NUMBER'),
    hello((_stage, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  ),
  fails(
    'the endpoint speaks an old TLS only',
    error('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'),
    // An alert: fatal, protocol version (RFC 8446 §6).
    hello((_stage, socket) => socket.end(Buffer.from([21, 3, 1, 0, 2, 2, 70])))
  ),
  fails(
    'the connection is reset in the handshake',
    RESET,
    hello((_stage, socket) => socket.resetAndDestroy())
  ),
  fails(
    'the connection is closed in the handshake',
    error('ECONNRESET'),
    hello((_stage, socket) => socket.end())
  ),
  hangs(
    'the handshake hangs',
    hello((stage) => stage.hangs())
  )
]

/** How far an answer gets before something happens to it. */
const ANSWERED: Readonly<Record<string, (exchange: Exchange, then: () => void) => void>> = {
  'before the headers': (_exchange, then) => then(),
  'in the headers': ({ socket }, then) => void socket.write('HTTP/1.1 200 OK\r\nContent-Ty', then),
  'after the headers': ({ response, socket }, then) => {
    response.writeHead(200, { 'Content-Length': '99' }).flushHeaders()
    socket.write('', then)
  },
  'in the body': ({ response }, then) => {
    response.writeHead(200, { 'Content-Length': '99' }).write('{"access_token":"', then)
  }
}

const ANSWER: readonly Fault[] = Object.entries(ANSWERED).flatMap(([where, upTo]) => [
  fails(
    `the connection is reset ${where}`,
    // Where an answer has begun undici may say of a reset no more than of an end.
    where === 'before the headers' ? RESET : [RESET, SOCKET_ERROR],
    ({ endpoint }) => {
      endpoint.answer = (exchange) => upTo(exchange, () => endpoint.reset(exchange))
    },
    { knocks: requests }
  ),
  fails(
    `the connection is closed ${where}`,
    SOCKET_ERROR,
    ({ endpoint }) => {
      endpoint.answer = (exchange) => upTo(exchange, () => exchange.socket.end())
    },
    { knocks: requests }
  ),
  hangs(
    `the endpoint hangs ${where}`,
    (stage) => {
      stage.endpoint.answer = (exchange) => upTo(exchange, stage.hangs)
    },
    { knocks: requests }
  )
])

const refusal = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`

const PROXY: readonly Fault[] = (['ProxyAgent', 'EnvHttpProxyAgent'] as const).flatMap((route) => [
  fails(
    `the proxy of the ${route} answers 407`,
    { name: 'AbortError', code: 'UND_ERR_ABORTED' },
    ({ proxy }) => {
      proxy.onConnect = (socket) => socket.end(refusal('407 Proxy Authentication Required'))
    },
    { route, knocks: tunnels }
  ),
  fails(
    `the proxy of the ${route} finds no way to the endpoint`,
    { name: 'AbortError', code: 'UND_ERR_ABORTED' },
    ({ proxy }) => {
      proxy.onConnect = (socket) => socket.end(refusal('502 Bad Gateway'))
    },
    { route, knocks: tunnels }
  ),
  fails(
    `the proxy of the ${route} resets the connection`,
    RESET,
    ({ proxy }) => {
      proxy.onConnect = (socket) => socket.resetAndDestroy()
    },
    { route, knocks: tunnels }
  ),
  hangs(
    `the proxy of the ${route} hangs`,
    (stage) => {
      stage.proxy.onConnect = () => stage.hangs()
    },
    { route, knocks: tunnels }
  ),
  fails(
    `the certificate behind the proxy of the ${route} has expired`,
    error('CERT_HAS_EXPIRED'),
    presenting(({ authority }) =>
      authority.issue(HOST, { validFromMs: Date.now() - 2 * DAY_MS, validToMs: Date.now() - DAY_MS })
    ),
    { route, knocks: tunnels }
  )
])

export const FAULTS: readonly Fault[] = [...NAME, ...CONNECTION, ...HANDSHAKE, ...ANSWER, ...PROXY]
