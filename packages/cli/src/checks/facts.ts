import type { AccessToken } from '@bandwidth-token/core'
import type { Attempt } from '../observe/attempt.js'
import type { Exchange } from '../observe/recorder.js'

/** The message of the core about an option that it refuses. */
export function optionError({ error }: Attempt): string | undefined {
  return error?.code === 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' ? error.message : undefined
}

/** Whether the endpoint refused the credentials or the scope. */
export function isRefused({ error }: Attempt): boolean {
  return error?.code === 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED'
}

export interface Doubt {
  readonly code: 'credentials-quoted' | 'credentials-spaced'
  readonly variable: string
  readonly problem: string
}

/** What the core warns about in the credentials of the environment, although it uses them. */
export function doubtsOf({ warnings }: Attempt): Doubt[] {
  return warnings.flatMap((warning) => {
    const [, variable, problem] = /^The environment variable (\w+) (.*?)\./.exec(warning) ?? []
    if (variable === undefined || problem === undefined) return []
    return [
      { code: problem === 'is in quotes' ? 'credentials-quoted' : 'credentials-spaced', variable, problem }
    ]
  })
}

/** Whether no answer of the endpoint has arrived. */
export function isUnreached({ error }: Attempt): boolean {
  const isConnection =
    error?.code === 'ERR_BANDWIDTH_TOKEN_TIMEOUT' || error?.code === 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
  return isConnection && error?.upstreamStatus === undefined && !isDeadOnArrival(error)
}

/**
 * Whether the endpoint answered with tokens that had no time left to be used: there was neither a status that tells of a
 * fault nor a network error.
 */
export function isDeadOnArrival(error: Attempt['error']): boolean {
  return (
    error?.code === 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' &&
    error.upstreamStatus === undefined &&
    error.cause === undefined
  )
}

/** The origin of a URL, without path, query and user. `undefined` if the text is not a URL. */
export function originOf(text: string): string | undefined {
  try {
    return new URL(text).origin
  } catch {
    return undefined
  }
}

/** By how much the clock of this machine is ahead of the endpoint's. `undefined` if no answer has a date. */
export function clockAheadMs({ exchanges }: Pick<Attempt, 'exchanges'>): number | undefined {
  return exchanges.map(aheadMs).find((ms) => ms !== undefined)
}

/** 0 if the clocks may agree: `Date` has whole seconds, and was set at some time between sending and receiving. */
function aheadMs({ dateMs, receivedAtMs, sentAtMs }: Exchange): number | undefined {
  if (dateMs === undefined) return undefined
  if (sentAtMs > dateMs + 1000) return sentAtMs - (dateMs + 1000)
  return receivedAtMs < dateMs ? receivedAtMs - dateMs : 0
}

/** How long the token lives, in seconds. */
export function lifetimeS({ expiresAt, issuedAt }: AccessToken): number {
  return Math.round((expiresAt.getTime() - issuedAt.getTime()) / 1000)
}
