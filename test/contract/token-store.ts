import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import type { Teardown } from '../support/teardown.js'

/** Another member of the same fleet: a store of its own over what all of them share. */
export type CreateStore = (t: Teardown) => TokenStore | Promise<TokenStore>

/** Two members of a fleet, and a key that nobody has used. */
export interface Stage {
  readonly store: TokenStore
  readonly other: TokenStore
  readonly key: string
}

const LONG_MS = 60_000
const SHORT_MS = 150
const VERY_SHORT_MS = 5
/** Much later than `SHORT_MS`, even on a busy machine. */
const LIMIT_MS = 3_000
/** For a store that works with whole milliseconds, and for its clock beside ours. */
const TOLERANCE_MS = 2

/** Tests everything that a `TokenStore` promises, on the real thing. */
export function testTokenStore(name: string, createStore: CreateStore): void {
  t.test(name, async (t) => {
    const [store, other] = [await createStore(t), await createStore(t)]
    for (const [promise, check] of Object.entries(promises)) {
      await t.resolves(check({ store, other, key: newKey() }), `${name} ${promise}`)
    }
  })
}

/** What a store promises, a check each, which throws where the promise is broken. */
export const promises: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  async 'has no entry under a key that nobody has used'({ store, key }) {
    assert.equal(await store.get(key), undefined)
  },

  async 'gives an entry back character for character, to every member'({ store, other, key }) {
    for (const text of TEXTS) {
      await store.set(key, text, LONG_MS)
      assert.equal((await other.get(key))?.entry, text)
    }
  },

  async 'takes keys and owners of 1 to 128 letters, digits, "-" and "_"'({ store }) {
    for (const name of ['-', '_', '0', 'a'.repeat(128)]) {
      const key = name.length === 1 ? `${newKey()}${name}` : name
      await store.set(key, 'entry', LONG_MS)
      assert.equal((await store.get(key))?.entry, 'entry')
      assert.equal(await store.lock(key, name, LONG_MS), true)
      assert.notEqual(await store.set(key, 'by its owner', LONG_MS, name), false)
      await store.unlock(key, name)
      await store.delete(key, 'by its owner')
      assert.equal(await store.get(key), undefined)
    }
  },

  async 'keeps the entries and locks of alike keys apart'({ store, key }) {
    const keys = [`${key}a`, `${key}A`, `${key}aa`, `${key}_`, `${key}-`, key]
    for (const each of keys) await store.set(each, `of ${each}`, LONG_MS)
    for (const each of keys) assert.equal((await store.get(each))?.entry, `of ${each}`)
    for (const each of keys) assert.equal(await store.lock(each, `owner-of-${each}`, LONG_MS), true)
  },

  async 'tells how many milliseconds an entry still lives'({ store, other, key }) {
    const startMs = performance.now()
    await store.set(key, 'entry', LONG_MS)
    const { ttlMs = NaN } = (await other.get(key)) ?? {}
    assert.ok(ttlMs <= LONG_MS, `${ttlMs}`)
    assert.ok(ttlMs >= LONG_MS - (performance.now() - startMs) - TOLERANCE_MS, `${ttlMs}`)
    await aWhile(store)
    assert.ok(
      ((await other.get(key))?.ttlMs ?? NaN) <= ttlMs - SHORT_MS + TOLERANCE_MS,
      'and goes on counting'
    )
  },

  async 'replaces an entry and its time'({ store, other, key }) {
    await store.set(key, 'old', LONG_MS)
    await other.set(key, 'new', 2 * LONG_MS)
    const later = await store.get(key)
    assert.equal(later?.entry, 'new')
    assert.ok(later.ttlMs > LONG_MS)
    await store.set(key, 'newest', SHORT_MS)
    assert.ok(((await store.get(key))?.ttlMs ?? 0) <= SHORT_MS)
  },

  async 'forgets an entry when its time is up, not sooner and not much later'({ store, key }) {
    const startMs = performance.now()
    await store.set(key, 'entry', SHORT_MS)
    await until(async () => (await store.get(key)) === undefined)
    const afterMs = performance.now() - startMs
    assert.ok(afterMs >= SHORT_MS - TOLERANCE_MS, `after ${afterMs} ms`)
  },

  async 'deletes an entry only if it is still that one'({ store, other, key }) {
    await store.set(key, 'Entry', LONG_MS)
    for (const different of ['entry', 'Entry ', 'Entr', 'Entry*', '']) await other.delete(key, different)
    assert.equal((await store.get(key))?.entry, 'Entry')
    await other.delete(key, 'Entry')
    assert.equal(await store.get(key), undefined)
    await other.delete(key, 'Entry')
  },

  async 'never deletes the entry that replaces the one to delete'({ store, other, key }) {
    await store.set(key, 'old', LONG_MS)
    for (let round = 0; round < 50; round++) {
      await Promise.all([store.delete(key, 'old'), other.set(key, 'new', LONG_MS)])
      assert.equal((await store.get(key))?.entry, 'new', `in round ${round}`)
      await store.set(key, 'old', LONG_MS)
    }
  },

  async 'gives a lock to one owner'({ store, other, key }) {
    assert.equal(await store.lock(key, 'alice', LONG_MS), true)
    assert.equal(await other.lock(key, 'bob', LONG_MS), false)
    assert.equal(await store.lock(key, 'Alice', LONG_MS), false)
  },

  async 'gives a lock to one of 50 who want it at once'({ store, other, key }) {
    const winners = await contenders(store, other, key)
    assert.equal(winners.length, 1, `${winners}`)
  },

  async 'gives a lock whose time is up to one of 50 who want it at once'({ store, other, key }) {
    await store.lock(key, 'alice', SHORT_MS)
    await aWhile(store)
    const winners = await contenders(store, other, key)
    assert.equal(winners.length, 1, `${winners}`)
  },

  async 'gives a lock to somebody else when its time is up, not sooner'({ store, other, key }) {
    const startMs = performance.now()
    assert.equal(await store.lock(key, 'alice', SHORT_MS), true)
    await until(() => other.lock(key, 'bob', LONG_MS))
    const afterMs = performance.now() - startMs
    assert.ok(afterMs >= SHORT_MS - TOLERANCE_MS, `after ${afterMs} ms`)
    assert.equal(await store.lock(key, 'alice', LONG_MS), false)
  },

  async 'extends a lock for its owner'({ store, other, key }) {
    assert.equal(await store.lock(key, 'alice', SHORT_MS), true)
    assert.equal(await other.lock(key, 'alice', LONG_MS), true, 'the owner counts, not the connection')
    await aWhile(store)
    assert.equal(await other.lock(key, 'bob', LONG_MS), false)
  },

  async 'counts an extended lock from the extension on'({ store, other, key }) {
    await store.lock(key, 'alice', LONG_MS)
    await store.lock(key, 'alice', SHORT_MS)
    await until(() => other.lock(key, 'bob', LONG_MS))
  },

  async 'does not extend a lock for somebody else who asks for it'({ store, other, key }) {
    await store.lock(key, 'alice', SHORT_MS)
    assert.equal(await other.lock(key, 'bob', LONG_MS), false)
    await until(() => other.lock(key, 'carol', LONG_MS))
  },

  async 'releases a lock only for its owner'({ store, other, key }) {
    await store.lock(key, 'alice', LONG_MS)
    for (const different of ['bob', 'Alice', 'alic', 'alice_']) await other.unlock(key, different)
    assert.equal(await other.lock(key, 'bob', LONG_MS), false)
    await other.unlock(key, 'alice')
    assert.equal(await other.lock(key, 'bob', LONG_MS), true)
    await store.unlock(key, 'alice')
    assert.equal(await store.lock(key, 'carol', LONG_MS), false, 'nor once it is somebody else’s')
  },

  async 'keeps entry and lock of a key apart'({ store, key }) {
    await store.lock(key, 'alice', LONG_MS)
    assert.equal(await store.get(key), undefined, 'a lock is no entry')
    await store.delete(key, 'alice')
    await store.set(key, 'entry', LONG_MS)
    await store.delete(key, 'entry')
    assert.equal(await store.lock(key, 'bob', LONG_MS), false, 'writing and deleting release no lock')
    await store.set(key, 'alice', LONG_MS)
    await store.unlock(key, 'alice')
    assert.equal((await store.get(key))?.entry, 'alice', 'releasing a lock deletes no entry')
  },

  async 'writes for the owner of the lock'({ store, other, key }) {
    await store.set(key, 'old', SHORT_MS)
    await store.lock(key, 'alice', LONG_MS)
    assert.notEqual(await other.set(key, 'new', LONG_MS, 'alice'), false)
    const later = await store.get(key)
    assert.equal(later?.entry, 'new')
    assert.ok(later.ttlMs > SHORT_MS)
    assert.equal(await store.lock(key, 'bob', LONG_MS), false, 'who keeps the lock')
  },

  async 'writes nothing for an owner without the lock, and says so'({ store, other, key }) {
    assert.equal(await store.set(key, 'stale', LONG_MS, 'alice'), false, 'nobody has the lock')
    assert.equal(await store.get(key), undefined)
    await store.set(key, 'entry', LONG_MS)
    await store.lock(key, 'alice', LONG_MS)
    assert.equal(await other.set(key, 'stale', 2 * LONG_MS, 'bob'), false, 'somebody else has it')
    await store.unlock(key, 'alice')
    assert.equal(await store.set(key, 'stale', 2 * LONG_MS, 'alice'), false, 'it was released')
    await store.lock(key, 'alice', SHORT_MS)
    await aWhile(store)
    assert.equal(await store.set(key, 'stale', 2 * LONG_MS, 'alice'), false, 'its time is up')
    await other.lock(key, 'bob', LONG_MS)
    assert.equal(await store.set(key, 'stale', 2 * LONG_MS, 'alice'), false, 'it went to somebody else')
    const left = await store.get(key)
    assert.equal(left?.entry, 'entry')
    assert.ok(left.ttlMs <= LONG_MS, 'the time of the entry is as it was, too')
  },

  async 'ends locks in the order in which they were taken'({ store, key }) {
    const later = `${key}-later`
    for (let round = 0; round < 20; round++) {
      await store.lock(key, 'alice', VERY_SHORT_MS)
      await store.lock(later, 'alice', VERY_SHORT_MS)
      await until(() => store.lock(later, 'bob', LONG_MS), 1)
      assert.equal(await store.set(key, 'stale', LONG_MS, 'alice'), false, `in round ${round}`)
      await store.unlock(later, 'bob')
    }
  },

  async 'writes for one of 50 who try at once, the one with the lock'({ store, other, key }) {
    await store.lock(key, 'owner-17', LONG_MS)
    const answers = await Promise.all(
      owners.map((owner, index) => (index % 2 ? store : other).set(key, `of ${owner}`, LONG_MS, owner))
    )
    assert.deepEqual(
      owners.filter((_, index) => answers[index] !== false),
      ['owner-17']
    )
    assert.equal((await store.get(key))?.entry, 'of owner-17')
  },

  async 'lets no former owner overwrite what the next one wrote'({ store, other, key }) {
    for (let round = 0; round < 50; round++) {
      await store.lock(key, 'alice', LONG_MS)
      const late = store.set(key, 'old', LONG_MS, 'alice')
      await other.unlock(key, 'alice')
      assert.equal(await other.lock(key, 'bob', LONG_MS), true)
      await Promise.all([late, other.set(key, 'new', LONG_MS, 'bob')])
      assert.equal((await store.get(key))?.entry, 'new', `in round ${round}`)
      await other.unlock(key, 'bob')
    }
  }
}

const TEXTS = [
  'entry',
  '0',
  'null',
  'false',
  '-1',
  ' spaces  within and around ',
  'line\r\nbreaks\n\tand tabs\n',
  '{braces} {{twice}} }{',
  `quotes ' " \` and \\ backslashes \\n`,
  '%s %d $1 :name ? -- ; /* */',
  'äöü ß é 日本語 Ω',
  '😀 👩‍👩‍👧 \u{10ffff}',
  // Two ways to write é, which are two texts.
  '\u00e9 e\u0301',
  'x'.repeat(8_192),
  '€'.repeat(2_730)
]

const owners = Array.from({ length: 50 }, (_, index) => `owner-${index}`)

/** Who of 50 got the lock. */
async function contenders(store: TokenStore, other: TokenStore, key: string): Promise<string[]> {
  const answers = await Promise.all(
    owners.map((owner, index) => (index % 2 ? store : other).lock(key, owner, LONG_MS))
  )
  return owners.filter((_, index) => answers[index])
}

export function newKey(): string {
  return randomUUID()
}

/** Lets `SHORT_MS` go by on the clock of the store. */
async function aWhile(store: TokenStore): Promise<void> {
  const key = newKey()
  await store.lock(key, 'alice', SHORT_MS)
  await until(() => store.lock(key, 'bob', LONG_MS))
}

async function until(condition: () => Promise<boolean>, pauseMs = 5): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS
  while (!(await condition())) {
    assert.ok(performance.now() < deadlineMs, `still not so after ${LIMIT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
