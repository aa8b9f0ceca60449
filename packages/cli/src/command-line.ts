import { parseArgs } from 'node:util'
import type { CheckOptions, TokenOptions } from './observe/observations.js'

export type Command =
  | { readonly name: 'help' }
  | ({ readonly name: 'check'; readonly isJson: boolean } & CheckOptions)
  | ({ readonly name: 'token'; readonly account: string } & TokenOptions)
  | { readonly name: 'wrong'; readonly problem: string }

type Network = TokenOptions['network']

export const HELP = `bandwidth-token: finds what is wrong between the environment and a token

  bandwidth-token check    says what is well and what is not, a line for each
    --url <address>        the app's token route, to check it too
    --cookie <text>        the Cookie header of somebody who is signed in to the app
    --network <global|us>  Bandwidth's network (default: global)
    --try-exchanged        try refused credentials once more with id and secret exchanged; an id is written to logs
    --json                 print JSON
    --allow-insecure-token-url
                           allow http: to any host, as an app does that sets "allowInsecureTokenUrl"

  bandwidth-token token    prints one access token, and nothing else
    --account <name>       the account (default: none)
    --network <global|us>  Bandwidth's network (default: global)
    --allow-insecure-token-url
                           as above

  --help                   show this

It reads BW_CLIENT_ID, BW_CLIENT_SECRET, BW_TOKEN_URL, HTTPS_PROXY, HTTP_PROXY and NO_PROXY from the environment.
Exit status: 0 if all is well, 1 if something is wrong, 2 for a wrong command line.
`

const CHECK_FLAGS = {
  url: { type: 'string' },
  cookie: { type: 'string' },
  network: { type: 'string' },
  'try-exchanged': { type: 'boolean' },
  json: { type: 'boolean' },
  'allow-insecure-token-url': { type: 'boolean' },
  help: { type: 'boolean' }
} as const

const TOKEN_FLAGS = {
  account: { type: 'string' },
  network: { type: 'string' },
  'allow-insecure-token-url': { type: 'boolean' },
  help: { type: 'boolean' }
} as const

/** Reads the arguments. Never throws, and never repeats a value: it may be a cookie. */
export function readCommandLine([name, ...args]: readonly string[]): Command {
  try {
    if (name === '--help' || name === 'help') return { name: 'help' }
    if (name === 'check') return readCheck(args)
    if (name === 'token') return readToken(args)
    return wrong(
      name === undefined ? 'name a command: check or token' : 'there are two commands: check and token'
    )
  } catch (error) {
    return wrong(problemOf(error))
  }
}

function readCheck(args: string[]): Command {
  const { values } = parseArgs({ args, options: CHECK_FLAGS })
  const { cookie, help, json = false, url } = values
  const network = readNetwork(values.network)
  if (help) return { name: 'help' }
  if (network === undefined) return wrong(NETWORKS)
  if (url !== undefined && !isRouteUrl(url))
    return wrong('--url takes an http: or https: URL without user and password')
  if (cookie !== undefined && !/^[\x20-\x7e]+=[\x20-\x7e]*$/.test(cookie)) {
    return wrong('--cookie takes a Cookie header such as name=value, in ASCII')
  }
  if (cookie !== undefined && url === undefined) return wrong('--cookie needs --url')
  return {
    name: 'check',
    cookie,
    isJson: json,
    network,
    allowInsecureTokenUrl: values['allow-insecure-token-url'] ?? false,
    tryExchanged: values['try-exchanged'] ?? false,
    url
  }
}

function readToken(args: string[]): Command {
  const { values } = parseArgs({ args, options: TOKEN_FLAGS })
  const { account = '', help } = values
  const network = readNetwork(values.network)
  if (help) return { name: 'help' }
  if (network === undefined) return wrong(NETWORKS)
  if (account.length > 256) return wrong('--account takes at most 256 characters')
  const allowInsecureTokenUrl = values['allow-insecure-token-url'] ?? false
  return { name: 'token', account, network, allowInsecureTokenUrl }
}

const NETWORKS = '--network takes global or us'

function readNetwork(text = 'global'): Network | undefined {
  return text === 'global' || text === 'us' ? text : undefined
}

function isRouteUrl(text: string): boolean {
  try {
    const { password, protocol, username } = new URL(text)
    return (protocol === 'https:' || protocol === 'http:') && username === '' && password === ''
  } catch {
    return false
  }
}

function wrong(problem: string): Command {
  return { name: 'wrong', problem }
}

/** What is wrong, without the values that Node's own messages repeat. */
function problemOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message: string }
  const [flag] = /--[a-z-]{1,32}(?=['\s=]|$)/.exec(message) ?? ['one of them']
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `there is no option ${flag}`
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
    return `${flag} is used in a wrong way: does it lack its value?`
  return 'there is one argument too many; put quotes around a value with spaces'
}
