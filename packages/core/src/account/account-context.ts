import type { AcquisitionContext } from '../acquisition/acquisition.js'
import type { ClientGate } from '../acquisition/client-gate.js'
import type { PauseWatch } from '../observe/pause-watch.js'
import type { RejectionContext } from './rejections.js'

/** What the accounts of a provider share. */
export interface AccountContext<Account> extends AcquisitionContext, RejectionContext {
  readonly refreshAheadMs: number
  /** The gate of the client that a new account belongs to. */
  readonly gateOfAccount: () => ClientGate
  readonly pauseWatch: PauseWatch
  readonly isClosed: () => boolean
  /** Called when an account has got or lost its token, and when an acquisition of it began or ended. */
  readonly onChange: (account: Account) => void
}
