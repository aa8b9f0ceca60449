import type { TokenStore } from '@bandwidth-token/core'

interface Value {
  readonly text: string
  readonly untilMs: number
}

/** A store in memory, which several providers of this process share. */
export function memoryTokenStore(now: () => number = () => performance.now()): TokenStore {
  const entries = new Map<string, Value>()
  const locks = new Map<string, Value>()

  const alive = (values: Map<string, Value>, key: string) => {
    const value = values.get(key)
    return value !== undefined && value.untilMs > now() ? value : undefined
  }
  const deleteIf = (values: Map<string, Value>, key: string, text: string) => {
    if (alive(values, key)?.text === text) values.delete(key)
  }

  return {
    async get(key) {
      const value = alive(entries, key)
      return value && { entry: value.text, ttlMs: value.untilMs - now() }
    },
    async set(key, entry, ttlMs, owner) {
      if (owner !== undefined && alive(locks, key)?.text !== owner) return false
      entries.set(key, { text: entry, untilMs: now() + ttlMs })
      return true
    },
    async delete(key, entry) {
      deleteIf(entries, key, entry)
    },
    async lock(key, owner, ttlMs) {
      if ((alive(locks, key)?.text ?? owner) !== owner) return false
      locks.set(key, { text: owner, untilMs: now() + ttlMs })
      return true
    },
    async unlock(key, owner) {
      deleteIf(locks, key, owner)
    }
  }
}
