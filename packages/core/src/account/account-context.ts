import type { AcquisitionContext } from '../acquisition/acquisition.js'
import type { ClientGate } from '../acquisition/client-gate.js'
import type { LogContext } from './log-lines.js'

/** What the accounts of a provider share. */
export interface AccountContext<Account> extends AcquisitionContext, LogContext {
  readonly refreshAheadMs: number
  /** The gate of all accounts, where they share their credentials; else each account has its own. */
  readonly gate: ClientGate | undefined
  readonly isClosed: () => boolean
  /** Runs what outlives a call in the async context of the provider, so that no caller's is kept alive. */
  readonly inOwnContext: <T>(work: () => T) => T
  /** Called when an account has won or lost its token or its acquisition. */
  readonly onChange: (account: Account) => void
}
