import type { Failure } from '../failure.js'
import type { InOwnContext } from '../support/async-context.js'
import { BackgroundTimer } from '../support/background-timer.js'
import { type Clock, type Instant, readClock } from '../support/clock.js'
import { type CooldownMessage, cooldownChannel, factsOf } from './channels.js'

/** Something that can hold back requests for a while, more than once: a cool-down, for example. */
export interface Pausing {
  /** When the last pause began, in monotonic milliseconds. */
  readonly beganAtMs: number
  pause(now: Instant): { readonly failure: Failure; readonly leftMs: number } | undefined
}

interface Watched {
  readonly beganAtMs: number
  readonly message: Omit<CooldownMessage, 'outcome' | 'durationMs'>
  readonly timer: BackgroundTimer
}

/**
 * Publishes when the pauses of a provider begin and end. It sets a timer only if there was a subscriber when
 * the pause began.
 */
export class PauseWatch {
  readonly #clock: Clock
  readonly #inOwnContext: InOwnContext
  readonly #watched = new Map<Pausing, Watched>()
  #isClosed = false

  constructor(clock: Clock, inOwnContext: InOwnContext) {
    this.#clock = clock
    this.#inOwnContext = inOwnContext
  }

  /** Call it whenever a pause may have begun, changed or ended. */
  look(pausing: Pausing, account: string, scope: CooldownMessage['scope'], now: Instant): void {
    if (!cooldownChannel.hasSubscribers && !this.#watched.has(pausing)) return
    this.#inOwnContext(() => {
      const pause = pausing.pause(now)
      const watched = this.#watched.get(pausing)
      const isOther = watched?.beganAtMs !== pausing.beganAtMs
      if (watched !== undefined && (pause === undefined || isOther)) this.#end(pausing, watched, now)
      // A subscriber may have closed the provider.
      if (pause === undefined || this.#isClosed) return
      if (isOther) this.#begin(pausing, { account, scope, ...factsOf(pause.failure) }, pause.leftMs)
      this.#awaitEnd(pausing, pause.leftMs)
    })
  }

  close(): void {
    this.#isClosed = true
    for (const { timer } of this.#watched.values()) timer.clear()
    this.#watched.clear()
  }

  #begin(pausing: Pausing, message: Watched['message'], lengthMs: number): void {
    const timer = new BackgroundTimer(this.#clock)
    this.#watched.set(pausing, { beganAtMs: pausing.beganAtMs, message, timer })
    publish({ ...message, outcome: 'began', durationMs: lengthMs })
  }

  #awaitEnd(pausing: Pausing, leftMs: number): void {
    const watched = this.#watched.get(pausing)
    if (watched === undefined) return
    const { account, scope } = watched.message
    watched.timer.set(() => this.look(pausing, account, scope, readClock(this.#clock)), leftMs)
  }

  #end(pausing: Pausing, { timer, message, beganAtMs }: Watched, now: Instant): void {
    timer.clear()
    this.#watched.delete(pausing)
    publish({ ...message, outcome: 'ended', durationMs: now.monotonicMs - beganAtMs })
  }
}

function publish(message: CooldownMessage): void {
  cooldownChannel.publish(message)
}
