import { type Code, type Finding, findingsOf } from '../finding.js'
import type { Observations } from '../observe/observations.js'
import { PROXY_VARIABLES } from '../observe/proxy.js'
import { clockAheadMs, isUnreached, originOf } from './facts.js'
import { servesToken } from './served.js'

const { fault, note, ok } = findingsOf('endpoint')

const CLOCK_TOLERANCE_MS = 5_000

/** The codes of Node, OpenSSL and undici, each with the fault that it stands for. */
const CAUSES: readonly (readonly [pattern: RegExp, code: Code])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'dns'],
  [/^ECONNREFUSED$/, 'connection-refused'],
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, 'certificate-expired'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'certificate-for-another-name'],
  [/SELF_SIGNED|ISSUER_CERT|VERIFY_LEAF/, 'certificate-untrusted'],
  [/^(ERR_SSL_|EPROTO)/, 'tls']
]

/** The way to the token endpoint, and the clocks at its ends. */
export function checkEndpoint(seen: Observations): Finding[] {
  const { attempt } = seen
  if (attempt.url === undefined) return []
  const refusal = proxyRefusal(seen)
  if (refusal !== undefined) return [refusal]
  if (isUnreached(attempt)) return [unreached(seen)]
  return [ok('endpoint', `${originOf(attempt.url)} answers.`), ...proxy(seen), ...clock(seen)]
}

/** A proxy variable that is no URL. Which one it is, undici does not say, and its value may hold a password. */
export function badProxy(): Finding {
  const variables = 'HTTPS_PROXY or HTTP_PROXY'
  return fault('proxy-invalid', `${variables} is not the URL of a proxy. Write it as http://host:port.`)
}

function proxyRefusal({ attempt, proxyVariable }: Observations): Finding | undefined {
  const status = attempt.proxyStatus ?? attempt.error?.upstreamStatus
  if (attempt.proxyStatus === undefined && status !== 407) return undefined
  const where = proxyVariable ?? 'the environment'
  return status === 407
    ? fault(
        'proxy-refused',
        `The proxy in ${where} asks for a user name and a password (407). Put them into its URL: http://user:password@host.`
      )
    : fault(
        'proxy-refused',
        `The proxy in ${where} refuses to connect (${status}). Ask who runs it to allow ${originOf(attempt.url ?? '')}.`
      )
}

function unreached({ attempt, environment, proxyVariable }: Observations): Finding {
  const { error, hint = '', url = '' } = attempt
  const cause = (error?.cause as { readonly code?: string } | undefined)?.code
  const reason = cause ?? 'no answer in time'
  const origin = originOf(url)
  const code = CAUSES.find(([pattern]) => pattern.test(cause ?? ''))?.[1]
  const isConnection = code === 'dns' || code === 'connection-refused' || code === undefined
  if (proxyVariable !== undefined && isConnection) {
    const fix = 'Check its address, or unset the variable if there is no proxy.'
    return fault('proxy-unreachable', `The proxy in ${proxyVariable} cannot be reached (${reason}). ${fix}`)
  }
  if (environment['BW_TOKEN_URL'] === url && url.startsWith('http:') && isConnection) {
    const fix = 'Is it left over from development? Unset it, or start the emulator.'
    return fault(
      'token-url-left-over',
      `BW_TOKEN_URL names ${origin}, which does not answer (${reason}). ${fix}`
    )
  }
  const fallback = error?.code === 'ERR_BANDWIDTH_TOKEN_TIMEOUT' ? 'timeout' : 'unreachable'
  return fault(code ?? fallback, `${origin} cannot be reached (${reason}). ${hint}`)
}

function proxy({ attempt, environment, isReachedDirectly, proxyVariable, route }: Observations): Finding[] {
  const origin = originOf(attempt.url ?? '')
  const fix = 'Pass "new EnvHttpProxyAgent()" of undici as "dispatcher".'
  if (proxyVariable === undefined) {
    const unused = PROXY_VARIABLES.find((name) => environment[name])
    if (unused === undefined) return []
    const message = `${unused} is set, but not for ${origin}. If you need it there, an app uses it only with a dispatcher. ${fix}`
    return [note('proxy', message)]
  }
  // If the token did not come, something else is wrong, and the other way was not tried.
  if (isReachedDirectly || attempt.token === undefined || servesToken(route)) {
    const message = `This check goes through the proxy in ${proxyVariable}. An app does so only with a dispatcher. ${fix}`
    return [note('proxy', message)]
  }
  const cause = `${origin} can only be reached through the proxy in ${proxyVariable}`
  return [fault('proxy-not-used', `${cause}, which an app uses only with a dispatcher. ${fix}`)]
}

function clock({ attempt }: Observations): Finding[] {
  const aheadMs = clockAheadMs(attempt)
  if (aheadMs === undefined) return []
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS) {
    return [ok('clock', 'The clocks of this machine and of the endpoint agree.')]
  }
  const difference = `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`
  const fix = 'Set it, and let NTP keep it right: a wrong clock breaks TLS and makes tokens look expired.'
  return [fault('clock', `The clock of this machine is ${difference} that of the endpoint. ${fix}`)]
}
