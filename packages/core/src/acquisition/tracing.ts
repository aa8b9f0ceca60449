import { CLOSED, type Failure, isFailure, STOOD_STILL, toError } from '../failure.js'
import { factsOf, type RequestMessage, traceRequest } from '../observe/channels.js'
import type { Clock } from '../support/clock.js'
import { definedFields } from '../support/defined-fields.js'
import type { Acquired } from './acquired.js'

/** What is known of an attempt before it starts. */
export interface Attempt {
  readonly account: string
  readonly tokenUrl: string
  readonly attempt: number
  readonly clock: Clock
}

/** Runs one attempt, and publishes it on the tracing channel. `work` never rejects. */
export function traceAttempt(
  { account, tokenUrl, attempt, clock }: Attempt,
  work: () => Promise<Acquired | Failure>
): Promise<Acquired | Failure> {
  let startedAtMs = 0
  return traceRequest(
    () => {
      // Only with a subscriber, so that nobody else pays for it.
      startedAtMs = clock.monotonic()
      return { account, serverAddress: new URL(tokenUrl).hostname, attempt }
    },
    work,
    (result) => ({ durationMs: clock.monotonic() - startedAtMs, ...describe(result) })
  )
}

function describe(result: Acquired | Failure): Partial<RequestMessage> {
  if (!isFailure(result)) return { outcome: 'success', expiresIn: result.expiresIn }
  if (result === STOOD_STILL) return { outcome: 'discarded' }
  const { retryAfterMs } = result
  return {
    outcome: result === CLOSED ? 'discarded' : 'failure',
    ...factsOf(result),
    ...definedFields({ retryAfterMs }),
    error: toError(result, retryAfterMs)
  }
}
