// Stands for your app in the recipes: who its users are, and how a request says who sends it.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** The passwords of the users. They are different in each run. @type {ReadonlyMap<string, string>} */
export const passwords = new Map(
  ['alice', 'bob'].map((name) => [name, randomBytes(12).toString('base64url')])
)

/** Compares in constant time: both digests have the same length. @param {string} a @param {string} b */
const isSame = (a, b) => timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))

/** The user whose name and password were posted, or `undefined`. @param {unknown} body */
export function checkPassword(body) {
  const { name, password } = /** @type {Record<string, unknown>} */ (body ?? {})
  const expected = passwords.get(String(name))
  return expected !== undefined && isSame(String(password), expected) ? String(name) : undefined
}

/** The user of a request, by HTTP Basic. @param {{ headers: import('node:http').IncomingHttpHeaders }} request */
export function userOf({ headers }) {
  const [scheme, encoded = ''] = headers.authorization?.split(' ') ?? []
  const [name, password] = Buffer.from(encoded, 'base64').toString().split(':')
  return scheme === 'Basic' ? checkPassword({ name, password }) : undefined
}

/** @param {{ headers: import('node:http').IncomingHttpHeaders }} request */
export const isSignedIn = (request) => userOf(request) !== undefined
