import { abortable } from '../support/abortable.js'
import { setBackgroundTimeout } from '../support/background-timer.js'
import { ageMs, type Clock, type Instant, readClock } from '../support/clock.js'
import { sleep } from '../support/sleep.js'
import { type Entry, leftMs, parseEntry } from './entry.js'
import { Lock } from './lock.js'
import type { Sealer } from './sealer.js'
import type { TokenStore } from './token-store.js'

const COMMAND_MS = 250
/** A limit that comes due later than this says that the process was busy, and nothing about the store. */
const LATE_MS = 25
const ACQUISITION_MS = 500
/** A longer entry is not written, and is ignored when it is read. */
const MAX_SEALED_LENGTH = 8_192
/** How long a failure stays in the store. Every waiting member looks for one more often than this. */
const FAILURE_MS = 5_000

/** What the members of a fleet use a store with. */
export interface StoreContext {
  readonly store: TokenStore
  /** One for each store key. The first seals, all open. */
  readonly sealers: readonly Sealer[]
  readonly clock: Clock
  /** Aborts when the provider is closed. From then on nothing waits for a command. */
  readonly closed: AbortSignal
  /** Called after every command: `true` if it was answered, `false` if it failed or took too long. */
  readonly onCommand: (name: keyof TokenStore, isAnswered: boolean) => void
}

/** A token of the fleet, as it was found in the store. */
export interface SharedToken {
  readonly entry: Entry
  readonly leftMs: number
  /** Deletes the entry, unless another one has replaced it. */
  readonly withdraw: () => void
}

/** What a store holds under a name, still sealed. */
interface Found {
  readonly entry: string
  readonly ttlMs: number
  /** When the command was sent. The store measured `ttlMs` after that. */
  readonly askedAt: Instant
}

/**
 * One acquisition's use of a store, for the token of one identity. No command rejects. One command takes at most
 * 250 ms, all of an acquisition together at most 500 ms. After the first command that fails, no other is sent: the
 * member is alone.
 */
export class StoreSession {
  isAlone = false
  readonly clock: Clock
  readonly lock: Lock
  readonly #context: StoreContext
  readonly #identity: string
  readonly #accepts: (shared: SharedToken) => boolean
  #leftMs = ACQUISITION_MS

  constructor(context: StoreContext, identity: string, accepts: (shared: SharedToken) => boolean) {
    this.clock = context.clock
    this.#context = context
    this.#identity = identity
    this.#accepts = accepts
    this.lock = new Lock(context.store, this.#name('entry'), context.clock)
  }

  /**
   * The first entry that is accepted. It looks under the name of each key in turn: while keys are rotated, an older
   * entry may lie under the name of another key.
   */
  async read(): Promise<SharedToken | undefined> {
    for (const sealer of this.#context.sealers) {
      const name = sealer.name(this.#identity, 'entry')
      const found = await this.#get(name)
      if (found === undefined) continue
      const entry = parseEntry(sealer.open(found.entry, this.#identity, 'entry'))
      if (entry === undefined) continue
      const now = readClock(this.clock)
      // The time it had left when the store was asked: a process that stood still reads an old answer.
      const left = leftMs(entry, found.ttlMs - ageMs(found.askedAt, now), now)
      const shared = { entry, leftMs: left, withdraw: () => this.#delete(name, found.entry) }
      if (this.#accepts(shared)) return shared
    }
    return undefined
  }

  /** Takes the lock. A member that is alone needs none. */
  async takeLock(): Promise<boolean> {
    const sentAt = readClock(this.clock)
    const isGiven = await this.#command('lock', () => this.lock.ask())
    if (isGiven) this.lock.taken(sentAt)
    return this.isAlone || isGiven === true
  }

  /**
   * Writes the entry if this member still holds the lock, so that it never overwrites a newer one. If the store became
   * too slow for this member after it took the lock, the entry is sent all the same, but nobody waits for it: otherwise
   * each member would fetch.
   */
  async write(entry: Entry, ttlMs: number): Promise<(() => void) | undefined> {
    const { sealers, store } = this.#context
    const name = this.#name('entry')
    const sealed = (sealers[0] as Sealer).seal(JSON.stringify(entry), this.#identity, 'entry')
    if (sealed.length > MAX_SEALED_LENGTH) return undefined
    const send = async () => (await this.lock.isCertain()) && store.set(name, sealed, ttlMs, this.lock.owner)
    if (this.isAlone) ignore(send)
    else await this.#command('set', send)
    return () => this.#delete(name, sealed)
  }

  /** Tells the waiting members that this one has failed. */
  async writeFailure(failure: object): Promise<void> {
    const [sealer] = this.#context.sealers as [Sealer]
    const sealed = sealer.seal(JSON.stringify(failure), this.#identity, 'failure')
    await this.#command('set', () => this.#context.store.set(this.#name('failure'), sealed, FAILURE_MS))
  }

  /** What a member has written of its failure within the last `withinMs`. */
  async readFailure(withinMs: number): Promise<string | undefined> {
    const [sealer] = this.#context.sealers as [Sealer]
    const found = await this.#get(this.#name('failure'))
    if (found === undefined || found.ttlMs > FAILURE_MS || FAILURE_MS - found.ttlMs > withinMs)
      return undefined
    // The process stood still meanwhile: the failure may be over, and the others have gone on.
    if (ageMs(found.askedAt, readClock(this.clock)) > COMMAND_MS + LATE_MS) return undefined
    return sealer.open(found.entry, this.#identity, 'failure')
  }

  /** Releases the lock without waiting. */
  unlock(): void {
    ignore(() => this.lock.release())
  }

  /** Starts the 500 ms anew: the wait for a live holder of the lock does not count. */
  renewTime(): void {
    this.#leftMs = ACQUISITION_MS
  }

  /** Resolves after `delayMs`, or when the provider is closed. */
  sleep(delayMs: number): Promise<void> {
    return sleep(this.clock, delayMs, this.#context.closed)
  }

  #name(purpose: 'entry' | 'failure'): string {
    return (this.#context.sealers[0] as Sealer).name(this.#identity, purpose)
  }

  #delete(name: string, sealed: string): void {
    ignore(() => this.#context.store.delete(name, sealed))
  }

  #get(name: string): Promise<Found | undefined> {
    const askedAt = readClock(this.clock)
    return this.#command('get', async () => toFound(await this.#context.store.get(name), askedAt))
  }

  /** Sends a command. Returns its answer, or `undefined` if it failed or was late; then no other command is sent. */
  async #command<T>(name: keyof TokenStore, send: () => Promise<T>): Promise<T | undefined> {
    const { clock } = this
    const { closed, onCommand } = this.#context
    if (this.isAlone || closed.aborted) return undefined
    const startedMs = clock.monotonic()
    let timer: unknown
    const late = new Promise<never>((_resolve, reject) => {
      // Node runs timers before it reads sockets. A process that was busy meanwhile gives the answer another chance.
      const limitMs = Math.max(0, Math.min(COMMAND_MS, this.#leftMs))
      const arm = (due: () => void) => {
        timer = setBackgroundTimeout(clock, due, limitMs)
      }
      const isLate = () => clock.monotonic() - startedMs > limitMs + LATE_MS
      arm(() => (isLate() ? arm(reject) : reject()))
    })
    try {
      const answer = await abortable(Promise.race([call(send), late]), closed)
      onCommand(name, true)
      return answer
    } catch {
      // The error is not logged: its message may contain an address or a password.
      this.isAlone = true
      if (!closed.aborted) onCommand(name, false)
      return undefined
    } finally {
      clock.clearTimeout(timer)
      this.#leftMs -= clock.monotonic() - startedMs
    }
  }
}

async function call<T>(send: () => Promise<T>): Promise<T> {
  return send()
}

function ignore(send: () => Promise<unknown>): void {
  call(send).catch(() => {})
}

/** What a store handed over, if it has the right shape: nothing of it is trusted. Reads each property once. */
function toFound(answer: unknown, askedAt: Instant): Found | undefined {
  const { entry, ttlMs } = (answer ?? {}) as Partial<Record<string, unknown>>
  const isText = typeof entry === 'string' && entry.length <= MAX_SEALED_LENGTH
  return isText && typeof ttlMs === 'number' && !Number.isNaN(ttlMs) ? { entry, ttlMs, askedAt } : undefined
}
