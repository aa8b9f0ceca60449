import { isNativeError } from 'node:util/types'
import { typeName } from '../errors.js'
import type { Failure } from '../failure.js'
import type { OptionRule } from '../support/check-options.js'

/** Client credentials (RFC 6749 §2.3.1), from Bandwidth's portal. Both must be own properties of the object. */
export interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
}

type Name = keyof Credentials
export const NAMES = ['clientId', 'clientSecret'] as const

export const CREDENTIALS_RULES = {
  // RFC 7617 §2 forbids both in the user id of HTTP Basic, and control characters in the password.
  clientId: [
    (value) => isText(value) && !value.includes(':'),
    'a non-empty string without ":" and control characters',
    describeControlCharacter
  ],
  clientSecret: [isText, 'a non-empty string without control characters', describeControlCharacter]
} satisfies Readonly<Record<Name, OptionRule>>

/**
 * Calls a `credentials` function and checks what it returns. Never rejects. Only own properties of the returned object
 * count, so that a polluted prototype adds nothing to it. What the function throws may contain a secret, so only its
 * type is kept. `warn` is called with doubts about credentials that are used all the same.
 */
export async function loadCredentials(
  credentials: (account: string) => Credentials | Promise<Credentials>,
  account: string,
  warn?: (message: string) => void
): Promise<Credentials | Failure> {
  let returned: unknown
  let own: { [name in Name]?: unknown }
  try {
    returned = await credentials(account)
    own = ownCredentials(returned)
  } catch (error) {
    return { ...credentialsFailed('threw an error for this account'), thrown: thrownType(error) }
  }
  const fault = faultOf(returned, own)
  if (fault !== undefined) return credentialsFailed(fault)

  const checked = own as Credentials
  for (const name of NAMES) {
    const subject = `The "${name}" that the "credentials" function returned`
    for (const doubt of doubtsAbout(checked[name], subject)) warn?.(doubt)
  }
  return checked
}

/** Reads each property once, so that the value that is checked is the value that is used, even if it is a getter. */
function ownCredentials(returned: unknown): { [name in Name]?: unknown } {
  if (!isObject(returned)) return {}
  return Object.fromEntries(
    NAMES.filter((name) => Object.hasOwn(returned, name)).map((name) => [
      name,
      (returned as { [name in Name]?: unknown })[name]
    ])
  )
}

/** What is wrong with the returned value, as the end of a sentence that begins with: The "credentials" function. */
function faultOf(returned: unknown, own: { [name in Name]?: unknown }): string | undefined {
  if (!isObject(returned)) return `returned ${typeName(returned)} instead of { clientId, clientSecret }`
  for (const name of NAMES) {
    if (!Object.hasOwn(own, name)) {
      return `returned an object without an own property "${name}" instead of { clientId, clientSecret }`
    }
    const value = own[name]
    const [isValid, expected, describe] = CREDENTIALS_RULES[name]
    if (!isValid(value)) {
      return `returned as "${name}" ${describe(value) ?? typeName(value)} instead of ${expected}`
    }
  }
  return undefined
}

function credentialsFailed(whatItDid: string): Failure {
  return {
    code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
    message: `The "credentials" function ${whatItDid}.`,
    remedy: 'wait'
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/\p{Cc}/u.test(value)
}

const POSITIONS = [
  [/\p{Cc}$/u, 'ends with'],
  [/^\p{Cc}/u, 'begins with'],
  [/\p{Cc}/u, 'contains']
] as const

/** Says which control character a text has, and where. A line break at the end often comes from a file. */
function describeControlCharacter(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  for (const [pattern, verb] of POSITIONS) {
    const [character] = pattern.exec(value) ?? []
    if (character !== undefined) return `a string that ${verb} ${nameOf(character)}`
  }
  return undefined
}

function nameOf(controlCharacter: string): string {
  if (controlCharacter === '\n' || controlCharacter === '\r') return 'a line break'
  return controlCharacter === '\t' ? 'a tab' : 'a control character'
}

/** Warnings about an id or a secret that looks wrong but is used as it is. */
export function doubtsAbout(value: string, subject: string): string[] {
  const found =
    value !== value.trim()
      ? 'begins or ends with a space'
      : /^(["'`]).*\1$|^[“‘„].*[”’“]$/.test(value)
        ? 'is in quotes'
        : undefined
  return found === undefined
    ? []
    : [`${subject} ${found}. It is used as it is: if that is not part of it, remove it.`]
}

/**
 * The type of what was thrown: the name of an error class, or a type in words. The name of an error is only taken if
 * it looks like that of a class, because the user's code can set it to anything.
 */
function thrownType(thrown: unknown): string {
  try {
    const name = (thrown as { readonly name?: unknown } | null | undefined)?.name
    if (typeof name === 'string' && /^(?=[A-Z])[A-Za-z]{0,56}(?:Error|Exception)$/.test(name)) return name
    return isNativeError(thrown) ? 'Error' : typeName(thrown)
  } catch {
    // A getter or a revoked proxy can throw when it is read.
    return 'an object'
  }
}
