export type Environment = Readonly<Record<string, string | undefined>>

/** Those for `https:`, and then those for both. */
export const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']

/**
 * The name of the variable whose proxy undici's `EnvHttpProxyAgent` takes for this URL. `undefined` if it goes there
 * directly.
 */
export function proxyVariable(environment: Environment, url: string): string | undefined {
  const { protocol, hostname, port } = new URL(url)
  const names = protocol === 'https:' ? PROXY_VARIABLES : PROXY_VARIABLES.slice(2)
  const variable = names.find((name) => environment[name])
  const effectivePort = port || (protocol === 'https:' ? '443' : '80')
  return isExempt(environment, hostname, effectivePort) ? undefined : variable
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
