export type Environment = Readonly<Record<string, string | undefined>>

const FOR_HTTPS = ['https_proxy', 'HTTPS_PROXY']
const FOR_BOTH = ['http_proxy', 'HTTP_PROXY']

/** All of them, in the order in which they are read. */
export const PROXY_VARIABLES = [...FOR_HTTPS, ...FOR_BOTH]

/** Whether a host is this machine, whatever the proxy variables say. */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

/**
 * The name of the variable whose proxy is taken for this URL, as undici's `EnvHttpProxyAgent` chooses it. `undefined` if
 * it goes there directly.
 */
export function proxyVariable(environment: Environment, url: string): string | undefined {
  const { protocol, hostname, port } = new URL(url)
  const ofHttps = protocol === 'https:' ? variableOf(environment, FOR_HTTPS) : undefined
  const variable = ofHttps ?? variableOf(environment, FOR_BOTH)
  const effectivePort = port || (protocol === 'https:' ? '443' : '80')
  return isExempt(environment, hostname, effectivePort) ? undefined : variable
}

/** The first one that is set counts. If it is empty, there is no proxy, whatever the next one says. */
function variableOf(environment: Environment, names: readonly string[]): string | undefined {
  const first = names.find((name) => environment[name] !== undefined)
  return first !== undefined && environment[first] !== '' ? first : undefined
}

function isExempt(environment: Environment, hostname: string, port: string): boolean {
  const list = environment['no_proxy'] ?? environment['NO_PROXY'] ?? ''
  if (list === '*') return true
  return list
    .split(/[,\s]/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, name = entry, ownPort] = /^(.+):(\d+)$/.exec(entry) ?? []
      const host = name.replace(/^\*?\./, '').toLowerCase()
      const isHost = hostname === host || hostname.endsWith(`.${host}`)
      return isHost && (ownPort === undefined || ownPort === port)
    })
}
