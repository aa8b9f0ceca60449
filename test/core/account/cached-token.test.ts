import t from 'tap'
import { chooseToken, isNearlyDead, nextWakeMs } from '../../support/core-internals.js'

type CachedToken = Parameters<typeof nextWakeMs>[0]

const ISSUED_AT = { wallMs: Date.parse('2026-11-24T12:00:00Z'), monotonicMs: 1_000 }
const after = (ms: number) => ({ wallMs: ISSUED_AT.wallMs + ms, monotonicMs: ISSUED_AT.monotonicMs + ms })

/** A token with what the decisions rest on: it lives a minute, is refreshed at 45 s and handed out until 54 s. */
function cached(accessToken: string, fields: Partial<CachedToken> = {}): CachedToken {
  const token = { accessToken, accessTokenId: undefined }
  const lifetime = { lifetimeMs: 60_000, marginMs: 6_000, refreshAgeMs: 45_000 }
  return { token, ...lifetime, issuedAt: ISSUED_AT, isUsed: true, ...fields } as CachedToken
}

t.test('the next wake-up', async (t) => {
  for (const [what, ageMs, coolDownLeftMs, expectedMs] of [
    ['is the refresh', 0, undefined, 45_000],
    ['is the refresh, even after a cool-down', 44_999, 500, 1],
    ['is past the hard line once the refresh runs', 45_000, undefined, 9_001],
    ['is another try after a cool-down', 45_000, 3_000, 3_000],
    ['is past the hard line where the cool-down ends later', 45_000, 9_002, 9_001],
    ['is past the hard line at the hard line', 54_000, undefined, 1]
  ] as const) {
    t.test(what, async (t) => {
      t.equal(nextWakeMs(cached('a'), coolDownLeftMs, after(ageMs)), expectedMs)
    })
  }

  t.test('makes no other try for a token that nobody uses', async (t) => {
    t.equal(nextWakeMs(cached('a', { isUsed: false }), 3_000, after(45_000)), 9_001)
  })

  t.test('is past the hard line where that comes before the refresh', async (t) => {
    const shortLived = cached('a', { lifetimeMs: 5_000, marginMs: 500, refreshAgeMs: 5_000 })
    t.equal(nextWakeMs(shortLived, undefined, after(0)), 4_501)
  })
})

t.test(
  'a token is nearly dead with less than 5 s before its hard line, by the monotonic clock',
  async (t) => {
    t.notOk(isNearlyDead(cached('a'), after(49_000)))
    t.ok(isNearlyDead(cached('a'), after(49_001)))
    t.notOk(isNearlyDead(cached('a'), { ...after(0), wallMs: ISSUED_AT.wallMs + 3_600_000 }))
  }
)

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
