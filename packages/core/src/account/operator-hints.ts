import { type Failure, POINTLESS } from '../failure.js'
import { definedFields } from '../support/defined-fields.js'
import { parseUrl } from '../support/url.js'

/** Where the failed requests went. */
export interface Destination {
  readonly tokenUrl: string
  /** The option `network`. */
  readonly network?: string | undefined
  /** Whether the option `dispatcher` is set. Default: no. */
  readonly hasDispatcher?: boolean | undefined
}

/** The fields of the log line about a failure. All are safe to log, but only `code` may be shown to a browser. */
export interface FailureFields {
  readonly code: string
  readonly attempts?: number
  readonly upstreamStatus?: number
  readonly oauthError?: string
  /** The code of the network error, such as `ECONNREFUSED`. */
  readonly cause?: string
  /** The type of what a `credentials` function threw. */
  readonly thrown?: string
  /** The origin of the token endpoint: no path, no query, no user name. */
  readonly endpoint?: string
  readonly network?: string
  /** What happened and what to do about it, in plain English. */
  readonly hint?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The fields of the log line about a failed acquisition: what only an operator should read. Never throws. The fields
 * contain no secret, and of a URL only its origin. Of the environment they show the names of variables only.
 */
export function failureFields(
  failure: Failure,
  destination: Destination,
  environment: Environment = process.env
): FailureFields {
  const { code, attempts, upstreamStatus, oauthError, cause, thrown } = failure
  const fields = {
    code,
    // If a `credentials` function failed, no request was made: the field is left out.
    attempts: attempts || undefined,
    upstreamStatus,
    oauthError,
    cause: cause?.code,
    thrown,
    endpoint: parseUrl(destination.tokenUrl)?.origin,
    network: destination.network,
    hint: hintFor(failure, destination, environment)
  }
  return definedFields(fields) as FailureFields
}

function hintFor(failure: Failure, destination: Destination, environment: Environment): string | undefined {
  const { code, upstreamStatus } = failure
  switch (code) {
    case 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED':
      return upstreamStatus === undefined
        ? functionHint(failure)
        : sentences(refusalHint(failure), urlHint(destination, environment))
    case 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE':
      if (failure.message === POINTLESS.message) return OLD_TOKEN
      return upstreamStatus === undefined
        ? sentences(
            networkHint(failure),
            proxyHint(destination, environment),
            urlHint(destination, environment)
          )
        : unavailableHint(upstreamStatus)
    case 'ERR_BANDWIDTH_TOKEN_TIMEOUT':
      return failure.isVerdict === false || failure.attempts === 0
        ? NOT_SENT
        : sentences(TIMEOUT, proxyHint(destination, environment), urlHint(destination, environment))
    case 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID':
      return sentences(responseHint(upstreamStatus), urlHint(destination, environment))
    default:
      return undefined
  }
}

function functionHint({ message, thrown }: Failure): string {
  return thrown === undefined
    ? message
    : 'The "credentials" function failed. Call it by itself to see the error: its text is not logged, because it may ' +
        'contain a secret.'
}

/** The hint for a code of RFC 6749 §5.2. Without one, the status decides. */
function refusalHint({ oauthError, upstreamStatus }: Failure): string {
  switch (oauthError) {
    case 'invalid_scope':
      return (
        'The endpoint does not grant this scope to this client. Check "scope" and "network": Bandwidth\'s Global ' +
        'network needs the scope "voice.webrtc", the US network needs none.'
      )
    case 'unauthorized_client':
      return 'The client may not ask for a token this way. Ask Bandwidth to enable client credentials for it.'
    case 'unsupported_grant_type':
      return 'The endpoint does not know the grant type "client_credentials". Check the token URL.'
    case 'invalid_request':
      return 'The endpoint could not read the request. Check the token URL, and what the "dispatcher" changes.'
  }
  return upstreamStatus === 400 && oauthError !== 'invalid_client'
    ? 'The endpoint refused the request. Check the client id and secret, "scope", "network" and the token URL.'
    : 'The endpoint refused the client id or the client secret. Are they swapped, outdated, or made for the other of ' +
        'Bandwidth\'s networks (option "network")?'
}

function unavailableHint(upstreamStatus: number): string {
  return upstreamStatus === 429
    ? 'The endpoint gets too many requests. Keep one provider for the life of the process, and look for other programs ' +
        'that use the same client id.'
    : 'The endpoint has a problem of its own. The provider tries again by itself.'
}

function responseHint(upstreamStatus: number | undefined): string {
  if (upstreamStatus === 407) {
    return 'A proxy asks for a user name and a password. Give them to the "dispatcher".'
  }
  return upstreamStatus === 200
    ? 'What came back is not a token response. Is the token URL right, and does a proxy or a login page answer instead?'
    : 'Something other than a token endpoint seems to answer there. Check the token URL.'
}

const TIMEOUT =
  'The endpoint did not respond within "timeoutMs" or "deadlineMs". Does a firewall drop the connection, or was this ' +
  'process suspended or too busy?'

const NOT_SENT =
  'No request was sent within "deadlineMs". Does the "credentials" function hang, do many requests wait for a ' +
  'connection, or does another process of the fleet hold the lock?'

const OLD_TOKEN =
  'The endpoint sends tokens that are about to expire. Does a proxy or a cache answer instead of it?'

const UNTRUSTED =
  'The certificate of the endpoint is not signed by a CA that Node trusts. If a proxy of yours inspects TLS, add its ' +
  'CA by NODE_EXTRA_CA_CERTS or by a "dispatcher".'
const CLOSED_CONNECTION =
  'The connection was closed before the response was complete. Look for a proxy, a firewall or a restart on the way.'
const NO_ROUTE =
  'There is no route to the endpoint. Check the network, the firewall and the VPN of this machine.'
const NO_TLS = 'The endpoint does not speak TLS. Is the port in the token URL right?'

const NETWORK_HINTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'The host name of the endpoint does not exist. Check the token URL and the DNS of this machine.',
  EAI_AGAIN: 'The DNS server does not respond. Check the DNS and the network of this machine.',
  ECONNREFUSED:
    'Nothing listens at the endpoint. Check host and port of the token URL: is the server running?',
  ECONNRESET: CLOSED_CONNECTION,
  EPIPE: CLOSED_CONNECTION,
  UND_ERR_SOCKET: CLOSED_CONNECTION,
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ETIMEDOUT: TIMEOUT,
  CERT_HAS_EXPIRED:
    'The certificate of the endpoint has expired, or the clock of this machine is wrong. Check the clock first.',
  CERT_NOT_YET_VALID: 'The certificate of the endpoint is not valid yet. Check the clock of this machine.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate of the endpoint is for another host name. Check the host in the token URL.',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS
}

function networkHint({ cause }: Failure): string {
  const code = cause?.code ?? ''
  if (Object.hasOwn(NETWORK_HINTS, code)) return NETWORK_HINTS[code] as string
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return 'The TLS handshake with the endpoint failed. Compare TLS versions, client certificate and CA on both sides.'
  }
  if (code.startsWith('UND_ERR_PRX')) {
    return 'The proxy refused the connection. Check the address of the proxy and its credentials.'
  }
  return 'The endpoint could not be reached. Check the token URL and the network of this machine.'
}

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']

/** The provider's own agent reads no proxy variables, which is often why no request gets through. */
function proxyHint({ hasDispatcher }: Destination, environment: Environment): string {
  const variable = PROXY_VARIABLES.find((name) => environment[name])
  return variable === undefined || hasDispatcher
    ? ''
    : `${variable} is set, but the provider's own agent does not use it: pass "new EnvHttpProxyAgent()" of undici as ` +
        '"dispatcher".'
}

function urlHint({ tokenUrl }: Destination, environment: Environment): string {
  return environment['BW_TOKEN_URL'] === tokenUrl ? 'The token URL comes from BW_TOKEN_URL.' : ''
}

function sentences(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ')
}
