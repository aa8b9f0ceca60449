import t from 'tap'
import { isNearlyDead, SameTokenPause } from '../../support/core-internals.js'

const at = (monotonicMs: number) => ({ monotonicMs, wallMs: monotonicMs })

t.test(
  'a token is nearly dead with less than 5 s before its hard line, by the monotonic clock',
  async (t) => {
    const token = { lifetimeMs: 60_000, marginMs: 6_000, refreshAgeMs: 45_000, issuedAt: at(1_000) }
    t.notOk(isNearlyDead(token, at(50_000)))
    t.ok(isNearlyDead(token, at(50_001)))
    t.notOk(isNearlyDead(token, { ...at(1_000), wallMs: 3_600_000 }))
  }
)

t.test('nothing is requested for 5 s after the request that brought no better token', async (t) => {
  const pause = new SameTokenPause()
  t.equal(pause.pause(at(0)), undefined)
  pause.set(true, at(1_000), at(2_000))
  t.equal(pause.beganAtMs, 2_000)
  t.match(pause.pause(at(2_000)), { failure: { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE' }, leftMs: 4_000 })
  t.equal(pause.pause(at(5_999))?.leftMs, 1)
  t.equal(pause.pause(at(6_000)), undefined)
  pause.set(true, at(7_000), at(7_000))
  pause.set(false, at(8_000), at(8_000))
  t.equal(pause.pause(at(8_000)), undefined, 'a better token ends it')
})
