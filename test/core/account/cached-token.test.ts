import t from 'tap'
import { chooseToken } from '../../support/core-internals.js'

type CachedToken = Parameters<typeof chooseToken>[0]

const ISSUED_AT = { wallMs: Date.parse('2026-11-24T12:00:00Z'), monotonicMs: 1_000 }
const after = (ms: number) => ({ wallMs: ISSUED_AT.wallMs + ms, monotonicMs: ISSUED_AT.monotonicMs + ms })

/** A token with what the decisions rest on: it lives a minute, is refreshed at 45 s and handed out until 54 s. */
function cached(accessToken: string, fields: Partial<CachedToken> = {}): CachedToken {
  const token = { accessToken, accessTokenId: undefined }
  const lifetime = { lifetimeMs: 60_000, marginMs: 6_000, refreshAgeMs: 45_000 }
  return { token, ...lifetime, issuedAt: ISSUED_AT, isUsed: true, ...fields } as CachedToken
}

t.test('the token that serves from now on', async (t) => {
  const old = cached('old')
  // A second less than what the old one has left.
  const shorter = cached('new', { lifetimeMs: 59_000 })
  const dead = { lifetimeMs: 10_000, marginMs: 1_000 }

  t.test('is the first one', async (t) => {
    t.equal(chooseToken(old, undefined, false, after(0)), old)
  })

  t.test('is the one that lives longer, and of two alike the new one', async (t) => {
    t.equal(chooseToken(shorter, old, false, after(0)), old)
    t.equal(chooseToken(old, shorter, false, after(0)), old)
    const alike = cached('new')
    t.equal(chooseToken(alike, old, false, after(0)), alike)
  })

  t.test('is the new one where the old one was rejected', async (t) => {
    t.equal(chooseToken(shorter, old, true, after(0)), shorter)
  })

  t.test('is what is known last of the same token', async (t) => {
    const same = cached('old', { lifetimeMs: 59_000 })
    t.equal(chooseToken(same, old, false, after(0)), same)
  })

  t.test('is a new one at its hard line, and none past it', async (t) => {
    const next = cached('new', dead)
    t.equal(chooseToken(next, undefined, false, after(9_000)), next)
    t.equal(chooseToken(next, undefined, false, after(9_001)), undefined)
    t.equal(chooseToken(next, old, true, after(9_000)), next)
    t.equal(chooseToken(next, old, true, after(9_001)), old, 'but the old one, though it was rejected')
    t.equal(chooseToken(cached('old', dead), old, false, after(9_001)), undefined, 'the same one is dead')
  })
})
