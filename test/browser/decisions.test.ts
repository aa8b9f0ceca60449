import t from 'tap'
import {
  afterAnswer,
  afterHangUp,
  afterRefusal,
  isShortForCall,
  isUsable,
  nextStep,
  pauseMs,
  planBackOffMs,
  planLifetime,
  retryAfterMs,
  sameTokenRefreshLeftMs
} from './internals.js'

t.test('a token is usable down to its margin, and never once it has expired', async (t) => {
  const plan = planLifetime(600_000, 0.5)
  t.strictSame(
    [600_000, 10_000, 9_999, 0, -1].map((leftMs) => isUsable(plan, leftMs)),
    [true, true, false, false, false]
  )
  t.equal(isUsable(planLifetime(0, 0), 0), false)
  t.equal(isUsable(planLifetime(Number.NaN, 0), Number.NaN), false)
})

t.test('a usable token is short for a call with less than 20 s left', async (t) => {
  const plan = planLifetime(600_000, 0.5)
  t.strictSame(
    [20_000, 19_999, 10_000, 9_999].map((leftMs) => isShortForCall(plan, leftMs)),
    [false, true, true, false]
  )
})

t.test('a token that the route hands out once more is due in 5 s at the earliest', async (t) => {
  const plan = { marginMs: 10_000, refreshLeftMs: 18_000 }
  t.equal(sameTokenRefreshLeftMs(plan, 17_000), 12_000)
  t.equal(sameTokenRefreshLeftMs(plan, 600_000), 18_000)
})

t.test('a page that is not active rests, whatever is due', async (t) => {
  t.equal(nextStep({ isActive: false, refreshInMs: -1, pauseLeftMs: 0 }), 'rest')
  t.equal(nextStep({ isActive: false, refreshInMs: 5, pauseLeftMs: 5 }), 'rest')
})

t.test('an active page asks when the token is due and the route may be asked', async (t) => {
  t.equal(nextStep({ isActive: true, refreshInMs: 0, pauseLeftMs: 0 }), 'ask')
  t.equal(nextStep({ isActive: true, refreshInMs: -9, pauseLeftMs: -3 }), 'ask')
  t.strictSame(nextStep({ isActive: true, refreshInMs: 7, pauseLeftMs: 0 }), { waitMs: 7 })
  t.strictSame(nextStep({ isActive: true, refreshInMs: 7, pauseLeftMs: 9 }), { waitMs: 9 })
})

t.test('a back-off is 1 s, doubled up to 30 s, half of it at random', async (t) => {
  const failures = [1, 2, 3, 4, 5, 6, 7, 2_000]
  t.strictSame(
    failures.map((count) => planBackOffMs(count, 0)),
    [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
  )
  t.strictSame(
    failures.map((count) => planBackOffMs(count, 1)),
    [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]
  )
})

t.test('the longer of the back-off and of what the route asked for is the pause', async (t) => {
  t.strictSame([pauseMs(2, 1), pauseMs(1, 2), pauseMs(2), pauseMs(0, 3)], [2, 2, 2, 3])
})

t.test('reads Retry-After as seconds or as a date, and takes anything else for nothing', async (t) => {
  const nowMs = Date.parse('2026-11-24T12:00:00Z')
  const read = (header: string | null) => retryAfterMs(header, nowMs)
  t.strictSame(
    ['20', 'Tue, 24 Nov 2026 12:00:20 GMT', '301', 'Tue, 24 Nov 2026 13:00:00 GMT'].map(read),
    [20_000, 20_000, 300_000, 300_000]
  )
  t.strictSame([null, '', '0', '-5', 'soon', 'Tue, 24 Nov 2026 11:59:00 GMT'].map(read), [0, 0, 0, 0, 0, 0])
})

t.test('a refused call is redialled once, with another token, unless the user has ended it', async (t) => {
  t.equal(afterRefusal('dialled', false), 'replacing')
  t.equal(afterRefusal('dialled', true), 'refused', 'a redial is the last')
  t.equal(afterRefusal('hung-up', false), 'refused')
  t.equal(afterAnswer('replacing', true), 'redialled')
  t.equal(afterAnswer('replacing', false), 'refused')
  t.equal(afterAnswer('refused', true), 'refused', 'the user has ended it meanwhile')
})

t.test(
  'ending a session refuses the call while its token is replaced, and keeps a final state',
  async (t) => {
    t.equal(afterHangUp('dialled'), 'hung-up')
    t.equal(afterHangUp('replacing'), 'refused')
    for (const state of ['hung-up', 'redialled', 'refused'] as const) t.equal(afterHangUp(state), state)
  }
)
