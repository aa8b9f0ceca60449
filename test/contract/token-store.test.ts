import type { TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { memoryTokenStore } from '../support/memory-token-store.js'
import { newKey, promises, testTokenStore } from './token-store.js'

const shared = memoryTokenStore()
testTokenStore('a store in memory', () => shared)

/** Mistakes that somebody who writes a store may make, each in the place of what is right in `good`. */
const mistakes: Readonly<Record<string, (good: TokenStore) => Partial<TokenStore>>> = {
  'returns an entry that nobody has written': () => ({ get: async () => ({ entry: 'entry', ttlMs: 1_000 }) }),
  'trims entries': (good) => ({ set: (key, entry, ...rest) => good.set(key, entry.trim(), ...rest) }),
  'keeps entries as Latin-1': (good) => ({
    set: (key, entry, ...rest) => good.set(key, Buffer.from(entry, 'latin1').toString('latin1'), ...rest)
  }),
  'normalises Unicode': (good) => ({
    set: (key, entry, ...rest) => good.set(key, entry.normalize(), ...rest)
  }),
  'cuts entries off at 8,000 characters': (good) => ({
    set: (key, entry, ...rest) => good.set(key, entry.slice(0, 8_000), ...rest)
  }),
  'cuts keys off at 100 characters': (good) => ({
    set(key, ...rest) {
      if (key.length > 100) throw new Error('The key is too long.')
      return good.set(key, ...rest)
    }
  }),
  'does not tell upper from lower case in keys': (good) => withKeys(good, (key) => key.toLowerCase()),
  'takes "_" for any character': (good) => withKeys(good, (key) => key.replace(/[-_]$/, '')),
  'tells the time left in seconds': (good) => ({
    async get(key) {
      const found = await good.get(key)
      return found && { ...found, ttlMs: found.ttlMs / 1_000 }
    }
  }),
  'tells the time that an entry had at first': (good) => {
    const first = new Map<string, number>()
    return {
      set(key, entry, ttlMs, owner) {
        first.set(key, ttlMs)
        return good.set(key, entry, ttlMs, owner)
      },
      async get(key) {
        const found = await good.get(key)
        return found && { ...found, ttlMs: first.get(key) ?? 0 }
      }
    }
  },
  'takes the time of an entry for seconds': (good) => ({
    set: (key, entry, ttlMs, owner) => good.set(key, entry, ttlMs * 1_000, owner)
  }),
  'rounds the time of an entry down to seconds': (good) => ({
    set: (key, entry, ttlMs, owner) => good.set(key, entry, Math.floor(ttlMs / 1_000) * 1_000, owner)
  }),
  'keeps the first entry': (good) => ({
    async set(key, ...rest) {
      return (await good.get(key)) === undefined ? good.set(key, ...rest) : true
    }
  }),
  'deletes whatever is there': (good) => ({ delete: (key) => deleteAny(good, key) }),
  'looks first and then deletes': (good) => ({
    async delete(key, entry) {
      if ((await good.get(key))?.entry === entry) await deleteAny(good, key)
    }
  }),
  'deletes nothing': () => ({ delete: async () => {} }),
  'fails where there is nothing to delete': (good) => ({
    async delete(key, entry) {
      if ((await good.get(key)) === undefined) throw new Error('There is no such row.')
      return good.delete(key, entry)
    }
  }),
  'gives the lock to everybody': () => ({ lock: async () => true }),
  'gives the lock to nobody': () => ({ lock: async () => false }),
  'gives the lock to everybody at first': (good) => {
    const taken = new Set<string>()
    return {
      async lock(key, owner, ttlMs) {
        const isFree = !taken.has(key)
        await new Promise(setImmediate)
        taken.add(key)
        return (await good.lock(key, owner, ttlMs)) || isFree
      }
    }
  },
  'takes the time of a lock for seconds': (good) => ({
    lock: (key, owner, ttlMs) => good.lock(key, owner, ttlMs * 1_000)
  }),
  'takes a tenth of the time of a lock': (good) => ({
    lock: (key, owner, ttlMs) => good.lock(key, owner, ttlMs / 10)
  }),
  'does not extend a lock': (good) => {
    const owners = new Map<string, string>()
    return {
      async lock(key, owner, ttlMs) {
        // It says that it did.
        if (owners.get(key) === owner && !(await good.lock(key, 'nobody', 1))) return true
        await good.unlock(key, 'nobody')
        const isTaken = await good.lock(key, owner, ttlMs)
        if (isTaken) owners.set(key, owner)
        return isTaken
      }
    }
  },
  'refuses the lock to its own owner': (good) => ({
    async lock(key, owner, ttlMs) {
      const isFree = await good.lock(key, 'nobody', 1)
      if (isFree) await good.unlock(key, 'nobody')
      return isFree && good.lock(key, owner, ttlMs)
    }
  }),
  'releases a lock for everybody': (good) => withHolders(good, (holder) => holder),
  'releases no lock': () => ({ unlock: async () => {} }),
  'writes for everybody': (good) => ({ set: (key, entry, ttlMs) => good.set(key, entry, ttlMs) }),
  'writes for nobody': (good) => ({
    set: async (key, entry, ttlMs, owner) => (owner === undefined ? good.set(key, entry, ttlMs) : false)
  }),
  'does not say that it wrote nothing': (good) => ({
    async set(...args) {
      await good.set(...args)
    }
  }),
  'says that it wrote nothing, but writes': (good) => ({
    async set(key, entry, ttlMs, owner) {
      const wasWritten = await good.set(key, entry, ttlMs, owner)
      if (wasWritten === false) await good.set(key, entry, ttlMs)
      return wasWritten
    }
  }),
  'writes while nobody has the lock': (good) => ({
    async set(key, entry, ttlMs, owner) {
      if (owner !== undefined && (await good.lock(key, 'nobody', 1))) {
        await good.unlock(key, 'nobody')
        return good.set(key, entry, ttlMs)
      }
      return good.set(key, entry, ttlMs, owner)
    }
  }),
  'looks for the owner first and then writes': (good) => ({
    async set(key, entry, ttlMs, owner) {
      const holds = owner === undefined || (await holdsLock(good, key, owner))
      return holds && good.set(key, entry, ttlMs)
    }
  }),
  'takes the lock in order to write': (good) => ({
    async set(key, entry, ttlMs, owner) {
      return (owner === undefined || (await good.lock(key, owner, 5_000))) && good.set(key, entry, ttlMs)
    }
  }),
  'releases the lock with a write': (good) => ({
    async set(key, entry, ttlMs, owner) {
      const wasWritten = await good.set(key, entry, ttlMs, owner)
      if (owner !== undefined) await good.unlock(key, owner)
      return wasWritten
    }
  }),
  'keeps the lock where it keeps the entry': (good) => ({
    async lock(key, owner, ttlMs) {
      const isTaken = await good.lock(key, owner, ttlMs)
      if (isTaken) await good.set(key, owner, ttlMs)
      return isTaken
    }
  }),
  'deletes the lock with the entry': (good) => ({
    ...withHolders(good, (_, owner) => owner),
    async delete(key, entry) {
      await good.delete(key, entry)
      for (const owner of ['alice', 'bob']) await good.unlock(key, owner)
    }
  }),
  'deletes the entry with the lock': (good) => ({
    async unlock(key, owner) {
      await good.unlock(key, owner)
      await deleteAny(good, key)
    }
  })
}

t.test('the suite finds every mistake', async (t) => {
  const found = new Set<string>()
  await Promise.all(
    Object.entries(mistakes).map(async ([mistake, make]) => {
      let broken: string[] = []
      // Up to three times: a busy machine may be too late to see what ends too early.
      for (let round = 0; round < 3 && broken.length === 0; round++) {
        const good = memoryTokenStore()
        broken = await brokenPromises({ ...good, ...make(good) })
      }
      t.ok(broken.length > 0, `a store that ${mistake}`)
      for (const promise of broken) found.add(promise)
    })
  )
  t.strictSame(
    Object.keys(promises).filter((promise) => !found.has(promise)),
    [],
    'and no promise is one that none of them breaks'
  )
})

async function brokenPromises(store: TokenStore): Promise<string[]> {
  const results = await Promise.all(
    Object.entries(promises).map(async ([promise, check]) => {
      try {
        await check({ store, other: store, key: newKey() })
        return []
      } catch {
        return [promise]
      }
    })
  )
  return results.flat()
}

async function deleteAny(store: TokenStore, key: string): Promise<void> {
  const { entry } = (await store.get(key)) ?? {}
  if (entry !== undefined) await store.delete(key, entry)
}

async function holdsLock(store: TokenStore, key: string, owner: string): Promise<boolean> {
  const isFree = await store.lock(key, 'nobody', 1)
  if (isFree) await store.unlock(key, 'nobody')
  return !isFree && (await store.lock(key, owner, 60_000))
}

function withKeys(good: TokenStore, change: (key: string) => string): TokenStore {
  return {
    get: (key) => good.get(change(key)),
    set: (key, ...rest) => good.set(change(key), ...rest),
    delete: (key, entry) => good.delete(change(key), entry),
    lock: (key, ...rest) => good.lock(change(key), ...rest),
    unlock: (key, owner) => good.unlock(change(key), owner)
  }
}

/** A store that releases the lock of whomever `choose` says. */
function withHolders(
  good: TokenStore,
  choose: (holder: string, owner: string) => string
): Partial<TokenStore> {
  const holders = new Map<string, string>()
  return {
    async lock(key, owner, ttlMs) {
      const isTaken = await good.lock(key, owner, ttlMs)
      if (isTaken) holders.set(key, owner)
      return isTaken
    },
    unlock: (key, owner) => good.unlock(key, choose(holders.get(key) ?? owner, owner))
  }
}
