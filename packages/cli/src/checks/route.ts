import { type Finding, findingsOf } from '../finding.js'
import type { Attempt } from '../observe/attempt.js'
import type { Observations } from '../observe/observations.js'
import { type Answer, type RouteVisits, saysNothing, type Visit } from '../observe/visit.js'
import { clockAheadMs, lifetimeS } from './facts.js'
import { claimsOf } from './jwt.js'
import { isAnswer, type ServedToken, servedToken } from './served.js'
import { isRedirect, leadsBack, shown, unexpectedAnswer } from './unexpected-answer.js'

const { fault, note, ok } = findingsOf('route')

/** The core hands out no token with less than this left, or than a tenth of its life. */
const MARGIN_S = 10
/** What `expires_in` and the token's own `exp` may differ by: rounding, and clocks that do not quite agree. */
const EXPIRY_TOLERANCE_S = 8

/** The app's token route, as its visitors see it. */
export function checkRoute(seen: Observations): Finding[] {
  const { route } = seen
  if (route === undefined) return []
  const { visitor } = route
  if (!isAnswer(visitor)) {
    const fix = 'Does the app run, and are host and port right?'
    return [fault('route-unreachable', `${shown(route.url)} cannot be reached (${visitor.failure}). ${fix}`)]
  }
  const token = servedToken(visitor)
  if (token === undefined) return withoutToken(route, visitor)
  const findings = [...access(route), ...freshness(visitor, token, seen)]
  const isWell = findings.every(({ level }) => level !== 'fault')
  return isWell ? [ok('route', `${shown(route.url)} serves a token.`), ...findings] : findings
}

function withoutToken(route: RouteVisits, visitor: Answer): Finding[] {
  const isRefusal = visitor.status === 401 || visitor.status === 403
  if (!route.hasCookie && (isRefusal || isRedirect(visitor))) {
    if (leadsBack(visitor, route.url)) return [unexpectedAnswer(visitor, route.url)]
    const advice = 'Give the cookie of somebody who is signed in by --cookie to check the rest.'
    return [refusesAnonymous(), note('route-unseen', advice)]
  }
  return [unexpectedAnswer(visitor, route.url)]
}

/** Who gets a token, and who does not. */
function access({ anonymous, foreignPage, hasCookie, ownPage }: RouteVisits): Finding[] {
  const findings: Finding[] = []
  if (servedToken(anonymous) !== undefined) {
    const cause = 'The route gives a token to somebody who is not signed in'
    findings.push(
      fault('route-open', `${cause}: anybody can place calls that you pay for. Check "authorize".`)
    )
  } else if (hasCookie) {
    findings.push(
      saysNothing(anonymous)
        ? unseen('route-anonymous-unseen', 'somebody who is not signed in', anonymous)
        : refusesAnonymous()
    )
  }
  // Where everybody gets a token, another origin is no fault of its own.
  if (servedToken(anonymous) === undefined && servedToken(foreignPage) !== undefined) {
    const cause = 'The route gives a token to pages of other origins'
    const fix = 'Keep "allowedOrigins" short, and let nothing in front remove Origin and Sec-Fetch-Site.'
    findings.push(fault('route-open-to-origins', `${cause}. ${fix}`))
  } else if (hasCookie && saysNothing(foreignPage)) {
    findings.push(unseen('route-origins-unseen', 'a page of another origin', foreignPage))
  }
  if (isAnswer(ownPage) && ownPage.status === 403) {
    const cause = 'The route refuses its own page, because the app sees another host than the browser'
    const fix = 'Let the proxy that ends TLS pass on Host (nginx: proxy_set_header Host $host).'
    findings.push(fault('route-behind-proxy', `${cause}. ${fix}`))
  }
  return findings
}

function unseen(code: 'route-anonymous-unseen' | 'route-origins-unseen', who: string, visit: Visit): Finding {
  const what = isAnswer(visit) ? `the route answered ${visit.status}` : visit.failure
  return fault(
    code,
    `Two tries did not show whether the route refuses ${who} (${what}). Run the check again.`
  )
}

function refusesAnonymous(): Finding {
  return ok('route-closed', 'The route refuses somebody who is not signed in.')
}

/** Whether the token comes from the app itself, or from a cache in between. */
function freshness({ headers }: Answer, token: ServedToken, { attempt }: Observations): Finding[] {
  const isHit = ['x-cache', 'cf-cache-status'].some((name) => /\bhit\b/i.test(headers[name] ?? ''))
  const isStored = isHit || Number(headers['age']) > 0
  if (isStored) {
    const fix = 'Exempt the route from its caching.'
    return [fault('route-cached', `A cache in front of the app answers with a stored token. ${fix}`)]
  }
  if (!/\bno-store\b/i.test(headers['cache-control'] ?? '')) {
    return [headers['pragma'] === 'no-cache' ? strippedHeaders() : cacheable()]
  }
  return isNearEnd(token, attempt) ? [nearEnd()] : []
}

function isNearEnd({ accessToken, expiresIn }: ServedToken, attempt: Attempt): boolean {
  const marginS = attempt.token === undefined ? MARGIN_S : Math.min(MARGIN_S, lifetimeS(attempt.token) / 10)
  if (expiresIn < Math.floor(marginS)) return true
  const { exp } = claimsOf(accessToken)
  const nowMs = Date.now() - (clockAheadMs(attempt) ?? 0)
  return exp !== undefined && exp - nowMs / 1000 < expiresIn - EXPIRY_TOLERANCE_S
}

function strippedHeaders(): Finding {
  const cause = 'Something in front of the app removes "Cache-Control: no-store" from the answer'
  return fault('route-headers-stripped', `${cause}. Let it pass on the headers of this route as they are.`)
}

function cacheable(): Finding {
  const fix = 'Use the token route of an adapter, or set it.'
  return fault(
    'route-cacheable',
    `The answer has no "Cache-Control: no-store", so others may get this token. ${fix}`
  )
}

function nearEnd(): Finding {
  const cause = 'The token of the route is near its end, as if something kept it for a while'
  const fix = 'Look for a CDN or a cache of your own, and hold no token longer than the request.'
  return fault('route-token-old', `${cause}. ${fix}`)
}
