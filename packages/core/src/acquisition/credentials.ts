import type { ClientAuthentication } from '../endpoint/request.js'
import { optionInvalid } from '../errors.js'
import type { OptionRule } from '../support/check-options.js'

/** Client credentials (RFC 6749 §2.3.1), from Bandwidth's portal. */
export interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
}

export const CREDENTIALS_RULES: Readonly<Record<keyof Credentials, OptionRule>> = {
  clientId: [isClientId, 'a non-empty string without ":" and control characters'],
  clientSecret: [(value) => typeof value === 'string' && value !== '', 'a non-empty string']
}

/** Where credentials are looked for that were not given: the names are those of Bandwidth's CLI and SDKs. */
const VARIABLES: Readonly<Record<keyof Credentials, string>> = {
  clientId: 'BW_CLIENT_ID',
  clientSecret: 'BW_CLIENT_SECRET'
}

/**
 * Fixed credentials: those that were given, else those of the environment.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` where one is missing or malformed
 */
export function fixedCredentials(given: { [Name in keyof Credentials]?: string | undefined }): Credentials {
  return {
    clientId: given.clientId ?? fromEnvironment('clientId'),
    clientSecret: given.clientSecret ?? fromEnvironment('clientSecret')
  }
}

function fromEnvironment(name: keyof Credentials): string {
  const value = process.env[VARIABLES[name]]
  const [isValid, expected] = CREDENTIALS_RULES[name]
  if (isValid(value)) return value as string
  throw optionInvalid(
    name,
    value,
    `${expected}: pass the option or set ${VARIABLES[name]} in the environment`
  )
}

/** A user id of HTTP Basic holds no colon and no control character (RFC 7617 §2). */
export function isClientId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/[:\p{Cc}]/u.test(value)
}

export function isCredentials(value: unknown): value is Credentials {
  const { clientId, clientSecret } = (value ?? {}) as Partial<Record<string, unknown>>
  return isClientId(clientId) && typeof clientSecret === 'string' && clientSecret !== ''
}

/** HTTP Basic (RFC 7617 §2) as Bandwidth documents it: raw, not percent-encoded as RFC 6749 §2.3.1 would have it. */
export function authenticate({ clientId, clientSecret }: Credentials): ClientAuthentication {
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  return { authorization: `Basic ${basic}`, secrets: [clientSecret, basic] }
}
