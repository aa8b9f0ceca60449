import { ownPropertiesOf } from './own-properties.js'
import { isUsable, type LifetimePlan, planLifetime } from './token-lifetime.js'

/** A token for the page. Whoever holds it can place calls that the account pays for: store it nowhere. */
export interface PageToken {
  readonly accessToken: string
  /** `undefined` if Bandwidth sent none. */
  readonly accessTokenId: string | undefined
  /** Whole seconds left now, by the clock that says less; never negative. */
  readonly expiresIn: number
}

/** A token in the memory of the page. */
export interface HeldToken extends LifetimePlan {
  readonly token: PageToken
  /** Milliseconds left now, by the clock that says less. */
  readonly leftMs: () => number
}

// RFC 6750 §2.1. The SDK puts the token into a header of a SIP message.
const BEARER_TOKEN = /^[\w.~+/-]+=*$/

const BEARER = /^bearer$/i

const LONGEST_LIFETIME_S = 86_400

/**
 * Reads the JSON body of the route; `undefined` if it holds no Bearer token, or one that is expired on arrival.
 *
 * @param ageMs milliseconds since just before the request
 * @param random from 0 to 1
 */
export const readToken = (body: unknown, ageMs: () => number, random: number): HeldToken | undefined => {
  const fields: Record<string, unknown> = ownPropertiesOf(Object(body))
  const { access_token: accessToken, access_token_id: id, token_type, expires_in } = fields
  const lifetimeMs = Math.min(LONGEST_LIFETIME_S, Number(expires_in)) * 1000
  const leftMs = () => lifetimeMs - ageMs()
  const plan = planLifetime(lifetimeMs, random)
  if (typeof accessToken !== 'string' || !BEARER_TOKEN.test(accessToken)) return undefined
  if (!BEARER.test(String(token_type ?? 'Bearer'))) return undefined
  if (!isUsable(plan, leftMs())) return undefined
  const token = {
    accessToken,
    accessTokenId: typeof id === 'string' ? id : undefined,
    get expiresIn() {
      return Math.max(0, Math.floor(leftMs() / 1000))
    }
  }
  return { ...plan, token, leftMs }
}
