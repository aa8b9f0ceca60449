import t from 'tap'
import { isImprovement } from '../../support/core-internals.js'

type Arguments = Parameters<typeof isImprovement>
type Acquired = Arguments[0]

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
