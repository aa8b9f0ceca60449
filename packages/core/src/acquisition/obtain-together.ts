import { parseGrant, parseOauthError, RETRY_AFTER_CAP_MS } from '../endpoint/parse.js'
import { type Failure, isFailure } from '../failure.js'
import type { Entry } from '../store/entry.js'
import type { SharedToken, StoreContext } from '../store/store-session.js'
import type { TokenStore } from '../store/token-store.js'
import { ageMs, type Clock, type Instant, readClock } from '../support/clock.js'
import type { Log } from '../support/logger.js'
import type { Acquired } from './acquired.js'
import type { Credentials } from './credentials.js'
import { StoreLog } from './store-log.js'

/** What the members of a fleet need to share a store. */
export interface FleetOptions {
  readonly store: TokenStore
  readonly storeKeys: readonly Buffer[]
  readonly tokenUrl: string
  readonly scope: string
  readonly clock: Clock
  readonly log: Log
  readonly closed: AbortSignal
}

/** Loads the code for stores. A provider without a store does not load it. `undefined` if it could not be loaded. */
export type LoadFleet = () => Promise<Fleet | undefined>

interface Fleet {
  readonly storeContext: StoreContext
  readonly agree: typeof import('../store/agreement.js').agree
  readonly identify: (credentials: Credentials, account: string) => string
}

/**
 * Starts to load at once, so that it is loaded before the first acquisition. If it fails, as it does while the process
 * has no file descriptor left, the next acquisition tries again.
 */
export function fleetLoader(options: FleetOptions): LoadFleet {
  const tryLoading = () =>
    load(options).catch(() => {
      loaded = undefined
      options.log.warnOnce(
        'The code for the store could not be loaded. Until it is, this process fetches its own tokens.'
      )
      return undefined
    })
  let loaded: Promise<Fleet | undefined> | undefined = tryLoading()
  return () => {
    loaded ??= tryLoading()
    return loaded
  }
}

let loading: ReturnType<typeof loadStore> | undefined

function loadStore() {
  return Promise.all([
    import('../store/agreement.js'),
    import('../store/identity.js'),
    import('../store/sealer.js')
  ])
}

async function load(options: FleetOptions): Promise<Fleet> {
  const { store, storeKeys, tokenUrl, scope, clock, log, closed } = options
  loading ??= loadStore()
  const [{ agree }, { identityText }, { Sealer }] = await loading.catch((error) => {
    loading = undefined
    throw error
  })
  const storeLog = new StoreLog(log, clock)
  return {
    agree,
    storeContext: {
      store,
      sealers: storeKeys.map((key) => new Sealer(key)),
      clock,
      closed,
      onCommand: (name, isAnswered) => storeLog.command(name, isAnswered)
    },
    identify: (credentials, account) => identityText({ tokenUrl, scope, account, ...credentials })
  }
}

/** What an account accepts from its fleet, and what it tells it. */
export interface Demand {
  readonly accepts: (shared: Acquired) => boolean
  /** When the last replacement of a rejected token began, in monotonic milliseconds. */
  readonly lastReplacementMs: () => number
}

/** The part of an acquisition in its fleet. */
export interface Part extends Demand {
  readonly fetch: () => Promise<Acquired | Failure>
  readonly takePlace: () => Promise<void>
  readonly leavePlace: () => void
  /** Whether the fetched token belongs to the identity under which the fleet shares it. */
  readonly mayShare: () => boolean
  readonly isEnded: () => boolean
}

/** The fleet's token, whichever member fetched it. `undefined` if the acquisition ended before there was one. */
export async function obtainTogether(
  load: LoadFleet,
  clock: Clock,
  credentials: Credentials,
  account: string,
  part: Part
): Promise<Acquired | Failure | undefined> {
  const fleet = await load()
  if (fleet === undefined) return part.isEnded() ? undefined : part.fetch()
  const { storeContext, agree, identify } = fleet
  const agreed = await agree<Acquired, Failure>(storeContext, identify(credentials, account), {
    accepts: (found) => {
      const acquired = toAcquired(found, readClock(clock))
      return acquired !== undefined && part.accepts(acquired)
    },
    fetch: part.fetch,
    takePlace: part.takePlace,
    leavePlace: part.leavePlace,
    toEntry: (fetched) =>
      isFailure(fetched) || !part.mayShare() ? undefined : toEntry(fetched, part, readClock(clock)),
    toFailure: (fetched) => (isFailure(fetched) ? toTold(fetched, clock.now()) : undefined),
    fromFailure: (text) => fromTold(text, clock.now()),
    isEnded: part.isEnded
  })
  if ('failure' in agreed) return agreed.failure
  if ('shared' in agreed) return toAcquired(agreed.shared, readClock(clock))
  const { fetched, withdraw } = agreed
  return fetched === undefined || isFailure(fetched) ? fetched : { ...fetched, withdraw }
}

/** A token from the fleet's store in the form of a fetched one. It is checked like a response of the endpoint. */
function toAcquired({ entry, leftMs, withdraw }: SharedToken, now: Instant): Acquired | undefined {
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

function toEntry(
  acquired: Acquired,
  demand: Demand,
  now: Instant
): { entry: Entry; ttlMs: number } | undefined {
  const { accessToken, accessTokenId, expiresIn, issuedAt } = acquired
  const ttlMs = Math.floor(expiresIn * 1000 - ageMs(issuedAt, now))
  if (ttlMs < 1) return undefined
  const replacedBeforeMs = issuedAt.monotonicMs - demand.lastReplacementMs()
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

/** What the other members may know of a failure. `undefined` if it says nothing about the endpoint. */
function toTold(failure: Failure, toldAtMs: number): object | undefined {
  if (failure.isVerdict === false) return undefined
  const { code, message, remedy, retryAfterMs, upstreamStatus, oauthError } = failure
  return { code, message, remedy, retryAfterMs, upstreamStatus, oauthError, toldAtMs }
}

const TOLD_CODES: readonly unknown[] = [
  'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
  'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  'ERR_BANDWIDTH_TOKEN_TIMEOUT',
  'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID'
]
const REMEDIES: readonly unknown[] = ['retry', 'reload', 'wait']
const MAX_MESSAGE_LENGTH = 200
/** An older failure was replayed. The clocks of two members may be a minute apart. */
const MAX_TOLD_AGE_MS = 65_000

/** What another member told of its failure. It may be of another version, so all of it is checked. */
function fromTold(text: string | undefined, nowMs: number): Failure | undefined {
  try {
    const { code, message, remedy, retryAfterMs, upstreamStatus, oauthError, toldAtMs } = JSON.parse(
      String(text)
    )
    const isWhole =
      TOLD_CODES.includes(code) &&
      REMEDIES.includes(remedy) &&
      typeof message === 'string' &&
      message.length <= MAX_MESSAGE_LENGTH &&
      isCount(retryAfterMs, RETRY_AFTER_CAP_MS) &&
      isCount(upstreamStatus, 999) &&
      Math.abs(nowMs - toldAtMs) <= MAX_TOLD_AGE_MS
    if (!isWhole) return undefined
    const known = { code, message, remedy, retryAfterMs, upstreamStatus }
    return { ...known, oauthError: parseOauthError({ error: oauthError }, []) }
  } catch {
    return undefined
  }
}

/** Whether a field is a number from 0 to `max`, or missing. */
function isCount(field: unknown, max: number): boolean {
  return field === undefined || (typeof field === 'number' && field >= 0 && field <= max)
}
