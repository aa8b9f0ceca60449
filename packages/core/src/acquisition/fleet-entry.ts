import { parseGrant } from '../endpoint/parse.js'
import { isFailure } from '../failure.js'
import type { Entry } from '../store/entry.js'
import type { SharedToken } from '../store/store-session.js'
import { ageMs, type Instant } from '../support/clock.js'
import type { Acquired } from './acquired.js'

/** A token from the fleet's store in the form of a fetched one. It is checked like a response of the endpoint. */
export function toAcquired({ entry, leftMs, withdraw }: SharedToken, now: Instant): Acquired | undefined {
  const grant = parseGrant(entry.fields)
  if (isFailure(grant)) return undefined
  const lifetimeMs = grant.expiresIn * 1000
  const age = lifetimeMs - leftMs
  const issuedAt = { wallMs: now.wallMs - age, monotonicMs: now.monotonicMs - age }
  const { replacedBeforeMs } = entry
  return {
    ...grant,
    issuedAt,
    withdraw,
    replacedAtMs: replacedBeforeMs === undefined ? undefined : issuedAt.monotonicMs - replacedBeforeMs
  }
}

/** What the fleet shares of a fetched token. `undefined` if it has less than a millisecond left. */
export function toEntry(
  acquired: Acquired,
  lastReplacementMs: number,
  now: Instant
): { entry: Entry; ttlMs: number } | undefined {
  const { accessToken, accessTokenId, expiresIn, issuedAt } = acquired
  const ttlMs = Math.floor(expiresIn * 1000 - ageMs(issuedAt, now))
  if (ttlMs < 1) return undefined
  const replacedBeforeMs = issuedAt.monotonicMs - lastReplacementMs
  return {
    ttlMs,
    entry: {
      fields: {
        access_token: accessToken,
        ...(accessTokenId === undefined ? {} : { access_token_id: accessTokenId }),
        expires_in: expiresIn
      },
      issuedAtMs: issuedAt.wallMs,
      ...(Number.isFinite(replacedBeforeMs) ? { replacedBeforeMs: Math.max(0, replacedBeforeMs) } : {})
    }
  }
}
