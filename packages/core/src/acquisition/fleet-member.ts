import { type Failure, isFailure } from '../failure.js'
import type { StoreContext } from '../store/store-session.js'
import type { TokenStore } from '../store/token-store.js'
import { type Clock, readClock } from '../support/clock.js'
import type { Log } from '../support/logger.js'
import type { Acquired } from './acquired.js'
import type { Credentials } from './credentials.js'
import { toAcquired, toEntry } from './fleet-entry.js'
import { fromTold, toTold } from './fleet-failure.js'
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
  let loaded: Promise<Fleet | undefined> | undefined
  const tryLoading = () =>
    load(options).catch(() => {
      loaded = loading = undefined
      options.log.warnOnce(
        'The code for the store could not be loaded. Until it is, this process fetches its own tokens.'
      )
      return undefined
    })
  loaded = tryLoading()
  return () => {
    loaded ??= tryLoading()
    return loaded
  }
}

/** The same for all providers, because a loader hook of the app can make each import cost time. */
let loading: ReturnType<typeof importStore> | undefined

function importStore() {
  return Promise.all([
    import('../store/agreement.js'),
    import('../store/identity.js'),
    import('../store/sealer.js')
  ])
}

async function load({ store, storeKeys, tokenUrl, scope, clock, log, closed }: FleetOptions): Promise<Fleet> {
  loading ??= importStore()
  const [{ agree }, { identityText }, { Sealer }] = await loading
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

/** What an account accepts from its fleet, and what it tells its fleet. */
export interface Demand {
  readonly accepts: (shared: Acquired) => boolean
  /** When the last replacement of a rejected token began, in monotonic milliseconds. */
  readonly lastReplacementMs: () => number
}

/** The part of an acquisition in its fleet. */
export interface Part extends Demand {
  readonly fetch: () => Promise<Acquired | Failure>
  readonly hasToWait: () => boolean
  readonly takePlace: () => Promise<Failure | undefined>
  readonly leavePlace: () => void
  /** Whether the fetched token belongs to the identity under which the fleet shares it. */
  readonly mayShare: () => boolean
  readonly isEnded: () => boolean
}

/** The fleet's token, whichever member fetched it. `undefined` if the acquisition ended before there was one. */
export async function obtainTogether(
  load: LoadFleet,
  credentials: Credentials,
  account: string,
  part: Part
): Promise<Acquired | Failure | undefined> {
  const fleet = await load()
  if (fleet === undefined) return part.isEnded() ? undefined : part.fetch()
  const { storeContext, agree, identify } = fleet
  const { clock } = storeContext
  const agreed = await agree<Acquired, Failure>(storeContext, identify(credentials, account), {
    accepts: (found) => {
      const acquired = toAcquired(found, readClock(clock))
      return acquired !== undefined && part.accepts(acquired)
    },
    fetch: part.fetch,
    hasToWait: part.hasToWait,
    takePlace: part.takePlace,
    leavePlace: part.leavePlace,
    toEntry: (fetched) =>
      isFailure(fetched) || !part.mayShare()
        ? undefined
        : toEntry(fetched, part.lastReplacementMs(), readClock(clock)),
    toFailure: (fetched) => (isFailure(fetched) ? toTold(fetched, clock.now()) : undefined),
    fromFailure: (text) => fromTold(text, clock.now()),
    isEnded: part.isEnded
  })
  if ('failure' in agreed) return agreed.failure
  if ('shared' in agreed) return toAcquired(agreed.shared, readClock(clock))
  const { fetched, withdraw } = agreed
  return fetched === undefined || isFailure(fetched) ? fetched : { ...fetched, withdraw }
}
