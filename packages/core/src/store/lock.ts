import { randomUUID } from 'node:crypto'
import { BackgroundTimer } from '../support/background-timer.js'
import { ageMs, type Clock, type Instant, readClock } from '../support/clock.js'
import type { TokenStore } from './token-store.js'

/** How long a killed holder of the lock blocks the others. They take it at their next try, at most a second later. */
const LOCK_MS = 3_000
const RENEW_MS = 1_000

/** The lock of one identity, for one acquisition of one member: whether it holds the lock, and for how long. */
export class Lock {
  /** Each acquisition has its own, so that a late command of an earlier one changes nothing. */
  readonly owner = randomUUID()
  readonly #store: TokenStore
  readonly #name: string
  readonly #clock: Clock
  /** When this member sent the command that last gave it the lock. `undefined` if it does not hold the lock. */
  #takenAt: Instant | undefined
  /** Whether the last renewal was answered; settles with it, and never rejects. */
  #renewed = Promise.resolve(true)

  constructor(store: TokenStore, name: string, clock: Clock) {
    this.#store = store
    this.#name = name
    this.#clock = clock
  }

  /** Asks the store for the lock. If the answer is yes and comes in time, call `taken()`. */
  async ask(): Promise<boolean> {
    return toBoolean(await this.#store.lock(this.#name, this.owner, LOCK_MS))
  }

  /** The store gave this member the lock. `sentAt` is when it was asked. */
  taken(sentAt: Instant): void {
    this.#takenAt = sentAt
  }

  /**
   * Renews the lock again and again. Returns a function that stops it. Nobody waits for a renewal, so it takes none of the
   * acquisition's time. A lock that has expired, because this process stood still, is not taken again: others may have
   * taken, used and released it meanwhile.
   */
  keep(): () => void {
    const timer = new BackgroundTimer(this.#clock)
    const renewLater = () => {
      timer.set(() => {
        if (this.#isHeld) this.#renewed = this.#renew().catch(() => false)
        renewLater()
      }, RENEW_MS)
    }
    renewLater()
    return () => timer.clear()
  }

  async #renew(): Promise<boolean> {
    const sentAt = readClock(this.#clock)
    const isGiven = await this.ask()
    // If the answer is late, the store may have carried it out late too.
    this.#takenAt = isGiven && this.#isHeld ? sentAt : undefined
    return true
  }

  /** Whether the lock has been this member's without a break, as far as it can know. */
  get #isHeld(): boolean {
    return this.#takenAt !== undefined && ageMs(this.#takenAt, readClock(this.#clock)) < LOCK_MS
  }

  /**
   * Whether this member still holds the lock for certain, so that it overwrites no newer entry. A renewal without an
   * answer may be carried out late, and take the lock again for the very command that follows.
   */
  async isCertain(): Promise<boolean> {
    return (await this.#renewed) && this.#isHeld
  }

  /** Releases the lock. Also if `ask()` got no answer: the store may have given it. */
  async release(): Promise<void> {
    // An entry that is being written waits for this, too: it goes first.
    await this.isCertain()
    await this.#store.unlock(this.#name, this.owner)
  }
}

/** @throws for anything else: a store that answers with it has failed */
function toBoolean(answer: unknown): boolean {
  if (typeof answer !== 'boolean') throw new TypeError('expected a boolean')
  return answer
}
