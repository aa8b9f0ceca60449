/** The store of a fleet, in this process's memory. It counts the commands. */
export class MemoryStore {
  commands = 0
  #entries = new Map()
  #locks = new Map()

  async get(key) {
    this.commands++
    const found = this.#entries.get(key)
    if (found === undefined || found.untilMs <= Date.now()) return undefined
    return { entry: found.entry, ttlMs: found.untilMs - Date.now() }
  }

  async set(key, entry, ttlMs, owner) {
    this.commands++
    if (owner !== undefined && this.#locks.get(key) !== owner) return false
    this.#entries.set(key, { entry, untilMs: Date.now() + ttlMs })
    return true
  }

  async delete(key, entry) {
    this.commands++
    if (this.#entries.get(key)?.entry === entry) this.#entries.delete(key)
  }

  async lock(key, owner) {
    this.commands++
    if ((this.#locks.get(key) ?? owner) !== owner) return false
    this.#locks.set(key, owner)
    return true
  }

  async unlock(key, owner) {
    this.commands++
    if (this.#locks.get(key) === owner) this.#locks.delete(key)
  }
}

export const STORE_KEYS = [Buffer.alloc(32, 1).toString('base64url')]
