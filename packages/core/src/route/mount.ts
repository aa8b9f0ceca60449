import { optionInvalid } from '../errors.js'
import type { OptionRule } from '../support/check-options.js'

/** The path of the route, and the name of the method on the request. */
export interface Mount {
  readonly path: string | false
  readonly decorateAs: string
}

export const DEFAULT_MOUNT = { path: '/bandwidth/token', decorateAs: 'bandwidthToken' } as const

export const MOUNT_RULES: Readonly<Record<keyof Mount, OptionRule>> = {
  path: [
    (value) => value === false || (typeof value === 'string' && isLiteral(value)),
    'a literal path that begins with "/" and holds letters, digits and . _ ~ - only, no part of it "." or ".."; or false'
  ],
  decorateAs: [
    (value) => typeof value === 'string' && /^[A-Za-z_$][\w$]*$/.test(value) && !(value in {}),
    'the name of a property'
  ]
}

/**
 * Fills in the defaults. Each option was checked by itself before.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for a second name without a path of its own
 */
export function resolveMount({
  path,
  decorateAs
}: { [Name in keyof Mount]?: Mount[Name] | undefined }): Mount {
  if (path === undefined && decorateAs !== undefined && decorateAs !== DEFAULT_MOUNT.decorateAs) {
    throw optionInvalid('path', path, 'a path of its own, or false, together with "decorateAs"')
  }
  return { path: path ?? DEFAULT_MOUNT.path, decorateAs: decorateAs ?? DEFAULT_MOUNT.decorateAs }
}

/** Whether a client asks for the path as it is written: it would resolve the parts "." and ".." (RFC 3986 §5.2.4). */
function isLiteral(path: string): boolean {
  return /^(\/|(\/(?!\.{1,2}(\/|$))[\w.~-]+)+\/?)$/.test(path)
}
