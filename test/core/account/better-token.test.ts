import t from 'tap'
import { betterToken, isImprovement } from '../../support/core-internals.js'

type Arguments = Parameters<typeof isImprovement>
type Acquired = Arguments[0]
type CachedToken = Parameters<typeof betterToken>[0]

const NOW = { monotonicMs: 1_000_000, wallMs: 1_000_000 }
const MARGIN_MS = 10_000
const issuedAgo = (ageMs: number) => ({
  monotonicMs: NOW.monotonicMs - ageMs,
  wallMs: NOW.wallMs - ageMs
})
const shared = (accessToken: string, ageMs: number, expiresIn = 600) =>
  ({ accessToken, expiresIn, issuedAt: issuedAgo(ageMs) }) as Acquired
const cached = (accessToken: string, ageMs: number) =>
  ({ token: { accessToken }, lifetimeMs: 600_000, issuedAt: issuedAgo(ageMs) }) as Arguments[1]
/** An acquisition that began now. */
const wanted = (what: object = {}) => ({
  startedAtMs: NOW.monotonicMs,
  minimumLifetimeMs: 0,
  isReplacement: false,
  ...what
})
const LONGER = { minimumLifetimeMs: 605_000 }

for (const [what, isTaken, token, held, purpose] of [
  ['a valid one, if none is cached', true, shared('b', 590_000), undefined, {}],
  ['one that is over its hard line, never', false, shared('b', 590_001), undefined, {}],
  [
    'one with less left than is wanted, not',
    false,
    shared('b', 100),
    undefined,
    { ...LONGER, startedAtMs: 1e9 }
  ],
  [
    'one with as much left as is wanted',
    true,
    shared('b', 100_000),
    undefined,
    { minimumLifetimeMs: 500_000 }
  ],
  [
    'one that was issued 5 s before or later, whatever is wanted',
    true,
    shared('b', 4_999),
    undefined,
    LONGER
  ],
  ['one that was issued sooner, not', false, shared('b', 5_000), undefined, LONGER],
  ['the cached one, not', false, shared('a', 570_000), cached('a', 570_000), {}],
  ['the cached one, issued just now, not', false, shared('a', 1_000), cached('a', 1_000), {}],
  ['the cached one that was issued again', true, shared('a', 1_000), cached('a', 100_000), LONGER],
  [
    'the cached one that was issued again long ago, not',
    false,
    shared('a', 6_000),
    cached('a', 100_000),
    LONGER
  ],
  ['another one that lives longer', true, shared('b', 10_000), cached('a', 570_000), {}],
  ['another one that lives shorter, not', false, shared('b', 571_000), cached('a', 570_000), {}],
  ['another one that lives as long, not', false, shared('b', 100_000), cached('a', 100_000), {}],
  [
    'another one that lives shorter and not half of its life, not',
    false,
    shared('b', 20_000, 60),
    cached('a', 10_000),
    {}
  ],
  ['another one in the second half of its life, not', false, shared('b', 301_000), cached('a', 570_000), {}],
  [
    'another one in the second half of its life, if more life is wanted',
    true,
    shared('b', 301_000),
    cached('a', 570_000),
    { minimumLifetimeMs: 200_000 }
  ],
  [
    'what replaces a rejected one, however long it lives',
    true,
    shared('b', 1_000, 60),
    cached('a', 20_000),
    { isReplacement: true }
  ],
  [
    'what is as old as the rejected one, not',
    false,
    shared('b', 20_000),
    cached('a', 20_000),
    { isReplacement: true }
  ],
  [
    'the cached one that was issued again some time ago, not',
    false,
    shared('a', 6_000),
    cached('a', 100_000),
    {}
  ],
  ['another one at half of its life', true, shared('b', 300_000), cached('a', 570_000), {}],
  [
    'what is older than the rejected one, not',
    false,
    shared('b', 20_001),
    cached('a', 20_000),
    { isReplacement: true }
  ]
] as const) {
  t.test(`of the tokens in a store, ${what}`, async (t) => {
    t.equal(isImprovement(token, held, wanted(purpose), MARGIN_MS, NOW), isTaken)
  })
}

const ISSUED_AT = { wallMs: Date.parse('2026-11-24T12:00:00Z'), monotonicMs: 1_000 }
const after = (ms: number) => ({ wallMs: ISSUED_AT.wallMs + ms, monotonicMs: ISSUED_AT.monotonicMs + ms })

/** A token with what the decisions rest on: it lives a minute, is refreshed at 45 s and handed out until 54 s. */
function lasting(accessToken: string, fields: Partial<CachedToken> = {}): CachedToken {
  const token = { accessToken, accessTokenId: undefined }
  const lifetime = { lifetimeMs: 60_000, marginMs: 6_000, refreshAgeMs: 45_000 }
  return { token, ...lifetime, issuedAt: ISSUED_AT, isUsed: true, ...fields } as CachedToken
}

t.test('the token that serves from now on', async (t) => {
  const old = lasting('old')
  // A second less than what the old one has left.
  const shorter = lasting('new', { lifetimeMs: 59_000 })
  const dead = { lifetimeMs: 10_000, marginMs: 1_000 }

  t.test('is the first one', async (t) => {
    t.equal(betterToken(old, undefined, false, after(0)), old)
  })

  t.test('is the one that lives longer, and of two alike the new one', async (t) => {
    t.equal(betterToken(shorter, old, false, after(0)), old)
    t.equal(betterToken(old, shorter, false, after(0)), old)
    const alike = lasting('new')
    t.equal(betterToken(alike, old, false, after(0)), alike)
  })

  t.test('is the new one where the old one was rejected', async (t) => {
    t.equal(betterToken(shorter, old, true, after(0)), shorter)
  })

  t.test('is what is known last of the same token', async (t) => {
    const same = lasting('old', { lifetimeMs: 59_000 })
    t.equal(betterToken(same, old, false, after(0)), same)
  })

  t.test('is a new one at its hard line, and none past it', async (t) => {
    const next = lasting('new', dead)
    t.equal(betterToken(next, undefined, false, after(9_000)), next)
    t.equal(betterToken(next, undefined, false, after(9_001)), undefined)
    t.equal(betterToken(next, old, true, after(9_000)), next)
    t.equal(betterToken(next, old, true, after(9_001)), old, 'but the old one, though it was rejected')
    t.equal(betterToken(lasting('old', dead), old, false, after(9_001)), undefined, 'the same one is dead')
  })
})
