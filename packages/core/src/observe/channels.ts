import { channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { BandwidthTokenError, BandwidthTokenErrorCode } from '../errors.js'
import type { Failure } from '../failure.js'
import { definedFields } from '../support/defined-fields.js'

/**
 * `discarded`: the result says nothing about the endpoint, because the provider was closed or the process stood still.
 */
export type Outcome = 'success' | 'failure' | 'discarded'

/** What a message says about a failure. A field is missing if it is not known. */
export interface FailureFacts {
  /** The code of the error that a caller gets for it. */
  readonly code?: BandwidthTokenErrorCode
  /** The HTTP status of the token endpoint. */
  readonly upstreamStatus?: number
  /** The `error` of the token endpoint's response (RFC 6749 §5.2). */
  readonly oauthError?: string
  /** The code of the network error, such as `ECONNREFUSED`. */
  readonly cause?: string
}

/** `tracing:bandwidth-token:request:*`: one HTTP attempt. From `end` on, the fields after `attempt` are there. */
export interface RequestMessage extends FailureFacts {
  readonly account: string
  /** The host name of the token endpoint. */
  readonly serverAddress: string
  /** 1 for the first attempt of an acquisition. */
  readonly attempt: number
  readonly outcome?: Outcome
  readonly durationMs?: number
  /** Seconds that the new token lives. */
  readonly expiresIn?: number
  /** What the endpoint asked for by `Retry-After`, in milliseconds. */
  readonly retryAfterMs?: number
  /** The error that a caller would get for this attempt. */
  readonly error?: BandwidthTokenError
}

/** `bandwidth-token:refresh`: an acquisition ended, the first one of an account included. */
export interface RefreshMessage extends FailureFacts {
  readonly account: string
  readonly serverAddress: string
  readonly outcome: Outcome
  readonly durationMs: number
  /** How many HTTP requests were made. 0 if the token came from the fleet's store. */
  readonly attempts: number
  /** Whether a caller waited for it. If not, it was a background refresh. */
  readonly isAwaited: boolean
  /** Whether callers get a token now, be it the new one or the one from before. */
  readonly isServing: boolean
  /** Seconds that the new token lives. */
  readonly expiresIn?: number
  /** Milliseconds until the next attempt may be made, after a failure. */
  readonly retryInMs?: number
}

/** `bandwidth-token:invalidate`: `invalidate()` or `rejected` named the cached token. */
export interface InvalidateMessage extends FailureFacts {
  readonly account: string
  /** The id of the named token. */
  readonly accessTokenId?: string
  /** `dropped` by `invalidate()`, `replaced` because of `rejected`, or `kept`: callers still get it. */
  readonly outcome: 'dropped' | 'replaced' | 'kept'
  readonly durationMs: number
}

/** `bandwidth-token:cooldown`: a pause began or ended. Meanwhile no request is sent. */
export interface CooldownMessage extends FailureFacts {
  /** The account whose failure began it. */
  readonly account: string
  readonly outcome: 'began' | 'ended'
  /** When it begins: its length, unless it is extended or cut short. When it ends: how long it was. */
  readonly durationMs: number
  /** Whether it holds back every account of the client, or this account alone. */
  readonly scope: 'client' | 'account'
}

/** `bandwidth-token:serve-error`: a caller got no token. */
export interface ServeErrorMessage extends FailureFacts {
  readonly account: string
  readonly outcome: 'failure'
  /** How long the caller waited. */
  readonly durationMs: number
  /** Milliseconds until it makes sense to try again. */
  readonly retryInMs?: number
}

// Node forgets a channel that nobody holds, and its subscribers with it.
const requestChannel: TracingChannel = tracingChannel('bandwidth-token:request')
export const refreshChannel = channel('bandwidth-token:refresh')
export const invalidateChannel = channel('bandwidth-token:invalidate')
export const cooldownChannel = channel('bandwidth-token:cooldown')
export const serveErrorChannel = channel('bandwidth-token:serve-error')

/** What a message says about a failure. */
export function factsOf({ code, upstreamStatus, oauthError, cause }: Failure): FailureFacts {
  return definedFields({ code, upstreamStatus, oauthError, cause: cause?.code })
}

/**
 * Publishes the events of one HTTP attempt, as `TracingChannel.tracePromise()` would. That one puts the result on the
 * message, and the result is a token. `work` must never reject.
 */
export function traceRequest<Result>(
  message: () => RequestMessage,
  work: () => Promise<Result>,
  describe: (result: Result) => Partial<RequestMessage>
): Promise<Result> {
  if (!requestChannel.hasSubscribers) return work()
  const { start, end, asyncStart, asyncEnd, error } = requestChannel
  const shared = message()
  return start.runStores(shared, () => {
    const result = work().then((result) => {
      Object.assign(shared, describe(result))
      if (shared.error !== undefined) error.publish(shared)
      asyncStart.publish(shared)
      asyncEnd.publish(shared)
      return result
    })
    end.publish(shared)
    return result
  })
}
