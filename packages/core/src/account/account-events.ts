import { isPause, type Pause } from '../acquisition/cool-down.js'
import type { Endpoint } from '../endpoint/request.js'
import { CLOSED, type Failure, isFailure } from '../failure.js'
import {
  factsOf,
  type InvalidateMessage,
  invalidateChannel,
  type RefreshMessage,
  refreshChannel
} from '../observe/channels.js'
import type { InOwnContext } from '../support/async-context.js'
import type { Clock } from '../support/clock.js'
import { definedFields } from '../support/defined-fields.js'
import type { AccessToken } from '../token/access-token.js'
import type { CachedToken } from './cached-token.js'

/** What reporting needs, the same for all accounts. */
export interface ReportContext {
  readonly clock: Clock
  readonly endpoint: Endpoint
  readonly inOwnContext: InOwnContext
}

/** The parts of an acquisition that are reported. */
export interface ReportedAcquisition {
  readonly account: string
  readonly startedAtMs: number
  readonly attempts: number
  readonly isAwaited: boolean
  readonly result: Promise<CachedToken | Failure>
}

/** Publishes how an acquisition ended. `result` is what its callers get. */
export function publishOutcome(
  { clock, endpoint }: ReportContext,
  { account, startedAtMs, attempts, isAwaited }: ReportedAcquisition,
  result: CachedToken | Failure,
  isServing: boolean,
  pause: Pause | undefined
): void {
  if (!refreshChannel.hasSubscribers) return
  const end = isFailure(result)
    ? {
        ...factsOf(result),
        outcome: result === CLOSED ? ('discarded' as const) : ('failure' as const),
        ...definedFields({ retryInMs: pause?.leftMs })
      }
    : { outcome: 'success' as const, expiresIn: result.lifetimeMs / 1000 }
  const message: RefreshMessage = {
    account,
    serverAddress: new URL(endpoint.tokenUrl).hostname,
    durationMs: clock.monotonic() - startedAtMs,
    attempts,
    isAwaited,
    isServing,
    ...end
  }
  refreshChannel.publish(message)
}

/**
 * Publishes what becomes of a cached token that was named. `fate` is `'dropped'`, the acquisition that replaces it, the
 * pause that forbids one, or `undefined` if it is kept for another reason.
 */
export function publishNamed(
  { clock, inOwnContext }: ReportContext,
  account: string,
  { accessTokenId }: AccessToken,
  fate: 'dropped' | ReportedAcquisition | Pause | undefined
): void {
  if (!invalidateChannel.hasSubscribers) return
  const namedAtMs = clock.monotonic()
  const publish = (outcome: InvalidateMessage['outcome'], failure?: Failure) => {
    const durationMs = clock.monotonic() - namedAtMs
    const facts = failure === undefined ? {} : factsOf(failure)
    const message = { account, ...definedFields({ accessTokenId }), outcome, durationMs, ...facts }
    invalidateChannel.publish(message satisfies InvalidateMessage)
  }
  inOwnContext(() => {
    if (fate === undefined) publish('kept')
    else if (fate === 'dropped') publish(fate)
    else if (isPause(fate)) publish('kept', fate.failure)
    else {
      void fate.result.then((result) => (isFailure(result) ? publish('kept', result) : publish('replaced')))
    }
  })
}
