import type { Answer, RouteVisits, Visit } from '../observe/visit.js'

/** A token that the app's route served. */
export interface ServedToken {
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
}

export function isAnswer(visit: Visit): visit is Answer {
  return 'status' in visit
}

/** The token in an answer of the route, if there is one. */
export function servedToken(visit: Visit): ServedToken | undefined {
  if (!isAnswer(visit) || visit.status !== 200) return undefined
  const { body } = visit
  if (typeof body !== 'object' || body === null) return undefined
  const { access_token, expires_in } = body as Record<string, unknown>
  if (typeof access_token !== 'string' || typeof expires_in !== 'number') return undefined
  return { accessToken: access_token, expiresIn: expires_in }
}

/** Whether the app's route was asked and served a token. */
export function servesToken(route: RouteVisits | undefined): boolean {
  return route !== undefined && servedToken(route.visitor) !== undefined
}
