import {
  type AccessToken,
  type BandwidthTokenError,
  type Logger,
  type TokenDispatcher,
  TokenProvider,
  type TokenProviderOptions
} from '@bandwidth-token/core'
import { type Exchange, Recorder } from './recorder.js'

/** What came of an attempt to get a token in the way in which an app gets it. */
export interface Attempt {
  readonly token: AccessToken | undefined
  readonly error: BandwidthTokenError | undefined
  /** What the core advises an operator to do about the error. */
  readonly hint: string | undefined
  /** Warnings of the core: about the configuration, and about the answer. */
  readonly warnings: readonly string[]
  readonly exchanges: readonly Exchange[]
  readonly proxyStatus: number | undefined
  /** The URL of the token endpoint. `undefined` if no request was made. */
  readonly url: string | undefined
}

/** Long enough for a slow endpoint, short enough for somebody who waits. */
const DEADLINE_MS = 6_000

/** Asks the core for a token, once. Never rejects. */
export async function attempt(
  options: TokenProviderOptions,
  dispatcher: TokenDispatcher,
  account = ''
): Promise<Attempt> {
  const recorder = new Recorder(dispatcher)
  const warnings: string[] = []
  let hint: string | undefined
  const write = (fields: object, message: string) => {
    if ('hint' in fields) hint = String(fields.hint)
    else warnings.push(message)
  }
  const logger: Logger = { debug: () => {}, info: () => {}, warn: write, error: write }
  let provider: TokenProvider | undefined
  let outcome: Pick<Attempt, 'token' | 'error'>
  try {
    provider = new TokenProvider({ ...options, dispatcher: recorder, logger, deadlineMs: DEADLINE_MS })
    outcome = { token: await provider.getToken({ account }), error: undefined }
  } catch (error) {
    // The core rejects with no other error.
    outcome = { token: undefined, error: error as BandwidthTokenError }
  }
  await provider?.close()
  const { exchanges, proxyStatus, url } = recorder
  return { ...outcome, hint, warnings, exchanges, proxyStatus, url }
}
