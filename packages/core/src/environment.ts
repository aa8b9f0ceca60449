import { CREDENTIALS_RULES, type Credentials, doubtsAbout, NAMES } from './acquisition/credentials.js'
import { optionInvalid } from './errors.js'

/** The environment variables that stand in for missing options. Bandwidth's CLI and SDKs use the same names. */
const VARIABLES = {
  clientId: 'BW_CLIENT_ID',
  clientSecret: 'BW_CLIENT_SECRET',
  tokenUrl: 'BW_TOKEN_URL'
} as const

/**
 * Fixed credentials, from the options or else from the environment, and warnings about what may be wrong with them.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` if one is missing or malformed
 */
export function fixedCredentials(given: { [name in keyof Credentials]?: string | undefined }): {
  readonly credentials: Credentials
  readonly warnings: readonly string[]
} {
  const credentials = {
    clientId: given.clientId ?? required('clientId'),
    clientSecret: given.clientSecret ?? required('clientSecret')
  }
  const warnings = NAMES.flatMap((name) =>
    doubtsAbout(
      credentials[name],
      given[name] === undefined ? `The environment variable ${VARIABLES[name]}` : `The option "${name}"`
    )
  )
  return { credentials, warnings }
}

/** The token URL of the environment, and the name of its variable. An empty one counts as missing. */
export function environmentTokenUrl(): readonly [variable: string, value: string | undefined] {
  return [VARIABLES.tokenUrl, process.env[VARIABLES.tokenUrl] || undefined]
}

function required(name: keyof Credentials): string {
  const variable = VARIABLES[name]
  const [isValid, expected, describe] = CREDENTIALS_RULES[name]
  const value = process.env[variable]
  if (isValid(value)) return value as string
  throw value === undefined || value === ''
    ? optionInvalid(name, value, `${expected}: pass the option or set ${variable} in the environment`)
    : optionInvalid(name, value, `${variable} in the environment to be ${expected}`, describe(value))
}
