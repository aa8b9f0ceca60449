import { abortable } from '../support/abortable.js'
import { type Clock, readClock, setBackgroundTimeout } from '../support/clock.js'
import { type Entry, leftMs, parseEntry } from './entry.js'
import type { Sealer } from './sealer.js'
import type { TokenStore } from './token-store.js'

const COMMAND_MS = 250
const ACQUISITION_MS = 500
/** What a failed or missing answer of the store comes to. */
const NOTHING = undefined
/** More is never written, nor looked at when it is read. */
const MAX_SEALED_LENGTH = 8_192

/** A store as the members of a fleet use it. */
export interface SharedStore {
  readonly store: TokenStore
  /** The first seals; all open. */
  readonly sealers: readonly Sealer[]
  readonly clock: Clock
  /** Aborted once the provider is closed: no command is waited for any more. */
  readonly closed: AbortSignal
  /** Told of every command that failed or took too long, and of every one that was answered. */
  readonly onCommand: (isAnswered: boolean) => void
}

export interface Shared {
  readonly entry: Entry
  readonly leftMs: number
  /** Deletes it, unless something else has taken its place. */
  readonly withdraw: () => void
}

/** What a store holds under a name, still sealed. */
interface Found {
  readonly entry: string
  readonly ttlMs: number
}

/**
 * Where one identity's token lies in a store, for one acquisition. No command rejects or takes longer than 250 ms, and
 * all of them together no longer than 500 ms: after the first that fails, the member is alone.
 */
export class SharedPlace {
  isAlone = false
  readonly #shared: SharedStore
  readonly #identity: string
  readonly #owner: string
  #leftMs = ACQUISITION_MS

  constructor(shared: SharedStore, identity: string, owner: string) {
    this.#shared = shared
    this.#identity = identity
    this.#owner = owner
  }

  /** The first entry that is accepted. While keys are rotated, an older one may lie under the name of another key. */
  async read(accepts: (shared: Shared) => boolean): Promise<Shared | undefined> {
    const { clock, sealers } = this.#shared
    for (const sealer of sealers) {
      const name = sealer.name(this.#identity, 'entry')
      const found = await this.#get(name)
      if (found === undefined) continue
      const entry = parseEntry(sealer.open(found.entry, this.#identity, 'entry'))
      if (entry === undefined) continue
      const left = leftMs(entry, found.ttlMs, readClock(clock))
      const shared = { entry, leftMs: left, withdraw: () => this.#delete(name, found.entry) }
      if (left > 0 && accepts(shared)) return shared
    }
    return undefined
  }

  /** Takes the lock. Who is alone needs none. */
  async lock(ttlMs: number): Promise<boolean> {
    const isHeld = await this.#command(() => this.#shared.store.lock(this.#name('entry'), this.#owner, ttlMs))
    return this.isAlone || isHeld === true
  }

  /** Renews the lock. Nobody waits for it, so it takes none of the acquisition's time, and its failure says nothing. */
  renewLock(ttlMs: number): void {
    ignore(() => this.#shared.store.lock(this.#name('entry'), this.#owner, ttlMs))
  }

  /** Writes while the lock is held, so that nothing newer is overwritten. */
  async write(entry: Entry, ttlMs: number): Promise<(() => void) | undefined> {
    const [sealer] = this.#shared.sealers as [Sealer]
    const name = this.#name('entry')
    const sealed = sealer.seal(JSON.stringify(entry), this.#identity, 'entry')
    if (sealed.length > MAX_SEALED_LENGTH) return undefined
    await this.#command(() => this.#shared.store.set(name, sealed, ttlMs, this.#owner))
    return () => this.#delete(name, sealed)
  }

  /** Tells those who wait that this member has failed. */
  async writeFailure(failure: object, ttlMs: number): Promise<void> {
    const [sealer] = this.#shared.sealers as [Sealer]
    const sealed = sealer.seal(JSON.stringify(failure), this.#identity, 'failure')
    await this.#command(() => this.#shared.store.set(this.#name('failure'), sealed, ttlMs))
  }

  async readFailure(): Promise<{ text: string; ttlMs: number } | undefined> {
    const [sealer] = this.#shared.sealers as [Sealer]
    const found = await this.#get(this.#name('failure'))
    const text = found && sealer.open(found.entry, this.#identity, 'failure')
    return found === undefined || text === undefined ? undefined : { text, ttlMs: found.ttlMs }
  }

  /** Nobody waits for it. Also where a lock was not answered: it may have been taken all the same. */
  unlock(): void {
    ignore(() => this.#shared.store.unlock(this.#name('entry'), this.#owner))
  }

  /** A live holder is waited for: that costs none of the acquisition's time at the store. */
  renewTime(): void {
    this.#leftMs = ACQUISITION_MS
  }

  #name(purpose: 'entry' | 'failure'): string {
    return (this.#shared.sealers[0] as Sealer).name(this.#identity, purpose)
  }

  #delete(name: string, sealed: string): void {
    ignore(() => this.#shared.store.delete(name, sealed))
  }

  #get(name: string): Promise<Found | undefined> {
    return this.#command(async () => toFound(await this.#shared.store.get(name)))
  }

  /** The answer to a command; nothing where it failed or was late, after which no other is sent. */
  async #command<T>(send: () => Promise<T>): Promise<T | undefined> {
    const { clock, closed, onCommand } = this.#shared
    if (this.isAlone || closed.aborted) return NOTHING
    const startedMs = clock.monotonic()
    let timer: unknown
    const late = new Promise<never>((_resolve, reject) => {
      // Node runs timers before it reads sockets: an answer that arrived while the process was busy is read first.
      const due = () => setImmediate(reject)
      timer = setBackgroundTimeout(clock, due, Math.max(0, Math.min(COMMAND_MS, this.#leftMs)))
    })
    try {
      const answer = await abortable(Promise.race([call(send), late]), closed)
      onCommand(true)
      return answer
    } catch {
      // Its text may hold an address or a password.
      this.isAlone = true
      if (!closed.aborted) onCommand(false)
      return NOTHING
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
function toFound(answer: unknown): Found | undefined {
  const { entry, ttlMs } = (answer ?? {}) as Partial<Record<string, unknown>>
  return typeof entry === 'string' &&
    entry.length <= MAX_SEALED_LENGTH &&
    typeof ttlMs === 'number' &&
    ttlMs > 0
    ? { entry, ttlMs }
    : undefined
}
