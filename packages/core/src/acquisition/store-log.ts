import type { TokenStore } from '../store/token-store.js'
import type { Clock } from '../support/clock.js'
import { LineBudget } from '../support/line-budget.js'
import type { Log } from '../support/logger.js'

/** At most this many warnings are written at once, and then one more each ten minutes: a store can fail every other time. */
const MAX_WARNINGS = 5
const WARNING_INTERVAL_MS = 600_000

/** The log of a fleet's store: a line if it begins to fail, and one if it answers again. */
export class StoreLog {
  readonly #log: Log
  readonly #clock: Pick<Clock, 'monotonic'>
  /** A store can answer one command and fail another, such as a replica that may only be read. */
  readonly #failing = new Set<keyof TokenStore>()
  /** Whether the last line says that the store fails. */
  #saysFailing = false
  readonly #warnings = new LineBudget(MAX_WARNINGS, WARNING_INTERVAL_MS)

  constructor(log: Log, clock: Pick<Clock, 'monotonic'>) {
    this.#log = log
    this.#clock = clock
  }

  command(name: keyof TokenStore, isAnswered: boolean): void {
    if (isAnswered) this.#failing.delete(name)
    else this.#failing.add(name)
    if (this.#failing.size > 0 === this.#saysFailing) return
    if (this.#saysFailing) {
      this.#saysFailing = false
      this.#log.info({}, 'The store answers again.')
    } else if (this.#warnings.take(this.#clock.monotonic())) {
      this.#saysFailing = true
      this.#log.warn(
        {},
        'The store failed or did not answer in time. Until it answers, this process fetches its own tokens.'
      )
    }
  }
}
