import { type Finding, findingsOf } from '../finding.js'
import type { Answer } from '../observe/visit.js'

const { fault } = findingsOf('route')

/** Why an answer of the route is no token. */
export function unexpectedAnswer(answer: Answer, url: string): Finding {
  const { status } = answer
  if (isRedirect(answer)) {
    return leadsBack(answer, url)
      ? fault(
          'route-behind-proxy',
          'The app redirects to the very address that was asked, because TLS is ended in front of it and it sees http:. Set "trustProxy" (Express: "trust proxy").'
        )
      : fault(
          'route-redirects',
          `${shown(url)} redirects (${status}), as to somebody who is not signed in. Is the cookie still valid?`
        )
  }
  if (status === 401 || status === 403) {
    return fault(
      'route-refuses',
      `The route refuses this cookie (${status}). Is it complete and still valid, and does "authorize" return true?`
    )
  }
  if (status === 404 || status === 405) {
    return fault(
      'route-missing',
      `There is no token route at ${shown(url)} (${status}). Check "path", the prefix or mount point, and the order: it belongs before a catch-all.`
    )
  }
  if (status === 200 && /\bhtml\b/i.test(answer.headers['content-type'] ?? '')) {
    return fault(
      'route-html',
      `${shown(url)} answers with an HTML page. Mount the token route before the catch-all that serves your pages.`
    )
  }
  if (status === 429) {
    return fault(
      'route-failing',
      'The route may not be asked that often (429). Wait a little, and try again.'
    )
  }
  if (status >= 500) return failing(answer)
  return fault(
    'route-no-token',
    `The answer of ${shown(url)} (${status}) is no token. Mount the token route, or send "token.toResponse()".`
  )
}

function failing({ body, status }: Answer): Finding {
  const code = codeIn(body)
  const cause = code === undefined ? `fails (${status})` : `has no token to give (${status} ${code})`
  return fault(
    'route-failing',
    `The route ${cause}. Run this command where the app runs, and read the app's log.`
  )
}

const ERRORS_OF_THE_CORE = [
  'OPTION_INVALID',
  'CREDENTIALS_REJECTED',
  'UNAVAILABLE',
  'TIMEOUT',
  'RESPONSE_INVALID',
  'CLOSED'
]

/** The code of an error of the core. Nothing else of a body is ever shown. */
function codeIn(body: unknown): string | undefined {
  const { code } = (typeof body === 'object' && body !== null ? body : {}) as { readonly code?: unknown }
  return ERRORS_OF_THE_CORE.map((name) => `ERR_BANDWIDTH_TOKEN_${name}`).find((known) => known === code)
}

export function isRedirect({ status }: Answer): boolean {
  return status >= 300 && status < 400
}

/** Whether an answer redirects to the address that was asked, if only to its https: form. */
export function leadsBack({ headers }: Answer, url: string): boolean {
  const { href, host, pathname } = new URL(url)
  try {
    const target = new URL(headers['location'] ?? '/', href)
    return target.host === host && target.pathname === pathname
  } catch {
    return false
  }
}

/** A URL without its query and its user, which may be secret. */
export function shown(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
