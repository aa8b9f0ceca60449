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

/**
 * Where one identity's token lies in a store, for one acquisition. No command rejects or takes longer than 250 ms, and
 * all of them together no longer than 500 ms: after the first that fails, the member is alone.
 */
export class SharedPlace {
  isAlone = false
  /** Whether the store has ever said so; the lock may have run out since. */
  #holdsLock = false
  readonly #shared: SharedStore
  readonly #identity: string
  readonly #owner: string
  #leftMs = ACQUISITION_MS

  constructor(shared: SharedStore, identity: string, owner: string) {
    this.#shared = shared
    this.#identity = identity
    this.#owner = owner
  }

  /** The first usable entry under the names of all keys. */
  async read(): Promise<Shared | undefined> {
    const { store, clock, sealers } = this.#shared
    for (const sealer of sealers) {
      const name = sealer.name(this.#identity, 'entry')
      const found = await this.#command(() => store.get(name))
      const entry = isReadable(found)
        ? parseEntry(sealer.open(found.entry, this.#identity, 'entry'))
        : undefined
      if (found === undefined || entry === undefined) continue
      const left = leftMs(entry, found.ttlMs, readClock(clock))
      if (left > 0) return { entry, leftMs: left, withdraw: () => this.#delete(name, found.entry) }
    }
    return undefined
  }

  /** Takes or renews the lock. Who is alone needs none. */
  async lock(ttlMs: number): Promise<boolean> {
    const isHeld = await this.#command(() => this.#shared.store.lock(this.#name('entry'), this.#owner, ttlMs))
    if (isHeld === true) this.#holdsLock = true
    return this.isAlone || isHeld === true
  }

  /**
   * Writes while the lock is held, so that nothing newer is overwritten. A store that was too slow for this member is
   * sent the entry all the same, but nobody waits for it: otherwise, each member of the fleet would fetch its own.
   */
  async write(entry: Entry, ttlMs: number): Promise<(() => void) | undefined> {
    const [sealer] = this.#shared.sealers as [Sealer]
    const name = this.#name('entry')
    const sealed = sealer.seal(JSON.stringify(entry), this.#identity, 'entry')
    if (sealed.length > MAX_SEALED_LENGTH) return undefined
    const send = () => this.#shared.store.set(name, sealed, ttlMs, this.#owner)
    if (this.isAlone && this.#holdsLock) ignore(send)
    else await this.#command(send)
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
    const found = await this.#command(() => this.#shared.store.get(this.#name('failure')))
    const text = isReadable(found) ? sealer.open(found.entry, this.#identity, 'failure') : undefined
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

  /** The answer to a command; nothing where it failed or was late, after which no other is sent. */
  async #command<T>(send: () => Promise<T>): Promise<T | undefined> {
    const { clock, closed, onCommand } = this.#shared
    if (this.isAlone || closed.aborted) return NOTHING
    const startedMs = clock.monotonic()
    let timer: unknown
    const late = new Promise<never>((_resolve, reject) => {
      timer = setBackgroundTimeout(clock, reject, Math.max(0, Math.min(COMMAND_MS, this.#leftMs)))
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

/** Nothing that a store hands over is trusted, its shape included. */
function isReadable(found: unknown): found is { entry: string; ttlMs: number } {
  const { entry, ttlMs } = (found ?? {}) as Partial<Record<string, unknown>>
  return (
    typeof entry === 'string' && entry.length <= MAX_SEALED_LENGTH && typeof ttlMs === 'number' && ttlMs > 0
  )
}
