import t from 'tap'
import { CLOSED, fromTold, statusFailure, toTold, WAITED_IN_VAIN } from '../../support/core-internals.js'

const NOW_MS = 1_700_000_000_000
const TOLD = {
  code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
  message: 'It is down.',
  remedy: 'retry',
  toldAtMs: NOW_MS
}
const told = (changes: object) => fromTold(JSON.stringify({ ...TOLD, ...changes }), NOW_MS)

t.test('tells of a failure what the other members may know, and no more', async (t) => {
  const failure = {
    ...statusFailure(503, 2_000, 'server_error'),
    attempts: 3,
    cause: { name: 'Error', code: 'ECONNRESET', syscall: 'read' }
  }
  t.strictSame(toTold(failure, NOW_MS), {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    message: failure.message,
    remedy: 'retry',
    retryAfterMs: 2_000,
    upstreamStatus: 503,
    oauthError: 'server_error',
    toldAtMs: NOW_MS
  })
  t.equal(toTold(WAITED_IN_VAIN, NOW_MS), undefined, 'what is no verdict is not told')
  t.equal(toTold(CLOSED, NOW_MS), undefined, 'nor that this member is closed')
})

for (const failure of [
  statusFailure(401, undefined, 'invalid_client'),
  statusFailure(429, 300_000, undefined),
  statusFailure(404, undefined, undefined)
]) {
  t.test(`understands what was told of a ${failure.upstreamStatus}`, async (t) => {
    t.strictSame(fromTold(JSON.stringify(toTold(failure, NOW_MS)), NOW_MS), failure)
  })
}

t.test('takes what stays within the limits, each to its last value', async (t) => {
  for (const changes of [
    { message: 'x'.repeat(200) },
    { message: '' },
    { retryAfterMs: 0 },
    { retryAfterMs: 300_000 },
    { upstreamStatus: 0 },
    { upstreamStatus: 999 },
    { toldAtMs: NOW_MS - 65_000 },
    { toldAtMs: NOW_MS + 65_000 },
    { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED' },
    { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' },
    { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID' },
    { remedy: 'reload' },
    { remedy: 'wait' }
  ]) {
    const { toldAtMs, ...expected } = { ...TOLD, ...changes }
    t.match(told(changes), expected, JSON.stringify(changes).slice(0, 60))
  }
})

t.test('takes nothing of what does not, or what is no failure at all', async (t) => {
  for (const changes of [
    { message: 'x'.repeat(201) },
    { message: undefined },
    { message: ['x'] },
    { retryAfterMs: -1 },
    { retryAfterMs: 300_001 },
    { retryAfterMs: '5' },
    { upstreamStatus: 1_000 },
    { upstreamStatus: -1 },
    { upstreamStatus: null },
    { toldAtMs: NOW_MS - 65_001 },
    { toldAtMs: NOW_MS + 65_001 },
    { toldAtMs: undefined },
    { code: CLOSED.code },
    { code: undefined },
    { remedy: 'pray' }
  ]) {
    t.equal(told(changes), undefined, JSON.stringify(changes).slice(0, 60))
  }
  for (const text of [undefined, '', '{', 'null', '5']) t.equal(fromTold(text, NOW_MS), undefined)
})

t.test("takes the code of the endpoint's error only in its form, and no other field", async (t) => {
  t.equal(told({ oauthError: 'invalid_client' })?.oauthError, 'invalid_client')
  t.equal(told({ oauthError: 'a\nb' })?.oauthError, undefined)
  t.notOk(Object.hasOwn(told({ cause: { code: 'X' }, attempts: 9, isVerdict: false }) ?? {}, 'isVerdict'))
  t.strictSame(told({ cause: {}, attempts: 9, thrown: 'X' }), told({}))
})
