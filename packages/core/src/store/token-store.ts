/**
 * A place that all members of a fleet reach, such as a Redis or a database: it lets them share one token. A store
 * moves opaque text and knows nothing of tokens. The provider encrypts every entry before it hands it over, and
 * trusts nothing it gets back.
 *
 * What holds for every method:
 * - A key and an owner are 1 to 128 characters of `[A-Za-z0-9_-]`. An entry is text of at most 8 kB without
 *   U+0000; give it back character for character.
 * - `ttlMs` is a whole number of milliseconds, at least 1. The store measures it by a clock of its own, one for all
 *   members, and never by that of a member.
 * - A key holds at most one entry and at most one lock, which do not touch each other.
 * - Each method is atomic: whatever other members do at the same moment, it happens wholly before or wholly after.
 * - Reject when the store fails; never answer with a guess. The provider limits how long it waits, then fetches its own
 *   token. No caller sees an error of the store.
 * - A command that the provider no longer waits for may still be carried out. The conditions of `set`, `delete` and
 *   `unlock` make that harmless, so check them at the moment you write.
 * - Losing an entry or a lock is always safe: it only costs a request to the token endpoint. They may be evicted, and
 *   need not survive a restart.
 *
 * @see docs/writing-a-store.md, and `test/contract/token-store.ts`, which tests all of this for any store.
 */
export interface TokenStore {
  /**
   * The entry under a key and how long it still lives, read at one moment and in one round trip; `undefined` if there
   * is none. An entry whose time is up is never returned. Read what was written last: never from a replica.
   */
  get(key: string): Promise<{ entry: string; ttlMs: number } | undefined>
  /**
   * Keeps an entry for `ttlMs`, in place of the one that was there. With an `owner`: only while that owner holds the
   * lock of this key. Otherwise nothing changes and the answer is `false`, since somebody else may have written
   * meanwhile.
   */
  set(key: string, entry: string, ttlMs: number, owner?: string): Promise<boolean | void>
  /** Deletes the entry under a key, but only if it is still this one. Leaves the lock alone. */
  delete(key: string, entry: string): Promise<void>
  /**
   * Takes the lock of a key for `ttlMs`, unless another owner holds it. The owner who holds it already gets it for
   * `ttlMs` from now on. Returns at once, with whether the owner holds the lock; never waits for it.
   */
  lock(key: string, owner: string, ttlMs: number): Promise<boolean>
  /** Releases the lock of a key, but only if this owner holds it. Leaves the entry alone. */
  unlock(key: string, owner: string): Promise<void>
}
