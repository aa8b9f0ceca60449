import { type BandwidthTokenError, STATUS_CODES } from '../errors.js'
import type { InOwnContext } from '../support/async-context.js'
import type { Clock } from '../support/clock.js'
import { definedFields } from '../support/defined-fields.js'
import { type ServeErrorMessage, serveErrorChannel } from './channels.js'

/** When a caller began to wait, in monotonic milliseconds. Without a subscriber the clock is not read. */
export function startOfWaitMs(clock: Clock): number | undefined {
  return serveErrorChannel.hasSubscribers ? clock.monotonic() : undefined
}

/** Publishes that a caller got `error` and no token. */
export function publishServeError(
  error: unknown,
  { account, sinceMs }: { readonly account: string; readonly sinceMs: number | undefined },
  { clock, inOwnContext }: { readonly clock: Clock; readonly inOwnContext: InOwnContext }
): void {
  if (!serveErrorChannel.hasSubscribers || !isOwn(error)) return
  const { code, upstreamStatus, oauthError, retryAfter, cause } = error
  const message: ServeErrorMessage = {
    account,
    outcome: 'failure',
    durationMs: sinceMs === undefined ? 0 : clock.monotonic() - sinceMs,
    code,
    ...definedFields({
      upstreamStatus,
      oauthError,
      cause: (cause as { code?: string } | undefined)?.code,
      retryInMs: retryAfter && retryAfter * 1000
    })
  }
  inOwnContext(() => serveErrorChannel.publish(message))
}

/** Whether the code is one of ours. The getters of a caller's options can throw anything, even an unreadable object. */
function isOwn(error: unknown): error is BandwidthTokenError {
  try {
    return Object.hasOwn(STATUS_CODES, (error as BandwidthTokenError).code)
  } catch {
    return false
  }
}
